package jsondiff

import "fhirlog/domain/fhirjson"

// AppendPatch appends the changes as a JSON Patch
// (https://www.rfc-editor.org/rfc/rfc6902), without white space.
func AppendPatch(dst []byte, changes []Change) []byte {
	dst = append(dst, '[')
	for i := range changes {
		if i > 0 {
			dst = append(dst, ',')
		}
		c := &changes[i]
		dst = append(dst, `{"op":"`...)
		dst = append(dst, c.Op...)
		dst = append(dst, `","path":`...)
		dst = fhirjson.AppendQuoted(dst, c.Pointer)
		if c.Op != Remove {
			dst = append(dst, `,"value":`...)
			dst = fhirjson.AppendCompact(dst, c.After, nil)
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}
