#!/bin/sh
# repo-bundle.sh SRC REF UNCOMMITTED [THERE]: prints the commit that stands for REF of the working copy SRC and, unless
# that is THERE, the path of a bundle with it and its history, alone in a private directory. UNCOMMITTED=true takes the
# uncommitted and untracked files along as a commit of its own, the same one for the same files. Nothing is written to SRC.
set -eu
src=$1 ref=$2 uncommitted=$3 there=${4:-}
branch=refs/heads/homelab-pve

# The working copy may belong to another user than the one Ansible runs as.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'

cd "$src" || exit 1
commit=$(git rev-parse --verify --quiet "$ref^{commit}") || {
    echo "Cannot sync $src: '$ref' names no commit of a git working copy there. Name an existing branch, tag or commit." >&2
    exit 1
}
work_tree=$(git rev-parse --show-toplevel)
objects=$(cd "$(git rev-parse --git-path objects)" && pwd)
shallow=$(git rev-parse --is-shallow-repository)
date=$(git show -s --format=%cI "$commit")

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
git init --quiet --bare "$scratch"
echo "$objects" >"$scratch/objects/info/alternates"
export GIT_DIR="$scratch" GIT_WORK_TREE="$work_tree" GIT_INDEX_FILE="$scratch/index.sync"

snapshot() { # TREE [-p PARENT]: a commit that depends on nothing but what is in it
    GIT_AUTHOR_NAME=homelab.pve GIT_AUTHOR_EMAIL=homelab-pve@localhost GIT_AUTHOR_DATE="$date" \
        GIT_COMMITTER_NAME=homelab.pve GIT_COMMITTER_EMAIL=homelab-pve@localhost GIT_COMMITTER_DATE="$date" \
        git commit-tree -m "Files as they were on the controller" "$@"
}

tree=$(git rev-parse "$commit^{tree}")
parent=$commit
if [ "$uncommitted" = true ]; then
    git read-tree "$commit"
    (cd "$work_tree" && git add --all .)
    tree=$(git write-tree)
fi
if [ "$shallow" = true ]; then
    # The history ends in commits that aren't there: only the files can be carried over.
    commit=$(snapshot "$tree")
elif [ "$tree" != "$(git rev-parse "$parent^{tree}")" ]; then
    commit=$(snapshot "$tree" -p "$parent")
fi

echo "$commit"
if [ "$commit" != "$there" ]; then
    git update-ref "$branch" "$commit"
    bundle=$(mktemp -d)/repo.bundle
    git bundle create --quiet "$bundle" "$branch"
    echo "$bundle"
fi
