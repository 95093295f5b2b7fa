// Package draft writes an integration and a grant into the text of a
// configuration. What stands there stays as it is, byte by byte: new blocks come
// behind it.
package draft

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// A Draft lists additions to a configuration. The zero value adds nothing.
type Draft struct {
	// Folder, when set, begins a configuration that lives in a folder of its own.
	Folder *Folder
	// Integration names a block of these settings; without any it is there.
	Integration string
	Settings    []Setting
	// Grant names a block under the integration; empty: none is added.
	Grant string
	// File, when set, is where the token of the grant is written.
	File *File
	// Pages adds an http block, with what Listen says beside the default.
	Pages  bool
	Listen string
}

// A Setting is one line of the integration block: a text, or a list of them.
type Setting struct {
	Key   string
	Text  string
	Texts []string // instead of Text
}

// A File is one file block of the grant; empty fields leave the default.
type File struct{ Path, Format, Group string }

// A Folder is where everything lies that the package keeps in the folders of
// the system.
type Folder struct{ State, Runtime, Key string }

// Contents are the blocks that a configuration has, by what init has to know.
type Contents struct {
	Integrations, Grants []string
	Pages                bool
}

// Look lists what a text has. The error says that it is no HCL.
func Look(src []byte) (Contents, error) {
	file, diags := hclwrite.ParseConfig(src, "", hcl.InitialPos)
	if diags.HasErrors() {
		return Contents{}, diags
	}
	var c Contents
	for _, b := range file.Body().Blocks() {
		labels := append(b.Labels(), "")
		switch b.Type() {
		case "integration":
			c.Integrations = append(c.Integrations, labels[0])
		case "grant":
			c.Grants = append(c.Grants, labels[0])
		case "http":
			c.Pages = true
		}
	}
	return c, nil
}

// Add returns src with the blocks of d behind it. The error names what is there
// already.
func (d Draft) Add(src []byte) ([]byte, error) {
	there, err := Look(src)
	if err != nil {
		return nil, err
	}
	switch {
	case len(d.Settings) > 0 && slices.Contains(there.Integrations, d.Integration):
		return nil, fmt.Errorf("integration %q is there already", d.Integration)
	case d.Grant != "" && slices.Contains(there.Grants, d.Grant):
		return nil, fmt.Errorf("grant %q is there already", d.Grant)
	}
	added := d.blocks(there)
	if len(added) == 0 {
		return src, nil
	}
	end := []byte("\n")
	if bytes.Contains(src, []byte("\r\n")) {
		end = []byte("\r\n")
		added = bytes.ReplaceAll(added, []byte("\n"), end)
	}
	text := slices.Clone(src)
	if len(text) > 0 {
		if !bytes.HasSuffix(text, []byte("\n")) {
			text = append(text, end...)
		}
		text = append(text, end...)
	}
	return append(text, added...), nil
}

// blocks is the text that is added, in the form that HCL's own formatter gives.
func (d Draft) blocks(there Contents) []byte {
	file := hclwrite.NewEmptyFile()
	body := file.Body()
	apart := func() {
		if len(body.Blocks()) > 0 || len(body.Attributes()) > 0 {
			body.AppendNewline()
		}
	}
	if f := d.Folder; f != nil {
		body.SetAttributeValue("state_dir", cty.StringVal(f.State))
		body.SetAttributeValue("runtime_dir", cty.StringVal(f.Runtime))
		apart()
		body.AppendNewBlock("seal", nil).Body().SetAttributeValue("key_file", cty.StringVal(f.Key))
	}
	if d.Pages && !there.Pages {
		apart()
		pages := body.AppendNewBlock("http", nil).Body()
		if d.Listen != "" {
			pages.SetAttributeValue("listen", cty.StringVal(d.Listen))
		}
	}
	if len(d.Settings) > 0 {
		apart()
		in := body.AppendNewBlock("integration", []string{d.Integration}).Body()
		for _, s := range d.Settings {
			in.SetAttributeValue(s.Key, s.value())
		}
	}
	if d.Grant != "" {
		apart()
		grant := body.AppendNewBlock("grant", []string{d.Grant}).Body()
		grant.SetAttributeValue("integration", cty.StringVal(d.Integration))
		if f := d.File; f != nil {
			out := grant.AppendNewBlock("file", nil).Body()
			for _, s := range []Setting{{Key: "path", Text: f.Path}, {Key: "format", Text: f.Format}, {Key: "group", Text: f.Group}} {
				if s.Text != "" {
					out.SetAttributeValue(s.Key, s.value())
				}
			}
		}
	}
	return hclwrite.Format(file.Bytes())
}

func (s Setting) value() cty.Value {
	if s.Texts == nil {
		return cty.StringVal(s.Text)
	}
	if len(s.Texts) == 0 {
		return cty.ListValEmpty(cty.String)
	}
	var list []cty.Value
	for _, text := range s.Texts {
		list = append(list, cty.StringVal(text))
	}
	return cty.ListVal(list)
}
