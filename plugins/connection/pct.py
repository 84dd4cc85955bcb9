# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container as a host of Ansible's, by way of its node."""

from __future__ import annotations

DOCUMENTATION = r"""
name: pct
author: homelab.pve contributors (@homelab)
version_added: 0.1.0
short_description: Tasks in a container, by pct exec on its node
description:
  - Runs tasks in an LXC container of Proxmox VE without SSH, an address or anything else inside it, by C(pct exec) on
    the container's node.
  - The node is logged in to as the connection P(ansible.builtin.ssh#connection) does it, with the same options,
    variables, keys, jump hosts, host key checking and one connection for all tasks. What these options say is about
    the node. On the node itself no SSH is needed, see O(node).
  - Tasks are root's in the container, with the environment of a login of root's there. C(become) leads to other users.
  - The container needs C(/bin/sh), and C(python3) for all modules but M(ansible.builtin.raw) and
    M(ansible.builtin.script).
options:
  vmid:
    description: Id of the container. Always needed.
    type: int
    vars:
      - name: pve_vmid
      - name: ansible_pct_vmid
  node:
    description: How the container's node is reached - by V(ssh), or not at all, as it is this machine (V(local)).
    type: str
    choices: [ssh, local]
    default: ssh
    vars:
      - name: pve_pct_node
  command:
    description:
      - What runs pct on the node. With a login that is not root's, V(sudo -n pct) for instance.
      - V(lxc-attach), or a command that ends with it, leaves pct out. C(pct exec) itself only looks whether the
        container runs and then becomes C(lxc-attach), but it takes Perl much longer than that to start it.
    type: str
    default: pct
    vars:
      - name: pve_pct_command
  pipelining:
    description:
      - Modules are sent as the input of the one C(pct exec) that runs them. Without it a module is copied first, which
        takes several more.
      - C(become) with a program that takes no input goes without it by itself.
    type: boolean
    default: true
extends_documentation_fragment:
  - homelab.pve.ssh_login
notes:
  - Files are copied by C(cat) through C(pct exec), too. C(pct push) and C(pct pull) would need a second copy on the
    node and a task in its task log for each file, and end with 0 when a copy failed or is incomplete.
  - A command is not given a terminal.
"""

EXAMPLES = r"""
# inventory.yml: two containers of a node that ssh knows as pve1
all:
  children:
    containers:
      hosts:
        web:
          pve_vmid: 101
        db:
          pve_vmid: 102
      vars:
        ansible_connection: homelab.pve.pct
        ansible_host: pve1
        ansible_user: root
"""

import itertools
import os
import secrets
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.plugins.connection.ssh import Connection as SshConnection
from ansible.plugins.loader import connection_loader
from ansible_collections.homelab.pve.plugins.module_utils.whole_files import replacing
from ansible_collections.homelab.pve.plugins.plugin_utils import container_entry
from ansible_collections.homelab.pve.plugins.plugin_utils.container_entry import Entry

Result = tuple[int, bytes, bytes]

PUT_BLOCK = 64 * 2**20
FETCH_BLOCK = 16 * 2**20
"""Bytes that one ``pct exec`` carries, as they are kept in memory."""


class Connection(SshConnection):  # type: ignore[misc]  # ansible publishes no types
    """Read by Ansible."""

    transport = "homelab.pve.pct"
    _logs_in = False

    def get_option(self, option: str, hostvars: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - Ansible's own
        """An option. Tasks ask who the user is: in the container that is root, whoever logs in to the node.

        They look for that user's home, and need no sudo to become who they are already.
        """
        return "root" if option == "remote_user" and not self._logs_in else super().get_option(option, hostvars)

    def _build_command(self, binary: str, subsystem: str, *words: bytes | str) -> list[bytes]:
        """The command line that reaches the node, as its login.

        Without a terminal, which the SSH configuration may ask for: the streams would come as one, their bytes changed.
        """
        self._logs_in = True
        try:
            return list(super()._build_command(binary, subsystem, "-T", *words))
        finally:
            self._logs_in = False

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> Result:  # noqa: ARG002
        """Run a shell command in the container: exit status, output, errors.

        Raises AnsibleConnectionFailure where the command could not be begun, or its end is not known.
        """
        mark = f"pct-{secrets.token_hex(8)}-"
        line = container_entry.command_line(self._entry(), mark, cmd, has_input=bool(in_data))
        code, stdout, stderr = self._on_node(line, in_data)
        done = container_entry.ended(mark, stdout, stderr)
        if not done.begun:
            raise AnsibleConnectionFailure(self._refusal(code, done.stdout + done.stderr))
        if done.status is None:
            raise AnsibleConnectionFailure(
                f"Container {self._entry().vmid} on {self._node()} went down while a command ran in it (pct ended with "
                f"{code}, and the command's exit status is not known). {_text(done.stderr)}"
            )
        return done.status, done.stdout, done.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file of this machine into the container."""
        if not Path(in_path).exists():
            raise AnsibleFileNotFound(f"There is no file {in_path} to copy to container {self._entry().vmid}.")
        target = shlex.quote(out_path)
        for number, block in enumerate(_blocks(Path(in_path))):
            self._carry(f"cat {'>>' if number else '>'} {target}", block, f"copy {in_path} to {out_path} in")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file of the container to this machine, where it is as it was until all of it has come."""
        target = Path(out_path)
        with replacing(target, _mode(target)) as stream:
            stream.writelines(self._fetched(in_path))

    def _fetched(self, path: str) -> Iterator[bytes]:
        """A file's bytes, a block at a time."""
        for number in itertools.count():
            there = f"{{ dd bs={FETCH_BLOCK} skip={number} count=0 && head -c {FETCH_BLOCK}; }} < {shlex.quote(path)}"
            block = self._carry(there, None, f"copy {path} from")
            yield block
            if len(block) < FETCH_BLOCK:
                return

    def _is_tty_requested(self) -> bool:
        """Whether a terminal stands in the way of pipelining: never, see _build_command."""
        return False

    def is_pipelining_enabled(self, wrap_async: bool = False) -> bool:
        """Whether a module is sent as input. su passes that on like sudo does: it asks root for nothing."""
        if self.become and self.become.name == "su":
            self.become.pipelining = True
        return bool(super().is_pipelining_enabled(wrap_async))

    def reset(self) -> None:
        """End the connection that is kept to the node; the next task makes a new one."""
        if self._is_local():
            return
        super().reset()

    def _carry(self, command: str, given: bytes | None, what: str) -> bytes:
        """Run a command that carries a file's bytes."""
        code, stdout, stderr = self.exec_command(command, given)
        if code:
            raise AnsibleError(f"Could not {what} container {self._entry().vmid}: {_text(stderr)}")
        return stdout

    def _on_node(self, line: str, given: bytes | None) -> Result:
        """Run a command line on the node.

        Nothing waits for a prompt of become: root is asked for no password.
        """
        if self._is_local():
            return tuple(self._local().exec_command(line, given, sudoable=False))
        return tuple(super().exec_command(line, given, sudoable=False))

    def _local(self) -> Any:  # noqa: ANN401 - ansible publishes no types
        local = connection_loader.get("ansible.builtin.local", self._play_context, "/dev/null")
        local.set_options()
        return local

    def _is_local(self) -> bool:
        return bool(self.get_option("node") == "local")

    def _entry(self) -> Entry:
        vmid = self.get_option("vmid")
        if vmid is None:
            raise AnsibleError(f"Which container on {self._node()} is this? Set pve_vmid to its id.")
        return Entry(vmid, self.get_option("command"))

    def _node(self) -> str:
        return "this machine" if self._is_local() else str(self.get_option("host"))

    def _refusal(self, code: int, said: bytes) -> str:
        """What is wrong on the way into the container, what was said, and what to do."""
        entry, text = self._entry(), _text(said)
        known = container_entry.refusal(text)
        meaning = known or "Could not run a command in container {vmid} on {node} (exit status {code})."
        user = super().get_option("remote_user") or "the login"
        told = meaning.format(vmid=entry.vmid, node=self._node(), user=user, code=code)
        return f"{told}{self._whereabouts() if known == container_entry.ABSENT else ''} It said: {text}"

    def _whereabouts(self) -> str:
        vmid = self._entry().vmid
        listed = self._on_node(container_entry.WHERE, None)[1]
        return container_entry.whereabouts(_text(listed), vmid)


def _blocks(path: Path) -> Iterator[bytes]:
    """A file's bytes, a block at a time; an empty file has one."""
    with path.open("rb") as source:
        yield source.read(PUT_BLOCK)
        while block := source.read(PUT_BLOCK):
            yield block


def _mode(path: Path) -> int:
    """The mode that a file has, or that a new one gets."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _text(said: bytes) -> str:
    return said.decode(errors="replace").strip()
