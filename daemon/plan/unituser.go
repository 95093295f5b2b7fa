package plan

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"

	"webex-tokend/daemon/config"
)

// unitUser is the user of the shipped unit.
const unitUser = "webex-tokend"

// unreadable lists the files of this configuration, itself included, that the
// unit's user cannot read, with the command that lets it. Root reads everything,
// so that checking a file as root finds nothing of this. Where there is no such
// user, the daemon runs as somebody else.
func unreadable(c *config.Config) []string {
	u, err := user.Lookup(unitUser)
	if err != nil {
		return nil
	}
	groups, err := u.GroupIds()
	if err != nil {
		return nil
	}
	paths := []string{c.Path}
	for _, in := range c.Integrations {
		for _, s := range in.Secrets {
			paths = append(paths, s.Path)
		}
		paths = append(paths, in.ProxyCredentials.Path, in.CAFile)
	}
	if s := c.Alert.WebhookSecret; s != nil {
		paths = append(paths, s.Path)
	}
	for _, g := range c.Grants {
		if g.Seed != nil {
			paths = append(paths, g.Seed.File)
		}
	}
	var list []string
	for _, path := range sorted(paths) {
		// What is not there is no matter of rights.
		info, err := os.Stat(path)
		if err == nil && !readable(info, u.Uid, groups) {
			list = append(list, fmt.Sprintf("user %s cannot read %s: chgrp %[1]s %[2]s && chmod 640 %[2]s", unitUser, path))
		}
	}
	return list
}

// readable goes by owner, group and mode.
func readable(info fs.FileInfo, uid string, groups []string) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	id := func(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
	switch mode := info.Mode(); {
	case id(stat.Uid) == uid:
		return mode&0o400 != 0
	case slices.Contains(groups, id(stat.Gid)):
		return mode&0o040 != 0
	default:
		return mode&0o004 != 0
	}
}
