package publish

import (
	"os"
	"sync"
	"time"
)

const (
	// keptFor is how long a folder that was looked at serves the writes that come
	// together. What was written meanwhile lies in the folder that was looked at,
	// whatever became of the ones above it.
	keptFor = 100 * time.Millisecond
	// mostKept bounds the descriptors of folders in which nobody writes any more.
	mostKept = 64
)

// A keptFolders holds folders open for writes that come together: to open one
// means to look at each step that leads to it. The zero value is ready; nil keeps
// none.
type keptFolders struct {
	mu     sync.Mutex
	byPath map[string]*keptFolder
}

type keptFolder struct {
	*folder
	users int // those who write, and one for the time that it is kept
	ends  *time.Timer
}

// open returns the folder and what lets it go again.
func (k *keptFolders) open(path, runtimeDir string) (*folder, func(), error) {
	if k == nil {
		d, err := makeFolder(path, runtimeDir)
		if err != nil {
			return nil, nil, err
		}
		return d, d.Close, nil
	}
	if kept := k.take(path); kept != nil {
		if info, err := os.Lstat(path); err == nil && os.SameFile(info, kept.info) && info.Mode() == kept.info.Mode() && ownerOf(info) == ownerOf(kept.info) {
			return kept.folder, func() { k.release(kept) }, nil
		}
		k.drop(path, kept)
		k.release(kept)
	}
	d, err := makeFolder(path, runtimeDir)
	if err != nil {
		return nil, nil, err
	}
	kept := k.keep(path, d)
	return d, func() { k.release(kept) }, nil
}

func (k *keptFolders) take(path string) *keptFolder {
	k.mu.Lock()
	defer k.mu.Unlock()
	kept := k.byPath[path]
	if kept != nil {
		kept.users++
	}
	return kept
}

// keep makes a folder known to those who come next, and counts the caller.
func (k *keptFolders) keep(path string, d *folder) *keptFolder {
	kept := &keptFolder{folder: d, users: 1}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.byPath) >= mostKept || k.byPath[path] != nil {
		return kept
	}
	if k.byPath == nil {
		k.byPath = make(map[string]*keptFolder)
	}
	k.byPath[path] = kept
	kept.users++
	kept.ends = time.AfterFunc(keptFor, func() {
		k.drop(path, kept)
		k.release(kept)
	})
	return kept
}

// close lets go what is kept, so that a stopped daemon holds up no unmounting.
func (k *keptFolders) close() {
	k.mu.Lock()
	all := k.byPath
	k.byPath = nil
	k.mu.Unlock()
	for _, kept := range all {
		if kept.ends.Stop() {
			k.release(kept)
		}
	}
}

// drop lets nobody else come.
func (k *keptFolders) drop(path string, kept *keptFolder) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byPath[path] == kept {
		delete(k.byPath, path)
	}
}

// release closes the folder behind the last one.
func (k *keptFolders) release(kept *keptFolder) {
	k.mu.Lock()
	kept.users--
	last := kept.users == 0
	k.mu.Unlock()
	if last {
		kept.Close()
	}
}
