package disk_test

import (
	"testing"

	"webex-tokend/daemon/disk"
)

func TestADiskIsShortOfRoomBeforeItIsFull(t *testing.T) {
	const mib = 1 << 20
	for name, c := range map[string]struct {
		room  disk.Room
		short bool
	}{
		"nothing known":                      {disk.Room{}, false},
		"half of a large one":                {disk.Room{Size: 100 << 30, Free: 50 << 30}, false},
		"less than a hundredth of it":        {disk.Room{Size: 100 << 30, Free: 1000 * mib}, true},
		"less than the least":                {disk.Room{Size: 1 << 30, Free: 60 * mib}, true},
		"no room for a backup":               {disk.Room{Size: 10 << 30, Free: 1 << 30, File: 600 * mib}, true},
		"a small one of which a third is":    {disk.Room{Size: 30 * mib, Free: 10 * mib}, false},
		"a small one of which a tenth is":    {disk.Room{Size: 30 * mib, Free: 3 * mib}, true},
		"full":                               {disk.Room{Size: 30 * mib}, true},
		"inodes in plenty":                   {disk.Room{Size: 100 << 30, Free: 50 << 30, Inodes: 1e6, FreeInodes: 5e5}, false},
		"few inodes":                         {disk.Room{Size: 100 << 30, Free: 50 << 30, Inodes: 1e6, FreeInodes: 9e3}, true},
		"a file system that counts none":     {disk.Room{Size: 100 << 30, Free: 50 << 30}, false},
		"read-only, with all the room of it": {disk.Room{Size: 100 << 30, Free: 50 << 30, ReadOnly: true}, true},
	} {
		if got := c.room.Shortage(); (got != "") != c.short {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestTheRoomOfAFolderIsThatOfItsFileSystem(t *testing.T) {
	r, err := disk.RoomOf(t.TempDir(), "/does/not/exist")
	if err != nil || r.Size <= 0 || r.Free < 0 || r.Free > r.Size || r.File != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := disk.RoomOf("/does/not/exist", ""); err == nil {
		t.Error("there is room in a folder that is not there")
	}
}
