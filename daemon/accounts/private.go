package accounts

import (
	"bufio"
	"os"
	"os/user"
	"strconv"
	"strings"
)

// Private reports whether a group has no member but that user, whose name and
// whose first group it is: then what the group may do, the user alone may.
func Private(uid, gid uint32) bool {
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil || u.Gid != strconv.FormatUint(uint64(gid), 10) {
		return false
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil || g.Name != u.Username {
		return false
	}
	file, err := os.Open("/etc/group")
	if err != nil {
		return false
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) == 4 && fields[0] == g.Name {
			return fields[3] == "" || fields[3] == u.Username
		}
	}
	return false // it comes from elsewhere, with members that cannot be listed
}
