# shellcheck shell=sh
# look.sh USER LOCALE TIMEZONE: prints what a host has, one KEY=VALUE a line. Read only; any POSIX shell.
user=$1 locale=$2 timezone=$3

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
there() { command -v "$1" >/dev/null 2>&1; }
say() { # KEY COMMAND...: yes when the command succeeds
    key=$1
    shift
    if "$@"; then echo "$key=yes"; else echo "$key=no"; fi
}
plain() { tr -d '-' | tr '[:upper:]' '[:lower:]'; } # de_AT.UTF-8 and de_AT.utf8 are the same
has_user() { id -u "$user" >/dev/null 2>&1; }
has_locale() {
    case $locale in '' | C | C.* | POSIX) return 0 ;; esac # part of every libc
    locale -a 2>/dev/null | plain | grep -qxF "$(printf '%s' "$locale" | plain)"
}

for manager in apt-get apk dnf zypper pacman none; do
    if there "$manager"; then break; fi
done
echo "manager=${manager%-get}"
if [ -d /run/systemd/system ]; then
    echo init=systemd
elif [ -d /run/openrc ]; then
    echo init=openrc
else
    echo "init=$(cat /proc/1/comm 2>/dev/null)"
fi
# shellcheck source=/dev/null
echo "system=$(. /etc/os-release 2>/dev/null && echo "$PRETTY_NAME")"
say python there python3
say sshd there sshd
say sudo there sudo
say bash there bash
say user has_user
echo "home=$(awk -F: -v user="$user" '$1 == user { print $6 }' /etc/passwd)"
say locale has_locale
say zone [ -z "$timezone" -o -f "/usr/share/zoneinfo/$timezone" ]
say timezone_file [ -f /etc/timezone ]
say ssh_socket [ -e /etc/systemd/system/sockets.target.wants/ssh.socket ]
