package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/renameio/v2"

	"webex-tokend/daemon/address"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/draft"
	"webex-tokend/store/newfile"
	"webex-tokend/store/seal"
)

// useSecretFile takes a secret that is in a file already and stays there.
func (s *setup) useSecretFile(path string) error {
	full, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("locate client secret: %w", err)
	}
	if _, err := os.Stat(full); err != nil {
		return &failure{exitUsage, fmt.Errorf("--client-secret-file: %w", err), "name a file that holds the secret, or - for stdin"}
	}
	s.values[theSecret] = full
	return nil
}

// write makes the files, the configuration last: it names the others. Until
// then nothing that was there has changed, and what was made goes again after a
// failure.
func (s *setup) write(d draft.Draft) (done written, err error) {
	text, err := d.Add(s.source)
	if err != nil {
		return done, err
	}
	if _, err := configfile.Parse(text, s.c.config); err != nil {
		return done, err
	}
	done = written{Config: s.c.config, Integration: d.Integration, Grant: d.Grant, Files: []string{}, Warnings: []string{}}
	defer func() {
		if err != nil {
			for _, path := range done.Files {
				_ = os.Remove(path)
			}
			err = &failure{exitFailed, err, rootHint(err)}
		}
	}()
	if err := s.makeFolders(d.Folder); err != nil {
		return done, err
	}
	if d.Folder != nil {
		switch err := seal.WriteKey(d.Folder.Key, seal.NewKey()); {
		case err == nil:
			done.Files = append(done.Files, d.Folder.Key)
		case !errors.Is(err, fs.ErrExist):
			return done, err
		}
	}
	if s.secret != "" && s.adds() {
		made, err := s.writeSecret(s.values[theSecret])
		if err != nil {
			return done, err
		}
		if made {
			done.Files = append(done.Files, s.values[theSecret])
		}
	}
	if err := s.replaceConfig(text); err != nil {
		return done, err
	}
	done.Files = append(done.Files, s.c.config)
	cfg, err := configfile.Load(s.c.config, configfile.Options{})
	if err != nil {
		return done, nil // it was read without a fault; what is on disk may still come
	}
	done.Warnings = append(done.Warnings, cfg.Warnings...)
	done.Next = s.next(cfg)
	return done, nil
}

// makeFolders makes those of a configuration in a folder of its own, with the
// modes that the daemon gives them.
func (s *setup) makeFolders(f *draft.Folder) error {
	folders := []struct {
		path string
		mode fs.FileMode
	}{{filepath.Dir(s.c.config), 0o700}}
	if f != nil {
		folders = append(folders, struct {
			path string
			mode fs.FileMode
		}{f.State, 0o700}, struct {
			path string
			mode fs.FileMode
		}{f.Runtime, 0o711})
	}
	for _, folder := range folders {
		if _, err := os.Stat(folder.path); err == nil {
			continue
		}
		if err := os.MkdirAll(folder.path, folder.mode); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
	}
	return nil
}

// writeSecret makes the file of the secret. One that is there with the same
// secret in it will do; another one is not replaced.
func (s *setup) writeSecret(path string) (made bool, err error) {
	before, err := os.ReadFile(path)
	if err == nil {
		if strings.TrimSpace(string(before)) == s.secret {
			return false, nil
		}
		return false, fmt.Errorf("write client secret: %s holds another one; move it away, or choose another --integration", path)
	}
	err = newfile.Write(path, func(f *os.File) error {
		if _, err := io.WriteString(f, s.secret+"\n"); err != nil {
			return err
		}
		return share(f, filepath.Dir(path))
	})
	if err != nil {
		return false, fmt.Errorf("write client secret: %w", err)
	}
	return true, nil
}

// share lets the group of the folder read, which is the daemon's in
// /etc/webex-tokend; where that is a user's own group or root's, nobody else.
func share(f *os.File, folder string) error {
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(folder); err == nil && os.Geteuid() == 0 {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Gid != 0 {
			if err := f.Chown(-1, int(st.Gid)); err != nil {
				return err
			}
			mode = 0o640
		}
	}
	return f.Chmod(mode)
}

// replaceConfig puts the whole text in place at once. The file keeps owner and
// mode; a new one gets those of secrets.
func (s *setup) replaceConfig(text []byte) error {
	if s.source == nil {
		err := newfile.Write(s.c.config, func(f *os.File) error {
			if _, err := f.Write(text); err != nil {
				return err
			}
			return share(f, filepath.Dir(s.c.config))
		})
		if err != nil {
			return fmt.Errorf("write config: %w", err)
		}
		return nil
	}
	info, err := os.Stat(s.c.config)
	if err != nil {
		return fmt.Errorf("write config: %w", err)
	}
	f, err := renameio.NewPendingFile(s.c.config, renameio.WithExistingPermissions())
	if err != nil {
		return fmt.Errorf("write config: %w", err)
	}
	defer func() { _ = f.Cleanup() }()
	if _, err = f.Write(text); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
			err = f.Chown(int(st.Uid), int(st.Gid))
		}
	}
	if err == nil {
		err = f.CloseAtomicallyReplace()
	}
	if err != nil {
		return fmt.Errorf("write config: %w", err)
	}
	return nil
}

// answers reports whether somebody listens at a URL on this host.
func answers(at string) bool {
	u, err := url.Parse(at)
	if err != nil || !config.LoopbackHost(u.Hostname()) {
		return true // who is elsewhere is not knocked at
	}
	conn, err := net.DialTimeout("tcp", u.Host, time.Second)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// next lists the commands from here to a token, as they work from here.
func (s *setup) next(cfg *config.Config) []string {
	program := invocation()
	of := ""
	if s.c.config != address.Config && s.c.config != address.OwnConfig() {
		of = " --config " + s.c.config
	}
	var list []string
	if s.try != "" && !answers(s.try) {
		list = append(list, program+" emulator")
	}
	if bySystemd() && s.c.config == address.Config {
		list = append(list, "systemctl enable --now webex-tokend")
	} else {
		list = append(list, program+" run"+of)
	}
	in := cfg.Integrations[s.values[theName]]
	switch {
	case in == nil:
	case in.Authorizes():
		list = append(list, program+" authorize "+s.values[theGrant]+of)
	case in.Kind == config.ServiceApp:
		list = append(list, program+" status "+s.values[theGrant]+of)
	default:
		list = append(list, program+" import "+s.values[theGrant]+of)
	}
	return list
}
