#!/bin/sh
# Before the files of a package go: deb calls this with "remove" or "upgrade",
# rpm with the number of versions that will be left. An upgrade lets the service
# run until the new files are there.
set -e

case "$1" in
remove | 0)
	if command -v systemctl >/dev/null; then
		units="webex-tokend.service webex-tokend.socket webex-tokend-credential.socket"
		[ ! -d /run/systemd/system ] || systemctl stop $units
		systemctl --quiet disable $units
	fi
	;;
esac
