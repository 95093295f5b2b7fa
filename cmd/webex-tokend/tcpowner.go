package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// ownerOf returns the user who made the socket at the other end of a connection
// over loopback. local is that end, as the connection names it, and remote ours.
// The table of the kernel is proc_pid_net(5): each connection is a line
//
//	sl: local_address rem_address st tx:rx tr:when retrnsmt uid ...
func ownerOf(local, remote string) (int, error) {
	here, err := inTable(local)
	if err != nil {
		return 0, err
	}
	there, err := inTable(remote)
	if err != nil {
		return 0, err
	}
	table, err := os.Open("/proc/net/tcp")
	if err != nil {
		return 0, err
	}
	defer table.Close()
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		const uid = 7
		if len(fields) > uid && fields[1] == here && fields[2] == there {
			return strconv.Atoi(fields[uid])
		}
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	return 0, errors.New("no such connection")
}

// inTable writes an address of IPv4 as the kernel's table does: as a number in
// the order of this machine's bytes, and its port.
func inTable(address string) (string, error) {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return "", err
	}
	if !a.Addr().Is4() {
		return "", fmt.Errorf("%s is no address of IPv4", address)
	}
	bytes := a.Addr().As4()
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(bytes[:]), a.Port()), nil
}
