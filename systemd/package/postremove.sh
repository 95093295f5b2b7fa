#!/bin/sh
# After the files of a package are gone. The store and its key are never removed
# with it: without them every grant needs the consent of a human again.
set -e

case "$1" in
remove | 0)
	[ ! -d /run/systemd/system ] || systemctl daemon-reload
	;;
purge)
	if [ -e /var/lib/webex-tokend ]; then
		echo "webex-tokend: kept /var/lib/webex-tokend (the grants) and /etc/webex-tokend (the key that opens them)."
		echo "  If nobody needs these grants any more: rm -r /var/lib/webex-tokend /etc/webex-tokend"
	fi
	;;
esac
