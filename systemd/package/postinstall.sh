#!/bin/sh
# After the files of a package were put into their places: deb calls this with
# "configure" and the version that was there before, rpm with the number of
# versions that are there now.
set -e

systemd-sysusers webex-tokend.conf
# It fails where an image is built without /proc; the first boot makes up for it.
systemd-tmpfiles --create webex-tokend.conf || true

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	# An upgrade takes effect at once. What is in flight is finished first, and
	# token files stay readable meanwhile; a service that was stopped stays so.
	# Where the new version does not start, systemctl says so: the package is
	# installed all the same.
	case "$1:$2" in
	configure:?* | [2-9]:) systemctl try-restart webex-tokend.service || true ;;
	esac
fi
