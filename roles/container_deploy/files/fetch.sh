#!/bin/sh
# fetch.sh URL REF DIRECTORY: REF (empty: the default branch) of a git repository as DIRECTORY/source; prints its commit.
# With the controller's own keys and credentials, none of which the container gets. Never asks for any.
set -eu
url=$1 ref=$2 directory=$3
umask 022
export GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-ssh -o BatchMode=yes}"

git init --quiet "$directory/source"
cd "$directory/source"
git remote add origin "$url"
# A server need not give a commit by its id: then everything is fetched.
if git fetch --quiet --depth 1 origin -- "${ref:-HEAD}" 2>"$directory/error"; then
    commit=$(git rev-parse --verify --quiet 'FETCH_HEAD^{commit}')
else
    git fetch --quiet --tags origin || exit 1
    commit=$(git rev-parse --verify --quiet "$ref^{commit}") || {
        echo "Cannot deploy $url: '$ref' names no branch, tag or commit there." >&2
        exit 1
    }
fi
git -c advice.detachedHead=false checkout --quiet --detach "$commit"
if [ -f .gitmodules ]; then git submodule --quiet update --init --recursive --depth 1; fi
echo "$commit"
