package definitions

// Format is the lexical form of a primitive type.
type Format uint8

// The formats, one for each primitive type of all FHIR versions.
const (
	NoFormat Format = iota // not a primitive
	Base64Binary
	Boolean
	Canonical
	Code
	Date
	DateTime
	Decimal
	ID
	Instant
	Integer
	Integer64
	Markdown
	OID
	PositiveInt
	String
	Time
	UnsignedInt
	URI
	URL
	UUID
	XHTML
)

var formats = map[string]Format{
	"base64Binary": Base64Binary,
	"boolean":      Boolean,
	"canonical":    Canonical,
	"code":         Code,
	"date":         Date,
	"dateTime":     DateTime,
	"decimal":      Decimal,
	"id":           ID,
	"instant":      Instant,
	"integer":      Integer,
	"integer64":    Integer64,
	"markdown":     Markdown,
	"oid":          OID,
	"positiveInt":  PositiveInt,
	"string":       String,
	"time":         Time,
	"unsignedInt":  UnsignedInt,
	"uri":          URI,
	"url":          URL,
	"uuid":         UUID,
	"xhtml":        XHTML,
}
