# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepares the lab's own nodes: their volumes, the controller's key pair, their configuration."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab import layout
from lab.api.images import write_stand_ins
from lab.api.node_files import write_node_files
from lab.guests import node, volume
from lab.guests.driver import GuestSpec, Nic
from lab.members import FATHER, Member

# The node is a guest of the lab itself, where no other guest has a number.
VMID = FATHER.vmid
TOKEN_ID = "root@pam!homelab"  # noqa: S105 - the name of a token
CONTROL_SOCKET = "control.sock"
_CARD = "eno1"

INTERFACES = f"""\
auto lo
iface lo inet loopback

iface {_CARD} inet manual

auto vmbr0
iface vmbr0 inet static
    address {{address}}/{layout.PREFIX}
    gateway {layout.GATEWAY}
    bridge-ports {_CARD}
    bridge-stp off
    bridge-fd 0
"""

HOSTS = """\
127.0.0.1 localhost.localdomain localhost
{nodes}

::1 localhost ip6-localhost ip6-loopback
"""


def hosts(members: Sequence[Member]) -> str:
    """The nodes' /etc/hosts, in which each knows the others."""
    lines = [f"{member.address} {member.name}.{layout.DOMAIN} {member.name}" for member in members]
    return HOSTS.format(nodes="\n".join(lines))


def disk(state: Path, member: Member = FATHER) -> Path:
    """A node's volume."""
    return state / "nodes" / member.name


def ssh_key(state: Path) -> Path:
    """The controller's private key for the lab; the public one is beside it."""
    return state / "ssh" / "id_ed25519"


def known_hosts(state: Path) -> Path:
    """The pinned host keys."""
    return state / "ssh" / "known_hosts"


def token_file(state: Path) -> Path:
    """JSON with ``id`` and ``secret`` of the API token that the inventory's ``father`` uses."""
    return state / "father.token"


def control_socket(state: Path, member: Member = FATHER) -> Path:
    """The API's control endpoint, as this machine sees it."""
    return disk(state, member) / volume.DATA / CONTROL_SOCKET


def image_folder(state: Path) -> Path:
    """What the lab's image server has below ``/images``."""
    return state / "www" / "images"


def prepare(state: Path, forward: str) -> None:
    """Make what is not there yet: keys, the volume with its network configuration, the host key and its pin.

    ``forward`` is the loopback address the node is reached at from the machine; its certificate names it too.
    """
    make_key(ssh_key(state))
    pin = _prepare_volume(state, FATHER, (FATHER,))
    _configure_api(state, forward)
    write_stand_ins(image_folder(state))
    known_hosts(state).write_text(pin, encoding="utf-8")


def prepare_all(state: Path, members: Sequence[Member]) -> dict[str, str]:
    """The same for nodes whose API runs outside of them; returns the tokens of a new lab: id -> secret."""
    make_key(ssh_key(state))
    pins = [_prepare_volume(state, member, members) for member in members]
    previous = os.umask(0o022)
    for member in members:
        write_node_files(disk(state, member), {"node": member.name})
        _write_once(disk(state, member) / volume.ROOT / node.SERVED_OUTSIDE.lstrip("/"), "")
    os.umask(previous)
    write_stand_ins(image_folder(state))
    known_hosts(state).write_text("".join(pins), encoding="utf-8")
    return tokens(state)


def _prepare_volume(state: Path, member: Member, members: Sequence[Member]) -> str:
    """Make a node's volume unless it is there; returns its host key as known_hosts has it."""
    target = disk(state, member)
    volume.create(target)
    root = target / volume.ROOT
    _write_once(root / "etc/network/interfaces", INTERFACES.format(address=member.address))
    _write_once(root / "etc/hosts", hosts(members))
    host_key = root / "etc/ssh/ssh_host_ed25519_key"
    make_key(host_key)
    return _pin(state, member)


def _pin(state: Path, member: Member, *names: str) -> str:
    """A node's host key as known_hosts has it, for its address and these names."""
    public = (
        (disk(state, member) / volume.ROOT / "etc/ssh/ssh_host_ed25519_key.pub").read_text(encoding="utf-8").split()
    )
    return f"{','.join((member.address, *names))} {public[0]} {public[1]}\n"


def named_pins(state: Path, members: Sequence[Member]) -> str:
    """The nodes' host keys as known_hosts has them, under their names too."""
    return "".join(_pin(state, member, member.name) for member in members)


def ssh_config(state: Path) -> Path:
    """Settings for ``ssh -F``, by which every node is reached from this machine under its name."""
    return state / "ssh" / "config"


def write_ssh_config(state: Path, forwards: Mapping[Member, str]) -> None:
    """Write them; ``forwards``: where each node's SSH is, as ``host:port``."""
    blocks = []
    for member, forward in forwards.items():
        host, _, port = forward.rpartition(":")
        settings = {
            "HostName": host,
            "Port": port,
            "User": "root",
            "IdentityFile": str(ssh_key(state)),
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": str(known_hosts(state)),
            "HostKeyAlias": member.address,
            "StrictHostKeyChecking": "yes",
        }
        blocks.append("\n".join([f"Host {member.name}", *(f"  {key} {value}" for key, value in settings.items())]))
    ssh_config(state).write_text("\n".join(blocks) + "\n", encoding="utf-8")


def tokens(state: Path) -> dict[str, str]:
    """The token of the inventory's ``father``, made when there is none: id -> secret."""
    target = token_file(state)
    if not target.exists():
        target.touch(mode=0o600)
        target.write_text(json.dumps({"id": TOKEN_ID, "secret": str(uuid.uuid4())}) + "\n", encoding="utf-8")
    token = json.loads(target.read_text(encoding="utf-8"))
    return {token["id"]: token["secret"]}


def _api_config(state: Path, forward: str) -> dict[str, Any]:
    """What the node's API is told, wherever it runs."""
    return {
        "node": layout.FATHER,
        "names": [f"{layout.FATHER}.{layout.DOMAIN}", layout.FATHER_ADDRESS, forward],
        "seed": "outer",
        "tokens": tokens(state),
    }


def _configure_api(state: Path, forward: str) -> None:
    """Make the volume a node's."""
    # The control socket is on the volume instead of in /run: this machine's own commands reach it there.
    config = {**_api_config(state, forward), "control_socket": f"{node.STATE}/{CONTROL_SOCKET}"}
    previous = os.umask(0o022)
    write_node_files(disk(state), config)
    os.umask(previous)


def configure_api_only(state: Path, forward: str, descriptor: int) -> Path:
    """Write the configuration of an API without a node around it, on an inherited socket; returns its path."""
    data = disk(state) / volume.DATA
    data.mkdir(parents=True, exist_ok=True)
    config = {
        **_api_config(state, forward),
        "listen_fds": [descriptor],
        "state_dir": str(data),
        "files_root": str(data / "files"),
        "etc_dir": None,
        "socket": None,
        "control_socket": str(control_socket(state)),
        "driver": "none",
    }
    path = state / "api.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return path


def make_key(path: Path) -> None:
    """Make an ed25519 key pair at ``path`` unless there is one."""
    if path.exists():
        return
    _make_parents(path)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "homelab-pve-lab", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _write_once(path: Path, text: str) -> None:
    if not path.exists():
        _make_parents(path)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)


def _make_parents(path: Path) -> None:
    """Make the directories above a file of the node readable for its users, whatever our umask is."""
    previous = os.umask(0o022)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.umask(previous)


def spec(state: Path, member: Member = FATHER) -> GuestSpec:
    """How a node is booted. Its card has no configuration of its own: interfaces(5) in the volume has it."""
    return GuestSpec(
        vmid=member.vmid,
        name=member.name,
        kind="qemu",
        disk=disk(state, member),
        hostname=member.name,
        ssh_keys=(ssh_key(state).with_suffix(".pub").read_text(encoding="utf-8").strip(),),
        nics=(Nic(_CARD, member.mac, layout.BRIDGE),),
        nameserver=layout.GATEWAY,
        searchdomain=layout.DOMAIN,
    )
