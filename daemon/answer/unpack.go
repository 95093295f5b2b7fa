package answer

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// Encodings is the Accept-Encoding to send: an answer as it is, at the worst in
// gzip, and nothing else.
const Encodings = "identity, gzip;q=0.5, *;q=0"

// maxLayers bounds how often an answer may be packed.
const maxLayers = 3

// Unpack undoes content codings that nobody asked for: a proxy may apply them
// all the same. It goes by the first bytes where a coding has some, since the
// header can be false, and else by the header. most bounds the result, in bytes;
// more and short report that there was more and that it breaks off. What no
// decoder takes a byte from stays as it is, for a human to look at.
func Unpack(text []byte, coding string, most int) (plain []byte, more, short bool) {
	for range maxLayers {
		r := unpacker(text, coding)
		if r == nil {
			break
		}
		plain, more, short = ReadBounded(r, most, 0)
		// Bytes that hold a token as they are, and none when they are unpacked, were
		// not packed, whatever a decoder makes of them.
		if losesToken(text, plain, "refresh") || losesToken(text, plain, "access") {
			break
		}
		if short && len(plain) == 0 {
			return text, false, true
		}
		if more || short {
			return plain, more, short
		}
		text = plain
	}
	return text, false, false
}

// unpacker returns what undoes the outermost coding, nil without one.
func unpacker(text []byte, coding string) io.Reader {
	switch {
	case bytes.HasPrefix(text, []byte("\x1f\x8b")):
		if r, err := gzip.NewReader(bytes.NewReader(text)); err == nil {
			return r
		}
		return broken{}
	case bytes.HasPrefix(text, []byte("\x28\xb5\x2f\xfd")):
		// One at a time needs no goroutine, and the window is what RFC 9659 allows.
		r, err := zstd.NewReader(bytes.NewReader(text), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
		if err == nil {
			return r
		}
		return broken{}
	case len(text) > 2 && text[0]&0x0f == 8 && (int(text[0])<<8|int(text[1]))%31 == 0:
		if r, err := zlib.NewReader(bytes.NewReader(text)); err == nil {
			return r
		}
	case looksLikeText(text), IsText(text):
		return nil
	}
	// Neither of these has a mark of its own. What comes out as a text was in it.
	for _, open := range unmarked(strings.ToLower(coding)) {
		head := make([]byte, 64)
		n, _ := io.ReadFull(open(text), head)
		if looksLikeText(head[:n]) {
			return open(text)
		}
	}
	return nil
}

func losesToken(text, plain []byte, which string) bool {
	return len(Salvage(text, which, true)) > 0 && len(Salvage(plain, which, true)) == 0
}

// unmarked lists the codings without a mark, the likelier one first.
func unmarked(coding string) []func([]byte) io.Reader {
	br := func(b []byte) io.Reader { return brotli.NewReader(bytes.NewReader(b)) }
	raw := func(b []byte) io.Reader { return flate.NewReader(bytes.NewReader(b)) }
	if strings.Contains(coding, "deflate") {
		return []func([]byte) io.Reader{raw, br}
	}
	return []func([]byte) io.Reader{br, raw}
}

// looksLikeText reports that bytes begin as an answer does.
func looksLikeText(b []byte) bool {
	trimmed := bytes.TrimLeft(b, " \t\r\n")
	return len(trimmed) > 1 && (bytes.IndexByte([]byte("{[\"<"), trimmed[0]) >= 0 || isLetter(trimmed[0])) && IsText(b[:min(len(b), 24)])
}

// broken is a coding that breaks off at once.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// IsText reports that bytes may be a text in an encoding without zeros; one in
// UTF-16 or UTF-32 is told by its zeros and marks.
func IsText(b []byte) bool {
	if _, note := Decode(b); note != "" {
		return true
	}
	odd := 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 || r < ' ' && r != '\n' && r != '\r' && r != '\t' {
			odd++
		}
		i += n
	}
	return odd <= len(b)/20
}

// ReadBounded reads up to most bytes; the announced size only spares it to grow.
func ReadBounded(from io.Reader, most int, announced int64) (text []byte, more, short bool) {
	var buffer bytes.Buffer
	buffer.Grow(bytes.MinRead + int(min(max(announced, 0), int64(most))))
	_, err := buffer.ReadFrom(io.LimitReader(from, int64(most)+1))
	text = buffer.Bytes()
	if len(text) > most {
		return text[:most], true, false
	}
	return text, false, err != nil
}
