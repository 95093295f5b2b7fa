// Package address finds the socket of the daemon for its commands, without
// reading more of a configuration than that takes: commands are called in loops,
// and a configuration may have thousands of blocks.
package address

import (
	"os"
	"path/filepath"
	"strings"

	"webex-tokend/daemon/disk"
)

const (
	// Socket is where the daemon listens unless something else is said.
	Socket = "/run/webex-tokend/api.sock"
	// Config is where the packaged unit looks for the configuration.
	Config = "/etc/webex-tokend/config.hcl"
	// Variable of the environment names another socket.
	Variable = "WEBEX_TOKEND_SOCKET"
)

// socketLimit is the size of sockaddr_un on Linux without the final NUL.
const socketLimit = 107

// OwnConfig is where the configuration of a user lies who made one by init,
// whether it is there or not; empty for root, whose is that of the package.
func OwnConfig() string {
	if os.Geteuid() == 0 {
		return ""
	}
	folder, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(folder, "webex-tokend", "config.hcl")
}

// UsualConfig is the package's, or that of a user who made one by init.
func UsualConfig() string {
	if own := OwnConfig(); own != "" {
		_, err := disk.Do(new(disk.Calls), filepath.Dir(own), func() (os.FileInfo, error) { return os.Stat(own) })
		if err == nil {
			return own
		}
	}
	return Config
}

// Read reads a configuration. The error is disk.ErrSilent where the file does not
// answer: a share whose server is gone, or a pipe that nobody writes to.
func Read(path string) ([]byte, error) {
	return disk.Do(new(disk.Calls), filepath.Dir(path), func() ([]byte, error) { return os.ReadFile(path) })
}

// Find returns the socket of a configuration, by default in runtime_dir. It
// understands plain text in quotes and no more: not found means that the
// configuration has to be parsed, for its faults as well. What stands in other
// blocks is passed over and may be faulty.
func Find(src []byte) (socket string, found bool) {
	s := scanner{src: src}
	folder := filepath.Dir(Socket)
	for {
		name, ok := s.name()
		switch {
		case !ok:
			return "", false
		case name == "" && s.at < len(src):
			return "", false
		case name == "":
			return usable(filepath.Join(folder, filepath.Base(Socket)))
		case name == "api":
			if socket, found = s.attribute("socket"); !found {
				return "", false
			}
			if socket != "" {
				return usable(socket)
			}
		case name == "runtime_dir":
			if folder, ok = s.value(); !ok || !filepath.IsAbs(folder) {
				return "", false
			}
		default:
			if !s.skip() {
				return "", false
			}
		}
	}
}

func usable(path string) (string, bool) {
	if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
		return "", false
	}
	path = filepath.Clean(path)
	return path, len(path) <= socketLimit
}
