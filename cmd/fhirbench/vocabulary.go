package main

// A table is a list of rows whose columns templates name: ${places.city}. One
// resource always takes the same row of a table, so a city fits its state;
// ${places@2.city} takes a second, independent row.
type table struct {
	columns []string
	rows    [][]string
}

// vocabulary holds every table by name. The values go into JSON strings and
// XHTML as they are, so none contains a quote, an ampersand or an angle
// bracket.
var vocabulary = map[string]*table{
	"families": {[]string{"name"}, column("Abernathy", "Bauer", "Castellano", "Delacroix", "Eriksen", "Farrell", "Gutierrez",
		"Hoffmann", "Ishikawa", "Jankowski", "Kowalczyk", "Lindqvist", "Marchetti", "Novak", "Okafor", "Petrov", "Quinn",
		"Rasmussen", "Schneider", "Tanaka", "Underwood", "Vasquez", "Whitfield", "Yamamoto", "Zimmermann", "Lopez", "Haddad",
		"Nguyen", "Sato", "Keller", "Brandt", "Moreau")},
	"givens": {[]string{"name", "gender"}, [][]string{{"Ada", "female"}, {"Bruno", "male"}, {"Carla", "female"},
		{"Dietrich", "male"}, {"Elena", "female"}, {"Felix", "male"}, {"Greta", "female"}, {"Hiro", "male"},
		{"Ines", "female"}, {"Jonas", "male"}, {"Katja", "female"}, {"Leon", "male"}, {"Mira", "female"},
		{"Noah", "male"}, {"Olga", "female"}, {"Pablo", "male"}, {"Rosa", "female"}, {"Samuel", "male"},
		{"Theresa", "female"}, {"Viktor", "male"}, {"Wanda", "female"}, {"Yusuf", "male"}, {"Zoe", "female"}}},
	"places": {[]string{"city", "state"}, [][]string{{"Boston", "MA"}, {"Worcester", "MA"}, {"Springfield", "MA"},
		{"Lowell", "MA"}, {"Austin", "TX"}, {"Denver", "CO"}, {"Portland", "OR"}, {"Madison", "WI"}, {"Richmond", "VA"},
		{"Albany", "NY"}, {"Savannah", "GA"}, {"Tucson", "AZ"}, {"Omaha", "NE"}, {"Fresno", "CA"}, {"Duluth", "MN"}}},
	"streets": {[]string{"name"}, column("Highland Avenue", "Mill Road", "Station Street", "Orchard Lane", "Harbor Drive",
		"Church Street", "Lake View", "Cedar Court", "Union Square", "Bridge Street", "Meadow Way", "Park Terrace")},
	"organizations": {[]string{"name"}, column("Saint Brigid Hospital", "Lakeside Medical Center", "Northern Valley Clinic",
		"General Hospital East", "Harbor Community Health", "Riverside Family Practice", "Children's Hospital West",
		"University Hospital", "Green Hill Care Center", "Mercy Point Hospital")},
	"insurers": {[]string{"name"}, column("Cedar Mutual", "Northern Health Plan", "Blue Harbor Insurance", "Statewide Care",
		"Union Sickness Fund", "Summit Health")},
	"visits": {[]string{"code", "display"}, [][]string{{"185349003", "Encounter for check up"},
		{"185345009", "Encounter for symptom"}, {"162673000", "General examination of patient"},
		{"390906007", "Follow-up encounter"}, {"50849002", "Emergency room admission"},
		{"424441002", "Prenatal initial visit"}}},
	"conditions": {[]string{"code", "display"}, [][]string{{"38341003", "Hypertensive disorder"},
		{"44054006", "Diabetes mellitus type 2"}, {"195662009", "Acute viral pharyngitis"}, {"10509002", "Acute bronchitis"},
		{"444814009", "Viral sinusitis"}, {"15777000", "Prediabetes"}, {"271737000", "Anemia"}, {"195967001", "Asthma"},
		{"40055000", "Chronic sinusitis"}, {"65363002", "Otitis media"}, {"55822004", "Hyperlipidemia"},
		{"396275006", "Osteoarthritis"}}},
	"services": {[]string{"code", "display"}, [][]string{{"430193006", "Medication reconciliation"},
		{"399208008", "Plain chest X-ray"}, {"23426006", "Measurement of respiratory function"},
		{"428191000124101", "Documentation of current medications"}, {"29303009", "Electrocardiographic procedure"},
		{"76601001", "Intramuscular injection"}, {"252160004", "Standard pregnancy test"}, {"274474001", "Bone immobilization"},
		{"117015009", "Throat culture"}, {"288086009", "Suture open wound"}}},
	"measures": {[]string{"code", "display", "unit", "low", "high", "digits"}, [][]string{
		{"8302-2", "Body height", "cm", "140", "200", "1"}, {"29463-7", "Body weight", "kg", "45", "120", "1"},
		{"39156-5", "Body mass index", "kg/m2", "18", "40", "2"}, {"8867-4", "Heart rate", "/min", "50", "110", "0"},
		{"8310-5", "Body temperature", "Cel", "35", "40", "1"}, {"9279-1", "Respiratory rate", "/min", "10", "24", "0"},
		{"2339-0", "Glucose", "mg/dL", "60", "180", "2"}, {"2093-3", "Total cholesterol", "mg/dL", "120", "280", "2"},
		{"2571-8", "Triglycerides", "mg/dL", "60", "240", "2"}, {"38483-4", "Creatinine", "mg/dL", "1", "4", "3"},
		{"6298-4", "Potassium", "mmol/L", "3", "6", "2"}, {"4548-4", "Hemoglobin A1c", "%", "4", "9", "2"}}},
	"medications": {[]string{"code", "display", "dose", "frequency"}, [][]string{
		{"313782", "Acetaminophen 325 MG Oral Tablet", "2", "3"}, {"314076", "Lisinopril 10 MG Oral Tablet", "1", "1"},
		{"860975", "Metformin hydrochloride 500 MG Oral Tablet", "1", "2"}, {"198405", "Ibuprofen 100 MG Oral Tablet", "2", "4"},
		{"310798", "Hydrochlorothiazide 25 MG Oral Tablet", "1", "1"}, {"312961", "Simvastatin 20 MG Oral Tablet", "1", "1"},
		{"849574", "Naproxen sodium 220 MG Oral Tablet", "1", "2"}, {"562251", "Amoxicillin 250 MG Oral Tablet", "1", "3"}}},
	"panels": {[]string{"code", "display"}, [][]string{{"57698-3", "Lipid panel"}, {"58410-2", "Complete blood count"},
		{"51990-0", "Basic metabolic panel"}, {"24323-8", "Comprehensive metabolic panel"}}},
	"vaccines": {[]string{"code", "display"}, [][]string{{"140", "Influenza, seasonal, injectable, preservative free"},
		{"113", "Td (adult), preservative free"}, {"52", "Hep A, adult"}, {"133", "Pneumococcal conjugate PCV 13"},
		{"121", "Zoster vaccine, live"}}},
}

// column makes rows of a single column.
func column(values ...string) [][]string {
	rows := make([][]string, len(values))
	for i, v := range values {
		rows[i] = []string{v}
	}
	return rows
}

// index tells where a column stands in each row, -1 when there is none.
func (t *table) index(name string) int {
	for i, c := range t.columns {
		if c == name {
			return i
		}
	}
	return -1
}
