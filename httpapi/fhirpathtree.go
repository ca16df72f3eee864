package httpapi

import (
	"strconv"
	"unicode/utf8"

	"fhirlog/domain/fhirjson"
	"fhirlog/domain/fhirpath"
)

// largestTree is the length of an expression up to which its tree is told: the
// tree is some hundred times as long.
const largestTree = 4 << 10

// appendTree writes the tree of an expression as JSON in the form that the
// FHIRPath Lab shows: what a step is taken from is its first argument.
func appendTree(dst []byte, compiled *fhirpath.Expression) []byte {
	w := &treeWriter{dst: dst, text: compiled.String()}
	w.node(compiled.Node())
	return w.dst
}

type treeWriter struct {
	dst  []byte
	text string
}

func (w *treeWriter) node(n fhirpath.Node) {
	switch n := n.(type) {
	case *fhirpath.Literal:
		w.write("ConstantExpression", n.Value.String(), n, 0)
	case *fhirpath.Empty:
		w.write("EmptyListExpression", "", n, 0)
	case *fhirpath.Variable:
		w.write("VariableRefExpression", n.Name, n, 1+len(n.Name))
	case *fhirpath.Special:
		w.write("AxisExpression", "builtin."+n.Name[1:], n, len(n.Name))
	case *fhirpath.Member:
		w.write("ChildExpression", n.Name, n, len(n.Name), w.of(n.Of))
	case *fhirpath.Call:
		arguments := []func(){w.of(n.Of)}
		for _, arg := range n.Args {
			arguments = append(arguments, func() { w.node(arg) })
		}
		w.write("FunctionCallExpression", n.Name, n, len(n.Name), arguments...)
	case *fhirpath.Typed:
		named := func() { w.write("ConstantExpression", n.Type.String(), n, 0) }
		if n.Function {
			w.write("FunctionCallExpression", n.Op, n, len(n.Op), w.of(n.Of), named)
		} else {
			w.write("BinaryExpression", n.Op, n, len(n.Op), w.of(n.Of), named)
		}
	case *fhirpath.Indexer:
		w.write("IndexerExpression", "[]", n, 1, w.of(n.Of), func() { w.node(n.Index) })
	case *fhirpath.Unary:
		w.write("UnaryExpression", n.Op, n, len(n.Op), func() { w.node(n.Of) })
	case *fhirpath.Binary:
		w.write("BinaryExpression", n.Op, n, len(n.Op), func() { w.node(n.Left) }, func() { w.node(n.Right) })
	}
}

// of is the argument that a step is taken from.
func (w *treeWriter) of(n fhirpath.Node) func() {
	if n == nil {
		return func() { w.dst = append(w.dst, `{"ExpressionType":"AxisExpression","Name":"builtin.that"}`...) }
	}
	return func() { w.node(n) }
}

// write writes a node with its place, in characters, and its arguments. A length
// of 0 is not known.
func (w *treeWriter) write(kind, name string, n fhirpath.Node, length int, arguments ...func()) {
	w.dst = append(w.dst, `{"ExpressionType":"`+kind+`","Name":`...)
	w.dst = fhirjson.AppendQuoted(w.dst, name)
	if len(arguments) > 0 {
		w.dst = append(w.dst, `,"Arguments":[`...)
		for i, argument := range arguments {
			if i > 0 {
				w.dst = append(w.dst, ',')
			}
			argument()
		}
		w.dst = append(w.dst, ']')
	}
	w.dst = strconv.AppendInt(append(w.dst, `,"Position":`...), int64(utf8.RuneCountInString(w.text[:n.Offset()])), 10)
	if length > 0 {
		w.dst = strconv.AppendInt(append(w.dst, `,"Length":`...), int64(length), 10)
	}
	w.dst = append(w.dst, '}')
}
