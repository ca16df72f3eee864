package validate

// twoDigits reads two digits, or gives a number that is out of every range.
func twoDigits(text []byte) int {
	if !isDigit(text[0]) || !isDigit(text[1]) {
		return 100
	}
	return int(text[0]-'0')*10 + int(text[1]-'0')
}

// isDate checks for YYYY, YYYY-MM or YYYY-MM-DD of the calendar.
func isDate(text []byte) bool {
	if len(text) != 4 && len(text) != 7 && len(text) != 10 {
		return false
	}
	year := twoDigits(text)*100 + twoDigits(text[2:])
	if year < 1 || twoDigits(text) > 99 || twoDigits(text[2:]) > 99 {
		return false
	}
	if len(text) == 4 {
		return true
	}
	month := twoDigits(text[5:])
	if text[4] != '-' || month < 1 || month > 12 {
		return false
	}
	if len(text) == 7 {
		return true
	}
	day := twoDigits(text[8:])
	return text[7] == '-' && day >= 1 && day <= daysIn(year, month)
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// isInstant checks for a date, a time and a time zone.
func isInstant(text []byte) bool {
	if len(text) < len("2006-01-02T15:04:05Z") || text[10] != 'T' || !isDate(text[:10]) {
		return false
	}
	zone, ok := cutTime(text[11:])
	return ok && isZone(zone)
}

// cutTime checks for hh:mm:ss with an optional fraction and returns what
// follows. A second may be 60, for leap seconds.
func cutTime(text []byte) (rest []byte, ok bool) {
	if len(text) < 8 || text[2] != ':' || text[5] != ':' ||
		twoDigits(text) > 23 || twoDigits(text[3:]) > 59 || twoDigits(text[6:]) > 60 {
		return nil, false
	}
	rest = text[8:]
	if len(rest) == 0 || rest[0] != '.' {
		return rest, true
	}
	rest = rest[1:]
	digits := 0
	for digits < len(rest) && isDigit(rest[digits]) {
		digits++
	}
	return rest[digits:], digits > 0
}

// isZone checks for Z or an offset of at most 14 hours.
func isZone(text []byte) bool {
	if len(text) == 1 {
		return text[0] == 'Z'
	}
	if len(text) != 6 || text[0] != '+' && text[0] != '-' || text[3] != ':' {
		return false
	}
	hours, minutes := twoDigits(text[1:]), twoDigits(text[4:])
	return hours < 14 && minutes <= 59 || hours == 14 && minutes == 0
}
