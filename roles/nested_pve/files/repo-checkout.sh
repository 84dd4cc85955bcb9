#!/bin/sh
# repo-checkout.sh BUNDLE COMMIT DEST: makes DEST a git working copy of COMMIT, taken from BUNDLE, which it removes.
# Files in DEST that git does not track stay.
set -eu
bundle=$1 commit=$2 dest=$3
trap 'rm -f "$bundle"' EXIT
git init --quiet "$dest"
git -C "$dest" fetch --quiet "$bundle" refs/heads/homelab-pve
git -C "$dest" checkout --quiet --force --detach "$commit"
