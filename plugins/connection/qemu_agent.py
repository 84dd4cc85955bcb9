# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM as a host of Ansible's, by way of its guest agent."""

from __future__ import annotations

DOCUMENTATION = r"""
name: qemu_agent
author: homelab.pve contributors (@homelab)
version_added: 0.1.0
short_description: Tasks in a VM, by its guest agent
description:
  - Runs tasks in a VM of Proxmox VE without SSH, an address or a network inside it, by its QEMU guest agent through the
    Proxmox VE API.
  - The API is reached as the modules of this collection reach it, with the same options. Here they are variables, which
    begin with C(pve_).
  - "A task is root's in the VM, as after a login: in root's home folder, with its HOME. C(become) leads to other users;
    it is never asked for a password."
  - The VM needs the agent, C(/bin/sh), C(base64), C(sha256sum) and C(gzip), and C(python3) for all modules but
    M(ansible.builtin.raw) and M(ansible.builtin.script).
  - Needs the privileges C(VM.Audit) and C(VM.GuestAgent.Unrestricted) on the VM; before Proxmox VE 9, C(VM.Audit) and
    C(VM.Monitor).
options:
  vmid:
    description: Id of the VM. Its node is found. Give either this or O(name).
    type: int
    vars:
      - name: pve_vmid
  name:
    description: Name of the VM, instead of O(vmid). Two guests of that name are refused.
    type: str
    vars:
      - name: pve_vm_name
  pve_api:
    description:
      - The options that say how the API is reached, by their names, in one dictionary - the one that is given to the
        modules by C(module_defaults), for instance.
      - A variable for a single one of them, such as C(pve_host), is preferred to its entry, and an entry to the
        environment.
    type: dict
    vars:
      - name: pve_api
  agent_timeout:
    description: Seconds to wait for an agent that does not answer, as while the VM boots.
    type: float
    default: 10
    vars:
      - name: pve_agent_timeout
  command_timeout:
    description:
      - Seconds after which a task's command in the VM is given up. V(0) waits as long as it takes.
      - It is not stopped by that. An agent that is silent for five minutes ends the wait in any case.
    type: float
    default: 0
    vars:
      - name: pve_command_timeout
  pipelining:
    description:
      - Modules are sent as the input of the command that runs them. Without it a module is copied first, which takes
        several commands more.
      - C(become) with a program that takes no input, such as su, goes without it by itself.
    type: boolean
    default: true
extends_documentation_fragment:
  - homelab.pve.connection_variables
  - ansible.builtin.connection_pipelining
notes:
  - A module takes two requests to the API and one for each 43 kB of it, compressed - four or five for most - and those
    that look whether it has ended. So it is slower than SSH, and meant for VMs that SSH does not reach.
  - With the transports V(ssh) and V(local) all that is sent, the options of modules as well, can be seen in the node's
    process list while it is sent.
  - Commands belong to the agent's service. When that is restarted, systemd ends them - a task that upgrades
    qemu-guest-agent may not be told how it ended.
  - Input of more than 43 kB waits in C(/run/homelab-pve) in the VM, a folder of root's, until the command has read it.
  - A command that was sent, but not answered, is not sent again - the task ends, and the host counts as unreachable.
  - A command's output is read up to 16 MiB. More is a failure of the task.
seealso:
  - module: homelab.pve.guest_exec
  - module: homelab.pve.guest_file
  - plugin: homelab.pve.pct
    plugin_type: connection
"""

EXAMPLES = r"""
# inventory.yml: two VMs behind the API of a node
all:
  children:
    behind:
      hosts:
        web:
          pve_vmid: 104
        db:
          pve_vm_name: db-one
      vars:
        ansible_connection: homelab.pve.qemu_agent
        pve_host: pve1.example.org
        pve_token_id: root@pam!ansible
        pve_token_secret: "{{ vault_pve_token_secret }}"
        pve_ca_path: files/pve-root-ca.pem
---
# The same by the node's SSH, with pvesh; no token is needed
ansible_connection: homelab.pve.qemu_agent
pve_transport: ssh
pve_host: pve1.example.org
pve_vmid: 104
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display
from ansible_collections.homelab.pve.plugins.module_utils.agent import READ_LIMIT, WRITE_LIMIT, Ended, place
from ansible_collections.homelab.pve.plugins.module_utils.api import Client, connect
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, FileError, HomelabPveError
from ansible_collections.homelab.pve.plugins.plugin_utils.agent_shell import AgentShell
from ansible_collections.homelab.pve.plugins.plugin_utils.api_variables import connection, is_set

display = Display()


def meant(variables: dict[str, Any]) -> dict[str, Any]:
    """The VM that variables name, by vmid or by name. Raises ConfigError when they name none, or both."""
    named = {"vmid": variables.get("pve_vmid"), "name": variables.get("pve_vm_name")}
    given = {option: value for option, value in named.items() if is_set(value)}
    if len(given) != 1:
        raise ConfigError(
            f"{'Both of' if given else 'Neither of'} the variables pve_vmid and pve_vm_name say which VM this host is. "
            "Set one of them, for instance pve_vm_name: '{{ inventory_hostname }}'."
        )
    return {"vmid": int(str(given["vmid"]))} if "vmid" in given else given


def complete(ended: Ended) -> Ended:
    """How a command ended. Raises AnsibleError when the agent dropped part of what it said."""
    if ended.stdout_truncated or ended.stderr_truncated:
        raise AnsibleError(
            f"The command ended with exit status {ended.rc} and said more than the {READ_LIMIT} bytes the guest agent "
            "keeps. Let it write to a file, and fetch that."
        )
    return ended


def pieces_of(path: Path) -> Iterator[bytes]:
    """A file of this machine in pieces of one request each."""
    with path.open("rb") as stream:
        while piece := stream.read(WRITE_LIMIT):
            yield piece


def write(path: Path, content: Iterator[bytes]) -> None:
    """Write a file of this machine, which is there when it is complete."""
    digest = hashlib.sha256(path.name.encode()).hexdigest()[:16]
    part = path.with_name(f".{digest}.part")
    try:
        with part.open("wb") as stream:
            stream.writelines(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def reported() -> Iterator[None]:
    """Errors as Ansible's: those of files and options are the task's, all others say that the VM isn't reached.

    They have no cause, for Ansible adds the messages of causes, which say the same.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise AnsibleFileNotFound(str(error)) from None
    except (ConfigError, FileError) as error:
        raise AnsibleError(str(error)) from None
    except HomelabPveError as error:
        raise AnsibleConnectionFailure(str(error)) from None
    except ImportError as error:
        raise AnsibleError(missing_required_lib((error.name or "a library").partition(".")[0])) from None


class Connection(ConnectionBase):  # type: ignore[misc]  # ansible publishes no types
    """Read by Ansible."""

    transport = "homelab.pve.qemu_agent"
    has_pipelining = True
    has_tty = False
    default_user = "root"

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - Ansible's own
        super().__init__(*arguments, **options)
        self._variables: dict[str, Any] = {}
        self._client: Client | None = None
        self._inside: AgentShell | None = None

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:  # noqa: ANN401
        """Keep the variables themselves.

        An option's value doesn't tell whether a variable set it or a default, and one that is called like a keyword of
        tasks (port, name, timeout) gets the task's.
        """
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        self._variables = dict(var_options or {})

    def _connect(self) -> Connection:
        """Find the VM."""
        self._shell_inside()
        self._connected = True
        return self

    def _shell_inside(self) -> AgentShell:
        if self._inside is None:
            with reported():
                self._inside = self._entered()
            display.vvv(f"CONNECTED TO {place(self._inside.guest)}", host=self._host)
        return self._inside

    def _entered(self) -> AgentShell:
        which = meant(self._variables)
        self._client = connect(connection(self._variables))
        patience, limit = self.get_option("agent_timeout"), self.get_option("command_timeout")
        return AgentShell(self._client, which, patience, limit)

    @property
    def _host(self) -> str:
        return str(self._play_context.remote_addr)

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command for the shell in the VM: exit status, output, errors."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        display.vvv(f"EXEC {cmd}", host=self._host)
        with reported():
            ended = complete(self._shell_inside().run(cmd, in_data or b""))
        return ended.rc, ended.stdout, ended.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file into the VM."""
        super().put_file(in_path, out_path)
        display.vvv(f"PUT {in_path} TO {out_path}", host=self._host)
        with reported():
            self._shell_inside().write_file(pieces_of(Path(in_path)), out_path)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file of the VM to this machine."""
        super().fetch_file(in_path, out_path)
        display.vvv(f"FETCH {in_path} TO {out_path}", host=self._host)
        with reported():
            write(Path(out_path), self._shell_inside().fetch_file(in_path))

    def reset(self) -> None:
        """Look for the VM anew at the next command."""
        self.close()

    def close(self) -> None:
        """Let go of the API."""
        if self._client:
            self._client.close()
        self._client = self._inside = None
        self._connected = False
