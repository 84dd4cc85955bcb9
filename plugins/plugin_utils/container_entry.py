# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a command gets into a container by ``pct exec``, and how to tell what became of it.

One ``pct exec`` a command. Two shells are between ssh and the command, one on the node and one in the container. The
one in the container writes a mark to both streams before the command starts, and once more with the command's exit
status when it has ended. So what the node's login, perl or ssh have to say is told apart from what the command says,
and an exit status that pct or ssh use for themselves from the same one of the command.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass

from ansible_collections.homelab.pve.plugins.plugin_utils import root_login

INSIDE = f"""
mark=$1 command=$2
shift 2
{root_login.ENTERED}
echo "$mark"
echo "$mark" >&2
{root_login.COMMAND}
echo "$mark$?" >&2
"""
"""The shell in the container; its arguments are the mark and the command.

The command's environment is that of a login of root's, from the files that pam_env and systemd read for it.
``pct exec`` alone hands on the node's environment, HOME and LANG and all (PVE/CLI/pct.pm: keep-env), or one without
HOME (``--keep-env 0``; lxc-attach(1): --clear-env).
"""

ON_NODE = """
PATH=$PATH:/usr/sbin:/sbin LC_ALL=C.UTF-8
export PATH LC_ALL
{input}{enter} -- /bin/sh -c "$2" sh "$3" "$4"
status=$?
[ "$status" -ne 255 ] || status=254
exit "$status"
"""
"""The shell on the node. A login that is not root's has no sbin in its PATH. 255 is left to ssh, to which it means that
there is no connection; pct ends with it for each of its own refusals."""

NO_INPUT = "exec < /dev/null\n"
WHERE = "/bin/sh -c 'PATH=$PATH:/usr/bin pvesh get /cluster/resources --type vm --output-format json < /dev/null'"
"""Lists the guests of all nodes of the cluster."""


@dataclass(frozen=True)
class Entry:
    """How to get into a container: its id, and what runs pct or lxc-attach on the node (shell words)."""

    vmid: int
    command: str = "pct"


def entering(command: str) -> str:
    """The shell words that enter container ``$1``, to be followed by ``--`` and what is run there.

    ``pct exec`` does nothing but to look whether the container runs and to become lxc-attach (PVE/CLI/pct.pm).
    """
    return f'{command} -n "$1" --clear-env' if command.endswith("lxc-attach") else f'{command} exec "$1"'


def command_line(entry: Entry, mark: str, command: str, *, has_input: bool) -> str:
    """The node's command line that runs a shell command in the container."""
    script = ON_NODE.format(enter=entering(entry.command), input="" if has_input else NO_INPUT)
    return shlex.join(["/bin/sh", "-c", script, "sh", str(entry.vmid), INSIDE, mark, command])


@dataclass(frozen=True)
class Ended:
    """What became of a command: whether it was begun; its exit status, None where nobody told; what it wrote."""

    begun: bool
    status: int | None
    stdout: bytes
    stderr: bytes


def ended(mark: str, stdout: bytes, stderr: bytes) -> Ended:
    """What became of a command, from what came back from the node.

    What stands before the mark was written by others. Of a command that was not begun everything is given.
    """
    begin = mark.encode() + b"\n"
    _login, begun, output = stdout.partition(begin)
    errors = stderr.partition(begin)[2]
    if not begun:
        return Ended(False, None, stdout, stderr)
    last = [None, *re.finditer(re.escape(mark.encode()) + rb"(\d+)\n", errors)][-1]
    if last is None:
        return Ended(True, None, output, errors)
    return Ended(True, int(last[1]), output, errors[: last.start()] + errors[last.end() :])


NO_PCT = "There is no pct on {node}. Is it a Proxmox VE node? ansible_host has to be the container's node."
NO_RIGHT = (
    "On {node} {user} may not run pct. Log in as root (ansible_user), or set pve_pct_command to 'sudo -n pct' and "
    "allow that in sudoers."
)
NO_CONFIGURATION = (
    "pct on {node} can't read the node's configuration. Either {user} may not: log in as root (ansible_user), or set "
    "pve_pct_command to 'sudo -n pct' and allow that in sudoers. Or the service pve-cluster does not run there."
)
NOT_RUNNING = "Container {vmid} is not running on {node}. Start it first: module homelab.pve.container, state started."
NOT_ENTERED = (
    "lxc-attach found no running container {vmid} on {node}. Start it first (module homelab.pve.container, state "
    "started), or set ansible_host to the node it is on."
)
ABSENT = "There is no container {vmid} on {node}."
NO_SHELL = "Container {vmid} on {node} has no /bin/sh, which Ansible needs."

REFUSALS = (
    (r"\b(pct|lxc-attach): (command )?not found|(pct|lxc-attach): No such file", NO_PCT),
    (r"^ipcc_send_rec", NO_CONFIGURATION),
    (r"please run as root|^sudo: |not in the sudoers|^doas: |Permission denied", NO_RIGHT),
    (r"lxc-attach: .*(You lack access|privileges to control)", NO_RIGHT),
    (r"^container '\d+' not running", NOT_RUNNING),
    (r"Failed to get init pid", NOT_ENTERED),
    (r"^Configuration file '\S+' does not exist", ABSENT),
    (r'Failed to exec "/bin/sh"', NO_SHELL),
)
"""What is said on the way into the container (PVE/CLI/pct.pm, PVE/AbstractConfig.pm, lxc/attach.c) -> what to do."""


def refusal(said: str) -> str:
    """What a refusal on the way into the container means; a template for vmid, node and user."""
    return next((meaning for pattern, meaning in REFUSALS if re.search(pattern, said, re.MULTILINE)), "")


def whereabouts(listed: str, vmid: int) -> str:
    """Where a guest is, from what WHERE lists; empty where that is not known. A login may print something before."""
    try:
        guests = json.loads(listed[listed.index("[{") :])
    except ValueError:
        return ""
    guest = next((guest for guest in guests if guest["vmid"] == vmid), None)
    if guest is None:
        return " There is none on the other nodes of its cluster either."
    if guest["type"] == "lxc":
        return f" It is on node {guest['node']}: set ansible_host to that one's address."
    return f" {vmid} is a virtual machine."
