package daemon_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What a newcomer can take in at once.
const (
	mostMethods   = 40   // of a type, with those that it embeds and with functions whose first parameter it is
	mostFields    = 15   // of a struct, with those of structs of its own package that lie in it
	mostRoomLines = 2500 // of a package, tests aside
	mostExported  = 40   // names of a package
	mostFileLines = 500
	mostTestLines = 800
)

// exceptions are what is known to be too large, each with the reason. Entries
// are only removed: one that is not needed any more is a failure as well.
func exceptions() map[string]string {
	const (
		command  = "one file for each command; they share a console of five fields and know nothing of each other"
		format   = "one field for each key of a flat format"
		contract = "one type for each answer of the API"
		engine   = "records, and what the store asks of an engine: the next cut"
		server   = "a server of its own for users and tests"
	)
	return map[string]string{
		"fields of daemon/emulator.Config":             "one setting for each habit of Webex",
		"lines of daemon/emulator":                     server,
		"methods of cmd/webex-tokend.console":          command,
		"lines of cmd/webex-tokend":                    command,
		"exported names of store":                      engine,
		"exported names of daemon/wire":                contract,
		"fields of daemon/alert.Message":               format,
		"fields of daemon/config.Integration":          format,
		"fields of daemon/configfile.integrationBlock": format,
		"fields of daemon/wire.Grant":                  format,
		"fields of store.Record":                       format,
	}
}

// A house is the measured source of a module.
type house struct {
	module string
	rooms  []string
	// excess says what is too large, under the keys of exceptions.
	excess map[string]string
}

// A listed package is what go list says of one.
type listed struct {
	ImportPath   string
	Dir          string
	Export       string
	GoFiles      []string
	TestGoFiles  []string
	XTestGoFiles []string
	Module       *struct{ Main bool }
}

// measure reads the source of all packages of the module at root. Packages of
// others come as compiled, which is what makes it quick.
func measure(t *testing.T, root, module string) *house {
	t.Helper()
	list := exec.Command("go", "list", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles,TestGoFiles,XTestGoFiles,Module", "./...")
	list.Dir, list.Stderr = root, os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listed
	for from := json.NewDecoder(bytes.NewReader(out)); from.More(); {
		var p listed
		if err := from.Decode(&p); err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	files := token.NewFileSet()
	compiled := importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) {
		i := slices.IndexFunc(packages, func(p listed) bool { return p.ImportPath == path })
		if i < 0 {
			return nil, fmt.Errorf("package %s is not listed", path)
		}
		return os.Open(packages[i].Export)
	})
	read := &reading{compiled: compiled, own: make(map[string]*types.Package)}
	h := &house{module: module, excess: make(map[string]string)}
	for _, p := range packages { // each one after those that it imports
		if p.Module == nil || !p.Module.Main {
			continue
		}
		h.measureFiles(t, p)
		if len(p.GoFiles) == 0 {
			continue
		}
		var syntax []*ast.File
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			syntax = append(syntax, f)
		}
		checked, err := (&types.Config{Importer: read}).Check(p.ImportPath, files, syntax, nil)
		if err != nil {
			t.Fatal(err)
		}
		read.own[p.ImportPath] = checked
		h.measureNames(checked)
	}
	return h
}

// A reading imports packages of the module from source, so that their
// unexported names count, and all others as compiled.
type reading struct {
	compiled types.Importer
	own      map[string]*types.Package
}

func (r *reading) Import(path string) (*types.Package, error) {
	if p := r.own[path]; p != nil {
		return p, nil
	}
	return r.compiled.Import(path)
}

func (h *house) exceeds(what string, size, most int) {
	if size > most {
		h.excess[what] = fmt.Sprintf("%s: %d, and at most %d are allowed", what, size, most)
	}
}

func (h *house) name(path string) string { return strings.TrimPrefix(path, h.module+"/") }

func (h *house) measureFiles(t *testing.T, p listed) {
	room, total := h.name(p.ImportPath), 0
	if len(p.GoFiles) > 0 {
		h.rooms = append(h.rooms, room)
	}
	for n, name := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
		text, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		lines, most := bytes.Count(text, []byte("\n")), mostTestLines
		if n < len(p.GoFiles) {
			total, most = total+lines, mostFileLines
		}
		h.exceeds("lines of "+room+"/"+name, lines, most)
	}
	h.exceeds("lines of "+room, total, mostRoomLines)
}

func (h *house) measureNames(p *types.Package) {
	room, exported := h.name(p.Path()), 0
	taking := make(map[*types.TypeName]int) // functions by their first parameter
	for _, name := range p.Scope().Names() {
		if ast.IsExported(name) && !valueOf(p, p.Scope().Lookup(name)) {
			exported++
		}
		f, ok := p.Scope().Lookup(name).(*types.Func)
		if !ok || f.Signature().Params().Len() == 0 {
			continue
		}
		if first, ok := pointee(f.Signature().Params().At(0).Type()).(*types.Named); ok {
			taking[first.Obj()]++
		}
	}
	h.exceeds("exported names of "+room, exported, mostExported)
	for _, name := range p.Scope().Names() {
		of, ok := p.Scope().Lookup(name).(*types.TypeName)
		if !ok || of.IsAlias() {
			continue
		}
		methods := 0
		set := types.NewMethodSet(of.Type())
		if !types.IsInterface(of.Type()) {
			set = types.NewMethodSet(types.NewPointer(of.Type()))
		}
		for m := range set.Methods() { // what is embedded of other modules is theirs
			if from := m.Obj().Pkg(); from != nil && strings.HasPrefix(from.Path()+"/", h.module+"/") {
				methods++
			}
		}
		h.exceeds("methods of "+room+"."+name, methods+taking[of], mostMethods)
		if s, ok := of.Type().Underlying().(*types.Struct); ok {
			h.exceeds("fields of "+room+"."+name, fields(s, p), mostFields)
		}
	}
}

// valueOf reports whether the object is a constant of a type of its own package:
// it belongs to the type, as in the package's documentation.
func valueOf(p *types.Package, o types.Object) bool {
	named, ok := o.Type().(*types.Named)
	_, constant := o.(*types.Const)
	return ok && constant && named.Obj().Pkg() == p
}

func pointee(t types.Type) types.Type {
	if p, ok := t.(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

// fields counts those of a struct. A struct of the same package that lies in it
// by value, named or not, counts with its own fields: cutting an object into
// such parts makes it no smaller. What is handed over counts as one.
func fields(s *types.Struct, p *types.Package) int {
	n := 0
	for f := range s.Fields() {
		inner, ok := f.Type().Underlying().(*types.Struct)
		if named, is := f.Type().(*types.Named); !ok || handedOver(inner) || is && named.Obj().Pkg() != p {
			n++
			continue
		}
		n += max(1, fields(inner, p))
	}
	return n
}

// handedOver reports whether a struct is a Config or a document: every field is
// exported, so that nothing has to hold between them, and none is a lock.
func handedOver(s *types.Struct) bool {
	for f := range s.Fields() {
		named, ok := f.Type().(*types.Named)
		if !f.Exported() || ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "sync" {
			return false
		}
	}
	return s.NumFields() > 0
}

func TestTheHouseHasNoRoomThatIsTooLarge(t *testing.T) {
	h := measure(t, "..", module)
	if len(h.rooms) < len(mayImport())/2 {
		t.Fatalf("only %d rooms found", len(h.rooms))
	}
	known := exceptions()
	for what, text := range h.excess {
		if known[what] == "" {
			t.Error(text)
		}
	}
	for what, reason := range known {
		if h.excess[what] == "" {
			t.Errorf("%s: no exception is needed any more (%s)", what, reason)
		}
	}
}

func TestTheHouseHasARowForEachRoomInTheImportTable(t *testing.T) {
	rows := mayImport()
	for _, room := range measure(t, "..", module).rooms {
		if _, ok := rows[room]; !ok {
			t.Errorf("package %s has no row", room)
		}
		delete(rows, room)
	}
	for room := range rows {
		t.Errorf("the row of %s belongs to no package", room)
	}
}

// TestTheHouseIsMeasured is the positive control: each limit is exceeded by one,
// in each way that would hide it, beside neighbours that reach it and no more.
func TestTheHouseIsMeasured(t *testing.T) {
	repeat := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format+"\n", i)
		}
		return b.String()
	}
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module sample\n\ngo 1.26\n",
		"wide/wide.go": "package wide\n\nimport (\n\"sample/part\"\n\"time\"\n)\n" +
			"type Full struct{}\n" + repeat(40, "func (Full) m%d() {}") +
			"type Over struct{}\n" + repeat(40, "func (*Over) m%d() {}") + "func f(o *Over, n int) {}\n" +
			"type embedding struct{ part.Part }\n" + repeat(21, "func (embedding) n%d() {}") +
			"type broad interface {\n" + repeat(41, "m%d()") + "}\n" +
			"type fits struct {\n" + repeat(15, "f%d int") + "}\n" +
			"type flat struct {\n" + repeat(16, "f%d int") + "}\n" +
			"type instant struct{ time.Time }\n" +
			"type few struct {\n" + repeat(8, "f%d int") + "}\n" +
			"type nested struct {\na few\nb struct {\n" + repeat(8, "f%d int") + "}\n}\n" +
			"type apart struct {\na few\n" + repeat(6, "f%d int") + "p part.Part\n}\n" +
			"type Page struct {\n" + repeat(9, "F%d int") + "}\n" +
			"type pages struct{ a, b Page }\n" +
			"var Many = 1\n",
		"part/part.go":      "package part\n\ntype Part struct {\n" + repeat(9, "f%d int") + "}\n" + repeat(20, "func (Part) m%d() {}"),
		"open/open.go":      "package open\n\ntype E int\n\nconst C E = 1\n" + repeat(40, "var V%d int"),
		"long/long.go":      "package long\n" + repeat(500, "// %d"),
		"long/long_test.go": "package long\n" + repeat(800, "// %d"),
		"deep/a.go":         "package deep\n" + repeat(499, "// %d"),
		"deep/b.go":         "package deep\n" + repeat(499, "// %d"),
		"deep/c.go":         "package deep\n" + repeat(499, "// %d"),
		"deep/d.go":         "package deep\n" + repeat(499, "// %d"),
		"deep/e.go":         "package deep\n" + repeat(499, "// %d"),
		"deep/f.go":         "package deep\n",
		"deep/a_test.go":    "package deep\n" + repeat(799, "// %d"),
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := measure(t, root, "sample")
	want := []string{
		"exported names of open: 41, and at most 40 are allowed",
		"fields of wide.flat: 16, and at most 15 are allowed",
		"fields of wide.nested: 16, and at most 15 are allowed",
		"lines of deep: 2501, and at most 2500 are allowed",
		"lines of long/long.go: 501, and at most 500 are allowed",
		"lines of long/long_test.go: 801, and at most 800 are allowed",
		"methods of wide.Over: 41, and at most 40 are allowed",
		"methods of wide.broad: 41, and at most 40 are allowed",
		"methods of wide.embedding: 41, and at most 40 are allowed",
	}
	if got := slices.Sorted(maps.Values(h.excess)); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
