package resource

import "testing"

func TestSameContentAndSameButMeta(t *testing.T) {
	const base = `{"resourceType":"Basic","id":"1","meta":{"tag":[{"code":"a"}]},"n":1.0,"s":"x/y","list":[1,2]}`
	for name, c := range map[string]struct {
		other         string
		same, butMeta bool
	}{
		"the same bytes":              {base, true, true},
		"members in another order":    {`{"list":[1,2],"s":"x/y","n":1.0,"meta":{"tag":[{"code":"a"}]},"id":"1","resourceType":"Basic"}`, true, true},
		"a decimal with more digits":  {`{"resourceType":"Basic","id":"1","meta":{"tag":[{"code":"a"}]},"n":1.00,"s":"x/y","list":[1,2]}`, false, false},
		"a decimal in another form":   {`{"resourceType":"Basic","id":"1","meta":{"tag":[{"code":"a"}]},"n":0.1,"s":"x/y","list":[1,2]}`, false, false},
		"an escape for a character":   {`{"resourceType":"Basic","id":"1","meta":{"tag":[{"code":"\u0061"}]},"n":1.0,"s":"\u0078/y","list":[1,2]}`, true, true},
		"an escaped slash":            {`{"resourceType":"Basic","id":"1","meta":{"tag":[{"code":"a"}]},"n":1.0,"s":"x\/y","list":[1,2]}`, true, true},
		"an escape in a name":         {`{"resourceType":"Basic","id":"1","met\u0061":{"tag":[{"code":"a"}]},"n":1.0,"s":"x/y","list":[1,2]}`, true, true},
		"an array in another order":   {`{"resourceType":"Basic","id":"1","meta":{"tag":[{"code":"a"}]},"n":1.0,"s":"x/y","list":[2,1]}`, false, false},
		"a string with bytes moved":   {`{"resourceType":"Basic","id":"1","meta":{"tag":[{"code":"a"}]},"n":1.0,"s":"y/x","list":[1,2]}`, false, false},
		"another tag":                 {`{"resourceType":"Basic","id":"1","meta":{"tag":[{"code":"b"}]},"n":1.0,"s":"x/y","list":[1,2]}`, false, true},
		"an empty meta":               {`{"resourceType":"Basic","id":"1","meta":{},"n":1.0,"s":"x/y","list":[1,2]}`, false, true},
		"another tag, members moved":  {`{"s":"x/y","resourceType":"Basic","id":"1","meta":{"tag":[{"code":"b"}]},"n":1.0,"list":[1,2]}`, false, true},
		"a tag and a value":           {`{"resourceType":"Basic","id":"1","meta":{"tag":[{"code":"b"}]},"n":2.0,"s":"x/y","list":[1,2]}`, false, false},
		"a member more":               {`{"resourceType":"Basic","id":"1","meta":{"tag":[{"code":"a"}]},"n":1.0,"s":"x/y","list":[1,2],"more":1}`, false, false},
		"a member less":               {`{"resourceType":"Basic","id":"1","meta":{"tag":[{"code":"a"}]},"n":1.0,"s":"x/y"}`, false, false},
		"a member of another name":    {`{"resourceType":"Basic","id":"1","meta":{"tag":[{"code":"a"}]},"n":1.0,"s":"x/y","tsil":[1,2]}`, false, false},
		"a number that became a text": {`{"resourceType":"Basic","id":"1","meta":{"tag":[{"code":"a"}]},"n":"1.0","s":"x/y","list":[1,2]}`, false, false},
		"a damaged body equals none":  {`{"resourceType":"Basic"`, false, false},
		"nothing, as an erased body":  {``, false, false},
		"not an object":               {`[]`, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, pair := range [][2]string{{base, c.other}, {c.other, base}} {
				if got := SameContent([]byte(pair[0]), []byte(pair[1])); got != c.same {
					t.Errorf("SameContent(%s, %s) = %t, want %t", pair[0], pair[1], got, c.same)
				}
				if got := SameButMeta([]byte(pair[0]), []byte(pair[1])); got != c.butMeta {
					t.Errorf("SameButMeta(%s, %s) = %t, want %t", pair[0], pair[1], got, c.butMeta)
				}
			}
		})
	}
}
