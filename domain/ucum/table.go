package ucum

import (
	"fmt"
	"math/big"
	"strings"
	"sync"
)

// The table: one unit a line, as symbol, value, and the unit that the value
// counts. A star before the symbol marks a metric unit, one that takes prefixes.
// A unit without value is a base unit or, further down, an arbitrary one, whose
// values compare to their own kind only.
const source = `
*m
*s
*g
*rad
*K
*C
*cd
10* 10 1
10^ 10 1
% 1/100 1
[ppth] 1/1000 1
[ppm] 1/1000000 1
[ppb] 1/1000000000 1
[pptr] 1/1000000000000 1
[pi] 3.1415926535897932384626433832795028841971693993751058209749445923 1
*mol 6.0221367e23 1
*eq 1 mol
*osm 1 mol
*sr 1 rad2
*Hz 1 s-1
*N 1 kg.m/s2
*Pa 1 N/m2
*J 1 N.m
*W 1 J/s
*A 1 C/s
*V 1 J/C
*F 1 C/V
*Ohm 1 V/A
*S 1 Ohm-1
*Wb 1 V.s
*T 1 Wb/m2
*H 1 Wb/A
*lm 1 cd.sr
*lx 1 lm/m2
*Bq 1 s-1
*Gy 1 J/kg
*Sv 1 J/kg
*kat 1 mol/s
*U 1 umol/min
*l 1 dm3
*L 1 dm3
*ar 100 m2
*t 1000 kg
*bar 100000 Pa
*u 1.6605402e-24 g
*eV 1.60217733e-19 J
*dyn 1 g.cm/s2
*erg 1 dyn.cm
*P 1 dyn.s/cm2
*St 1 cm2/s
*Gal 1 cm/s2
*G 1/10000 T
*Ci 37000000000 Bq
*R 2.58e-4 C/kg
*RAD 100 erg/g
*REM 1 RAD
*cal_th 4.184 J
*cal_IT 4.1868 J
*cal 1 cal_th
[Cal] 1 kcal_th
*m[H2O] 9.80665 kPa
*m[Hg] 133.322 kPa
*g% 1 g/dl
atm 101325 Pa
[g] 9.80665 m/s2
*gf 1 g.[g]
[lbf_av] 1 [lb_av].[g]
[psi] 1 [lbf_av]/[sin_i]
[in_i'Hg] 1 m[Hg].[in_i]/m
[in_i'H2O] 1 m[H2O].[in_i]/m
min 60 s
h 60 min
d 24 h
wk 7 d
a 1 a_j
a_j 365.25 d
a_t 365.24219 d
a_g 365.2425 d
mo 1 mo_j
mo_s 29.53059 d
mo_j 1/12 a_j
mo_g 1/12 a_g
deg 1/180 [pi].rad
' 1/60 deg
'' 1/60 '
circ 2 [pi].rad
gon 9/10 deg
*pc 3.085678e16 m
AU 149597.870691 Mm
Ao 1/10 nm
b 100 fm2
att 1 kgf/cm2
*[c] 299792458 m/s
*[ly] 1 [c].a_j
*[h] 6.6260755e-34 J.s
*[k] 1.380658e-23 J/K
*[e] 1.60217733e-19 C
*Mx 1/100000000 Wb
Oe 250 /[pi].A/m
[Btu] 1.05505585262 kJ
[HP] 550 [ft_i].[lbf_av]/s
*Bd 1 /s
sph 4 [pi].sr
[in_i] 2.54 cm
[mil_i] 1/1000 [in_i]
[fth_i] 6 [ft_i]
[ft_us] 1200/3937 m
[in_us] 1/12 [ft_us]
[yd_us] 3 [ft_us]
[mi_us] 5280 [ft_us]
[acr_us] 43560 [ft_us]2
[ft_i] 12 [in_i]
[yd_i] 3 [ft_i]
[mi_i] 5280 [ft_i]
[nmi_i] 1852 m
[kn_i] 1 [nmi_i]/h
[sin_i] 1 [in_i]2
[sft_i] 1 [ft_i]2
[cin_i] 1 [in_i]3
[cft_i] 1 [ft_i]3
[syd_i] 1 [yd_i]2
[cyd_i] 1 [yd_i]3
[Ch] 1/3 mm
[gal_us] 231 [cin_i]
[bbl_us] 42 [gal_us]
[bu_us] 2150.42 [cin_i]
[qt_us] 1/4 [gal_us]
[pt_us] 1/2 [qt_us]
[gil_us] 1/4 [pt_us]
[foz_us] 1/4 [gil_us]
[fdr_us] 1/8 [foz_us]
[tbs_us] 1/2 [foz_us]
[tsp_us] 1/3 [tbs_us]
[cup_us] 16 [tbs_us]
[cup_m] 240 mL
[foz_m] 30 mL
[tbs_m] 15 mL
[tsp_m] 5 mL
[gal_br] 4.54609 l
[pt_br] 1/8 [gal_br]
[foz_br] 1/160 [gal_br]
[drp] 1/20 ml
[gr] 64.79891 mg
[lb_av] 7000 [gr]
[oz_av] 1/16 [lb_av]
[dr_av] 1/16 [oz_av]
[stone_av] 14 [lb_av]
[ston_av] 2000 [lb_av]
[lton_av] 2240 [lb_av]
[oz_tr] 480 [gr]
[lb_tr] 12 [oz_tr]
[sc_ap] 20 [gr]
[dr_ap] 3 [sc_ap]
[oz_ap] 8 [dr_ap]
[car_m] 1/5 g
[degR] 5/9 K
[MET] 3.5 mL/min/kg
[diop] 1 m-1
[S] 1/10000000000000 s
[HPF] 1 1
[LPF] 100 1
*bit 1 1
*By 8 bit
*[IU] 1 [iU]
*[iU]
*[arb'U]
*[USP'U]
*B
*Np
[pH]
[CFU]
[PFU]
[FFU]
[CCID_50]
[TCID_50]
[EID_50]
[BAU]
[AU]
[Lf]
[Amb'a'1'U]
[D'ag'U]
[beth'U]
[anti'Xa'U]
[APL'U]
[GPL'U]
[MPL'U]
[todd'U]
[ka'U]
[tb'U]
[knk'U]
[dye'U]
[bdsk'U]
[smgy'U]
[hnsf'U]
[mclg'U]
`

// prefixes, with those of two letters before those of one.
var prefixes = []struct {
	symbol string
	factor *big.Rat
}{
	{"da", factor("10")}, {"Ki", factor("1024")}, {"Mi", factor("1048576")}, {"Gi", factor("1073741824")}, {"Ti", factor("1099511627776")},
	{"Y", factor("1e24")}, {"Z", factor("1e21")}, {"E", factor("1e18")}, {"P", factor("1e15")}, {"T", factor("1e12")}, {"G", factor("1e9")}, {"M", factor("1e6")}, {"k", factor("1e3")}, {"h", factor("100")},
	{"d", factor("1e-1")}, {"c", factor("1e-2")}, {"m", factor("1e-3")}, {"u", factor("1e-6")}, {"n", factor("1e-9")}, {"p", factor("1e-12")}, {"f", factor("1e-15")}, {"a", factor("1e-18")}, {"z", factor("1e-21")}, {"y", factor("1e-24")},
}

func factor(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic("factor of a prefix: " + text)
	}
	return r
}

// atoms is the table in use, by symbol.
type atoms struct {
	units  map[string]Unit
	metric map[string]bool
}

// known reads the table at its first use; a fault in it is one of the code.
var known = sync.OnceValue(func() *atoms {
	a := &atoms{units: map[string]Unit{}, metric: map[string]bool{}}
	lines := map[string][]string{}
	for line := range strings.Lines(source) {
		if fields := strings.Fields(line); len(fields) > 0 {
			symbol := strings.TrimPrefix(fields[0], "*")
			a.metric[symbol] = symbol != fields[0]
			lines[symbol] = fields
		}
	}
	var find func(symbol string) (Unit, bool)
	find = func(symbol string) (Unit, bool) {
		if _, made := a.units[symbol]; !made && lines[symbol] != nil {
			a.units[symbol] = define(symbol, lines[symbol], find)
		}
		return a.find(symbol, find)
	}
	for symbol := range lines {
		find(symbol)
	}
	kelvin := []power{{"K", 1}}
	a.metric["Cel"] = true
	a.units["Cel"] = Unit{offset: big.NewRat(27315, 100), powers: kelvin}
	a.units["[degF]"] = Unit{factor: big.NewRat(5, 9), offset: big.NewRat(45967, 100), powers: kelvin}
	return a
})

// define makes the unit of a line of the table.
func define(symbol string, fields []string, find func(string) (Unit, bool)) Unit {
	if len(fields) == 1 {
		return Unit{powers: []power{{symbol, 1}}}
	}
	value, ok := new(big.Rat).SetString(fields[1])
	p := &parser{code: fields[2], find: find}
	counted, err := p.all()
	if !ok || err != nil {
		panic(fmt.Sprintf("table of units: %s: %v", symbol, err))
	}
	return Unit{factor: value}.times(counted, 1)
}

// lookUp finds a unit by its symbol, with or without prefix.
func lookUp(symbol string) (Unit, bool) {
	a := known()
	return a.find(symbol, nil)
}

// find looks a symbol up in the units made so far; define is asked for the
// units behind prefixes while the table is being read.
func (a *atoms) find(symbol string, define func(string) (Unit, bool)) (Unit, bool) {
	if u, ok := a.units[symbol]; ok {
		return u, true
	}
	for _, prefix := range prefixes {
		rest, ok := strings.CutPrefix(symbol, prefix.symbol)
		if !ok || !a.metric[rest] {
			continue
		}
		if define != nil {
			define(rest)
		}
		u := a.units[rest]
		prefixed := Unit{factor: new(big.Rat).Mul(prefix.factor, u.multiplier()), powers: u.powers}
		if u.offset != nil {
			prefixed.offset = new(big.Rat).Quo(u.offset, prefix.factor)
		}
		return prefixed, true
	}
	return Unit{}, false
}
