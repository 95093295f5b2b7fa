// Package clientsecret keeps the secrets of OAuth clients as long as their files
// stay as they are.
package clientsecret

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/disk"
	"webex-tokend/store"
)

// Secrets are what files hold, read again when a file is another one than before or
// was touched: a look costs a fifth of reading. It is taken at each use, so that a
// new secret counts at once. They are safe for concurrent use.
type Secrets struct {
	read func(config.SecretFile) (store.Secret, error)
	now  func() time.Time

	mu    sync.Mutex
	known map[config.SecretFile]knownSecret
}

type knownSecret struct {
	stamp  fileStamp
	secret store.Secret
}

// A fileStamp changes with every write into a file, with its mode and owner, and
// with another file in its place.
type fileStamp struct {
	device, inode     uint64
	modified, changed int64 // ns since 1970
	size              int64
}

// settles is how old the last change of a file must be before its stamp says that
// there was none since: some file systems count time in seconds.
const settles = 2 * time.Second

// New knows no secret yet.
func New() *Secrets {
	return &Secrets{read: config.SecretFile.Read, now: time.Now, known: make(map[config.SecretFile]knownSecret)}
}

// Of returns the secret in a file, or why it cannot be read. The stamp is taken before the content: what is
// written in between makes another one.
func (s *Secrets) Of(file config.SecretFile) (store.Secret, error) {
	stamp, ok := stampOf(file)
	s.mu.Lock()
	known, is := s.known[file]
	s.mu.Unlock()
	if ok && is && known.stamp == stamp {
		return known.secret, nil
	}
	secret, err := s.read(file)
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := s.now().Add(-settles).UnixNano(); err == nil && ok && stamp.modified < before && stamp.changed < before {
		s.known[file] = knownSecret{stamp, secret}
	} else {
		delete(s.known, file)
	}
	return secret, err
}

// stampOf is not ok for a file that is not to be had; reading it says why.
func stampOf(file config.SecretFile) (stamp fileStamp, ok bool) {
	path, err := file.Location()
	if err != nil {
		return stamp, false
	}
	info, err := disk.Do(file.Disk, filepath.Dir(path), func() (os.FileInfo, error) { return os.Stat(path) })
	if err != nil {
		return stamp, false
	}
	has, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return stamp, false
	}
	return fileStamp{uint64(has.Dev), has.Ino, has.Mtim.Nano(), has.Ctim.Nano(), has.Size}, true
}
