# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command of root's finds in a guest that nobody logs in to, as shell words: the same as after a login."""

from __future__ import annotations

ENTERED = r"""
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
for file in /etc/environment /etc/default/locale /etc/locale.conf; do
  [ -r "$file" ] || continue
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line#export }
    name=${line%%=*}
    case $name in "$line" | "" | [0-9]* | *[!A-Za-z0-9_]*) continue ;; esac
    value=${line#*=}
    value=${value#[\"\']}
    set -- "$@" "$name=${value%[\"\']}"
  done < "$file"
done
home=~root
case $home in /*) ;; *) home=/root ;; esac
cd "$home" 2> /dev/null || cd /
"""
"""Goes to root's home, and adds what the files that pam_env and systemd read for a login say to the arguments."""

COMMAND = (
    'env -i HOME="$home" USER=root LOGNAME=root SHELL=/bin/sh PATH="$PATH" LANG=C.UTF-8 "$@" /bin/sh -c "$command"'
)
"""Runs the command with the environment in the arguments, and with nothing of who runs it."""
