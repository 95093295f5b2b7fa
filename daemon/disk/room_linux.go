package disk

import (
	"fmt"
	"os"
	"syscall"
)

// A Room is what is left on the file system of a folder. The zero Room is that of
// one of which nothing is known.
type Room struct {
	Size, Free int64 // bytes; free for this process
	// Inodes and FreeInodes are 0 where a file system does not count them.
	Inodes, FreeInodes int64
	ReadOnly           bool
	// File is the size of the file that lies there and grows.
	File int64
}

// RoomOf asks the file system of a folder. A file that is not there has no size.
func RoomOf(folder, file string) (Room, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(folder, &st); err != nil {
		return Room{}, fmt.Errorf("ask for room in %s: %w", folder, err)
	}
	r := Room{
		Size: int64(st.Blocks) * st.Bsize, Free: int64(st.Bavail) * st.Bsize,
		Inodes: int64(st.Files), FreeInodes: int64(st.Ffree),
		ReadOnly: st.Flags&syscall.MS_RDONLY != 0, // ST_RDONLY is the same bit
	}
	if info, err := os.Stat(file); err == nil {
		r.File = info.Size()
	}
	return r, nil
}

// What is little is a hundredth of the disk, but not less than leastFree and twice
// the file, of which a backup takes as much again; and on a small disk a fifth.
const (
	leastFree   = 64 << 20
	leastInodes = 64
	smallest    = 5
)

// Shortage returns why what is written there may soon find no room; empty: it will
// find it.
func (r Room) Shortage() string {
	little := min(max(r.Size/100, 2*r.File, leastFree), r.Size/smallest)
	switch {
	case r.ReadOnly:
		return "the disk is read-only"
	case r.Size > 0 && r.Free <= little:
		return fmt.Sprintf("%d KiB of %d KiB are free", r.Free>>10, r.Size>>10)
	case r.Inodes > 0 && r.FreeInodes <= min(max(r.Inodes/100, leastInodes), r.Inodes/smallest):
		return fmt.Sprintf("%d of %d inodes are free", r.FreeInodes, r.Inodes)
	}
	return ""
}
