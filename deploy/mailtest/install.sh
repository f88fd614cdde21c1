#!/bin/sh
# Installs what the mail tests and the console tests need (Debian, root):
# Dovecot, Postfix, OpenSSL and Chromium. A policy-rc.d keeps the packages from
# starting their services, so nothing listens after it.
set -eu
[ "$(id -u)" = 0 ] || { echo "install.sh: must run as root" >&2; exit 1; }
policy=/usr/sbin/policy-rc.d
made=
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' > "$policy"
	chmod 755 "$policy"
	made=yes
fi
trap '[ -z "$made" ] || rm -f "$policy"' EXIT
export DEBIAN_FRONTEND=noninteractive
echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
apt-get update -q
apt-get install -q -y --no-install-recommends dovecot-imapd dovecot-lmtpd postfix openssl chromium
