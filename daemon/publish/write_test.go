package publish_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/publish"
)

// publishOnce publishes a token to one file and returns what Outputs says.
func publishOnce(t testing.TB, f config.File) string {
	t.Helper()
	h := newHost()
	h.token("ops", 1, "abc")
	p := run(t, h.publisher(declare("/run/none", "ops", f)))
	idle(t, p)
	return states(p, "ops")
}

// TestReadersFindAWholeTokenAtEveryInstant lets 64 readers loop on a file that
// changes all the time. The same readers find the faults of a plain write, so
// they can find some.
func TestReadersFindAWholeTokenAtEveryInstant(t *testing.T) {
	const rotations = 100
	folders := map[string]func(testing.TB) string{"on disk": folder, "on tmpfs": memory}
	for name, folder := range folders {
		t.Run(name, func(t *testing.T) {
			h, path := newHost(), filepath.Join(folder(t), "ops")
			f := config.File{Path: path, Format: "raw", Mode: 0o640}
			h.token("ops", 1, longToken(1))
			p := run(t, h.publisher(declare("/run/none", "ops", f)))
			idle(t, p)
			faults := watchWithReaders(t, path, func(reading func()) {
				for i := range uint64(rotations) {
					h.token("ops", i+2, longToken(i+2))
					p.Publish("ops")
					idle(t, p)
					reading()
				}
			})
			if faults != nil {
				t.Error(faults)
			}
		})
	}
	t.Run("a plain write is found out", func(t *testing.T) {
		path := filepath.Join(folder(t), "ops")
		if err := os.WriteFile(path, []byte(longToken(1)+"\n"), 0o640); err != nil {
			t.Fatal(err)
		}
		faults := watchWithReaders(t, path, func(reading func()) {
			for i := range uint64(rotations) {
				file, err := os.Create(path)
				if err != nil {
					t.Fatal(err)
				}
				reading() // somebody reads before there is content
				fmt.Fprintln(file, longToken(i+2))
				file.Close()
			}
		})
		if faults == nil {
			t.Error("the readers saw nothing")
		}
	})
}

// longToken is a token of 4 KiB in which each part tells the generation.
func longToken(generation uint64) string {
	return strings.Repeat(fmt.Sprintf("%08d", generation), 512)
}

// watchWithReaders runs change while readers loop, and returns what the first
// unhappy one saw. change calls reading to wait until a reader has been by.
func watchWithReaders(t *testing.T, path string, change func(reading func())) error {
	t.Helper()
	var readers sync.WaitGroup
	var done atomic.Bool
	var reads atomic.Uint64
	faults := make(chan error, 64)
	for range cap(faults) {
		readers.Go(func() {
			for !done.Load() {
				err := readWhole(path)
				reads.Add(1)
				if err != nil {
					faults <- err
					return
				}
				runtime.Gosched() // else each one keeps its processor for a whole time slice
			}
		})
	}
	change(func() {
		for before := reads.Load(); reads.Load() < before+2 && len(faults) < cap(faults); {
			runtime.Gosched()
		}
	})
	done.Store(true)
	readers.Wait()
	select {
	case err := <-faults:
		return err
	default:
		return nil
	}
}

func readWhole(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Mode() != 0o640 {
		return fmt.Errorf("mode is %v", info.Mode())
	}
	b, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	if len(b) != 4097 || strings.Repeat(string(b[:8]), 512)+"\n" != string(b) {
		return fmt.Errorf("%d bytes are not a whole token", len(b))
	}
	return nil
}

// TestModeAndOwnerAreRightBeforeThereIsContent follows the temporary file by
// inotify: once it was written to, nothing changes its mode or owner.
func TestModeAndOwnerAreRightBeforeThereIsContent(t *testing.T) {
	needRoot(t)
	for name, folder := range map[string]func(testing.TB) string{"on disk": folder, "on tmpfs": memory} {
		t.Run(name, func(t *testing.T) { followTemporaryFile(t, folder(t)) })
	}
}

func followTemporaryFile(t *testing.T, dir string) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Close()
	if err := watcher.Add(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ops")
	if got := publishOnce(t, config.File{Path: path, Format: "raw", Mode: 0o440, Owner: "4711", Group: "4712"}); got != "ok 1" {
		t.Fatalf("outputs are %q", got)
	}
	var seen []string
	for !strings.Contains(strings.Join(seen, " "), "CREATE ops") {
		event := <-watcher.Events
		name := filepath.Base(event.Name)
		if name != "ops" {
			if !strings.HasPrefix(name, ".ops") {
				t.Errorf("temporary file is called %s", name)
			}
			name = "temp"
		}
		seen = append(seen, event.Op.String()+" "+name)
	}
	order := strings.Join(seen, ", ")
	if !strings.HasPrefix(order, "CREATE temp, CHMOD temp") || !strings.Contains(order, "WRITE temp, RENAME temp") || strings.LastIndex(order, "CHMOD") > strings.Index(order, "WRITE") {
		t.Errorf("the order was %s", order)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if has := info.Sys().(*syscall.Stat_t); info.Mode() != 0o440 || has.Uid != 4711 || has.Gid != 4712 {
		t.Errorf("mode %v, owner %d:%d, want 0440, 4711:4712", info.Mode(), has.Uid, has.Gid)
	}
}

func TestAGroupIsGivenByNameToo(t *testing.T) {
	needRoot(t)
	path := filepath.Join(folder(t), "ops")
	if got := publishOnce(t, config.File{Path: path, Format: "raw", Mode: 0o640, Group: "daemon", Owner: "daemon"}); got != "ok 1" {
		t.Fatalf("outputs are %q", got)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if has := info.Sys().(*syscall.Stat_t); has.Uid == 0 || has.Gid == 0 {
		t.Errorf("owner is %d:%d", has.Uid, has.Gid)
	}
}

func TestAFileThatIsInOrderIsNotTouched(t *testing.T) {
	path := filepath.Join(folder(t), "ops")
	first := inode(t, path)
	if again := inode(t, path); again != first {
		t.Error("it was written anew without need")
	}
	for change, do := range map[string]func() error{
		"its mode was changed":      func() error { return os.Chmod(path, 0o644) },
		"its content was changed":   func() error { return os.WriteFile(path, []byte("xyz\n"), 0) },
		"it has a second name":      func() error { return os.Link(path, path+".link") },
		"it was made executable":    func() error { return os.Chmod(path, 0o700) },
		"another group was set":     func() error { return os.Chown(path, -1, os.Getegid()+1) },
		"it was extended by a line": func() error { return os.WriteFile(path, []byte("abc\nabc\n"), 0) },
	} {
		before := inode(t, path)
		if err := do(); errors.Is(err, fs.ErrPermission) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		if inode(t, path) == before {
			t.Errorf("it was not repaired after %s", change)
		}
		wantContent(t, path, "abc\n")
	}
}

// inode publishes and returns which file stands there then.
func inode(t *testing.T, path string) uint64 {
	t.Helper()
	if got := publishOnce(t, raw(path)); got != "ok 1" {
		t.Fatalf("outputs are %q", got)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

func TestPlacesThatOthersControlAreRefused(t *testing.T) {
	tests := []struct {
		name string
		make func(dir string) (path string, err error)
		want string
	}{
		{"a symbolic link in the file's place", func(dir string) (string, error) {
			return filepath.Join(dir, "ops"), os.Symlink("/tmp/elsewhere", filepath.Join(dir, "ops"))
		}, "/ops is not a regular file"},
		{"a folder in the file's place", func(dir string) (string, error) {
			return filepath.Join(dir, "ops"), os.Mkdir(filepath.Join(dir, "ops"), 0o755)
		}, "/ops is not a regular file"},
		{"a pipe in the file's place", func(dir string) (string, error) {
			return filepath.Join(dir, "ops"), unix.Mkfifo(filepath.Join(dir, "ops"), 0o600)
		}, "/ops is not a regular file"},
		{"a symbolic link in the folder's place", func(dir string) (string, error) {
			return filepath.Join(dir, "link", "ops"), os.Symlink(t.TempDir(), filepath.Join(dir, "link"))
		}, "/link is a symbolic link"},
		{"a folder that everybody may write to", func(dir string) (string, error) {
			return filepath.Join(dir, "ops"), os.Chmod(dir, 0o777)
		}, "is writable by its group or by others (mode 0777)"},
		{"a folder that its group may write to", func(dir string) (string, error) {
			return filepath.Join(dir, "ops"), os.Chmod(dir, 0o770)
		}, "is writable by its group or by others (mode 0770)"},
		{"a folder of somebody else", func(dir string) (string, error) {
			return filepath.Join(dir, "ops"), os.Chown(dir, 4711, -1)
		}, "belongs to uid 4711, neither to root nor to the daemon"},
		{"a folder that is none", func(dir string) (string, error) {
			return filepath.Join(dir, "file", "ops"), os.WriteFile(filepath.Join(dir, "file"), nil, 0o600)
		}, "not a directory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path, err := test.make(folder(t))
			if errors.Is(err, fs.ErrPermission) {
				needRoot(t)
			}
			if err != nil {
				t.Fatal(err)
			}
			before, _ := os.Lstat(path)
			if got := publishOnce(t, raw(path)); !strings.HasPrefix(got, "failed 0 (") || !strings.Contains(got, test.want) {
				t.Errorf("outputs are %q, want a failure with %q", got, test.want)
			}
			after, _ := os.Lstat(path)
			if before != nil && (after == nil || !os.SameFile(before, after)) {
				t.Error("what stood there was replaced")
			}
		})
	}
}

func TestAStickyFolderIsGoodEnough(t *testing.T) {
	dir := folder(t)
	if err := os.Chmod(dir, 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if got := publishOnce(t, raw(filepath.Join(dir, "ops"))); got != "ok 1" {
		t.Errorf("outputs are %q", got)
	}
}

func TestAnUnknownGroupIsOneClearErrorOfTheProbe(t *testing.T) {
	h, dir := newHost(), folder(t)
	nowhere := raw(filepath.Join(dir, "nowhere"))
	nowhere.Group = "no-such-group"
	absent := raw(filepath.Join(dir, "absent", "ops"))
	p := publish.New(h.publisher(declare("/run/none", "ops", raw(filepath.Join(dir, "good")), nowhere, absent)))
	err := p.Probe(t.Context())
	want := fmt.Sprintf("grant ops: output %s: look up group \"no-such-group\": group: unknown group no-such-group\n"+
		"grant ops: output %s: open folder: open %s: no such file or directory",
		nowhere.Path, absent.Path, filepath.Dir(absent.Path))
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
	wantNames(t, dir)
}

func TestAFullDiskLeavesTheFormerToken(t *testing.T) {
	dir := mountTmpfs(t, "size=64k")
	path := filepath.Join(dir, "ops")
	h := newHost()
	h.token("ops", 1, "former")
	p := run(t, h.publisher(declare("/run/none", "ops", raw(path))))
	idle(t, p)
	filler, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer filler.Close()
	for err == nil {
		_, err = filler.Write(make([]byte, 4096))
	}
	h.token("ops", 2, "newer")
	p.Publish("ops")
	idle(t, p)
	wantContent(t, path, "former\n")
	wantStates(t, p, "ops", "failed 1 (write token file: no space left on device)")
	wantNames(t, dir, "filler", "ops")
}

func TestAReadOnlyFolderNamesTheSettingOfTheUnit(t *testing.T) {
	dir := mountTmpfs(t, "size=64k")
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	want := "failed 0 (make token file: read-only file system; the unit needs ReadWritePaths=" + dir + ")"
	if got := publishOnce(t, raw(filepath.Join(dir, "ops"))); got != want {
		t.Errorf("outputs are %q, want %q", got, want)
	}
}

// mountTmpfs mounts a small tmpfs for the time of the test.
func mountTmpfs(t *testing.T, options string) string {
	t.Helper()
	needRoot(t)
	dir := folder(t)
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755,"+options); err != nil {
		t.Skipf("cannot mount here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// BenchmarkPublish brings a token to its file on tmpfs; beside it stands what a
// bare write and rename takes.
func BenchmarkPublish(b *testing.B) {
	b.Run("bare write and rename", func(b *testing.B) {
		path := filepath.Join(memory(b), "ops")
		content := []byte(longToken(1))
		for b.Loop() {
			if err := os.WriteFile(path+".new", content, 0o640); err != nil {
				b.Fatal(err)
			}
			if err := os.Rename(path+".new", path); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("one grant at a time", func(b *testing.B) {
		h, path := newHost(), filepath.Join(memory(b), "ops")
		cfg := h.publisher(declare("/run/none", "ops", config.File{Path: path, Format: "raw", Mode: 0o640}))
		p := run(b, cfg)
		for generation := uint64(1); b.Loop(); generation++ {
			h.token("ops", generation, longToken(generation))
			p.Publish("ops")
			idle(b, p)
		}
	})
	b.Run("many grants", func(b *testing.B) {
		h, dir := newHost(), memory(b)
		const grants = 1000
		cfg := h.publisher(declare("/run/none", "g-*", config.File{
			Path: filepath.Join(dir, "{{ .Grant }}"), Format: "raw", Mode: 0o640}))
		cfg.Published = func(context.Context, string, uint64) error { return nil }
		p := run(b, cfg)
		generation := uint64(0)
		for b.Loop() {
			generation++
			for i := range grants {
				name := fmt.Sprintf("g-%d", i)
				h.token(name, generation, longToken(generation))
				p.Publish(name)
			}
			idle(b, p)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*grants), "ns/grant")
	})
}
