# shellcheck shell=sh
# install.sh MODE MANAGER TIMEOUT PACKAGE...: installs what is missing of the packages, and prints it. MODE=look only
# prints. The package index may take TIMEOUT seconds to be reached: a container that just started has no network yet.
mode=$1 manager=$2 timeout=$3
shift 3

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

has() {
    case $manager in
        apt) dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -q '^installed' ;;
        apk) apk info -e "$1" >/dev/null 2>&1 ;;
        dnf | zypper) rpm -q --whatprovides "$1" >/dev/null 2>&1 ;;
        pacman) pacman -T "$1" >/dev/null 2>&1 ;;
    esac
}
refresh() {
    case $manager in
        # Without Error-Mode a mirror that can't be reached is a warning only.
        apt) apt-get -qq -o APT::Update::Error-Mode=any update ;;
        apk) apk -q update ;;
        dnf) dnf -q -y makecache ;;
        zypper) zypper -q -n refresh ;;
        # A new container of Arch Linux trusts no key yet.
        pacman) { [ -s /etc/pacman.d/gnupg/trustdb.gpg ] || { pacman-key --init && pacman-key --populate; }; } && pacman -Sy ;;
    esac
}
install() {
    case $manager in
        apt) apt-get -qq -y -o DPkg::Lock::Timeout=120 install "$@" ;;
        apk) apk -q add "$@" ;;
        dnf) dnf -q -y install "$@" ;;
        zypper) zypper -q -n install "$@" ;;
        # Arch Linux supports no partial upgrades.
        pacman) pacman -Su --needed --noconfirm "$@" ;;
    esac
}
installed() { # what tells one state of the package database from another
    case $manager in
        apt) dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' ;;
        apk) apk info -v ;;
        dnf | zypper) rpm -qa ;;
        pacman) pacman -Q ;;
    esac 2>/dev/null | sort | cksum
}
give_up() { # TEXT OUTPUT
    echo "$1" >&2
    printf '%s\n' "$2" | tail -n 12 >&2
    exit 1
}

missing=
for package in "$@"; do
    has "$package" || missing="$missing $package"
done
if [ -z "$missing" ]; then exit 0; fi
if [ "$mode" = look ]; then
    echo "missing:$missing"
    exit 0
fi

deadline=$(($(date +%s) + timeout))
until output=$(refresh 2>&1 </dev/null); do
    if [ "$(date +%s)" -ge "$deadline" ]; then
        give_up "Cannot install$missing: the package index was not reached within $timeout s. Give the container a route and a DNS server (container options net0 and nameserver), or install these packages by hand. $manager said:" "$output"
    fi
    sleep 1
done
before=$(installed)
# The names are words without blanks or wildcards.
# shellcheck disable=SC2086
output=$(install $missing 2>&1 </dev/null) ||
    give_up "Cannot install$missing: correct the names if this distribution has others. $manager said:" "$output"
if [ "$(installed)" != "$before" ]; then echo "installed:$missing"; fi
