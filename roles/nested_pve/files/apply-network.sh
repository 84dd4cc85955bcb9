#!/bin/sh
# apply-network.sh DIR SECONDS: puts DIR/new in place of the node's files and applies them.
# Goes on in a process of its own, which restores the old files unless DIR/confirmed appears within SECONDS.
set -u
dir=$1 seconds=$2

if [ "${3:-}" != detached ]; then
    cp "$0" "$dir/apply"
    # No file descriptor is handed on: an inherited one would keep the caller waiting.
    setsid --fork sh "$dir/apply" "$dir" "$seconds" detached </dev/null >/dev/null 2>&1
    exit 0
fi

keep() {
    (cd "$dir/new" && find . -type f) | while IFS= read -r file; do
        mkdir -p "$dir/old/$(dirname "$file")"
        cp -p "/$file" "$dir/old/$file"
    done
    cat /etc/resolv.conf >"$dir/resolv.conf" 2>/dev/null
}

put() {
    (cd "$1" && find . -type f) | while IFS= read -r file; do cat "$1/$file" >"/$file"; done
    ifreload --all >>"$dir/log" 2>&1
}

# A lease, or its loss, may have emptied the resolver's file.
keep_dns() {
    grep -qs '^nameserver' /etc/resolv.conf || cat "$dir/resolv.conf" >/etc/resolv.conf
}

keep
if put "$dir/new"; then
    keep_dns
    touch "$dir/applied"
    while [ "$seconds" -gt 0 ]; do
        [ -e "$dir/confirmed" ] && exit 0
        [ -d "$dir" ] || exit 0
        sleep 1
        seconds=$((seconds - 1))
    done
fi
put "$dir/old"
keep_dns
touch "$dir/rolled-back" "$dir/applied"
