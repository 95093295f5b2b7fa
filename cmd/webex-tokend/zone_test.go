package main

import "testing"

func TestAZoneThatNobodyKnowsIsTold(t *testing.T) {
	for tz, known := range map[string]bool{"": true, ":": true, "UTC": true, ":Europe/Berlin": true, "/etc/localtime": true,
		"Europe/Belrin": false, "CET-1CEST,M3.5.0,M10.5.0/3": false, "../etc/passwd": false} {
		if fault := unknownZone(tz); (fault == "") != known {
			t.Errorf("TZ=%s: %q", tz, fault)
		}
	}
}
