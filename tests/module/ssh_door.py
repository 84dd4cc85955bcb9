"""An SSH server in front of a served lab API: whoever logs in finds the node's commands.

It is paramiko's, in this process, since the machine that runs the tests may have no sshd. What it runs is real: a shell
with the lab's `pvesh` and `pveversion` on its path.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko import common as protocol

from lab.api.doors import Door
from lab.api.serving import ServedLab
from lab.commands.client import SOCKET_VARIABLE
from tests.node_commands import listening

ROOT = Path(__file__).resolve().parents[2]
HERE = "127.0.0.1"
COMMANDS = {
    **{name: f'exec "{sys.executable}" -P -m lab.commands {name} "$@"' for name in ("pvesh", "pveversion")},
    "hostname": "echo father",
    # A program for the node finds the node's files in a folder beside the commands.
    "python3": f"""program=$(printf %s "$2" | sed "s#/etc/network#$NODE_FILES#; s#/run/#$NODE_FILES/#")
shift 2
exec "{sys.executable}" -c "$program" "$@\"""",
    "ifreload": "true",
}


@dataclass(frozen=True)
class Place:
    """Where it listens, the key it shows, the commands that are found there, and the key that is let in."""

    port: int
    host_key: paramiko.PKey
    commands: Path
    key: Path

    def known_hosts(self, folder: Path) -> Path:
        """A file that knows the server."""
        path = folder / "theirs"
        path.write_text(f"[{HERE}]:{self.port} {self.host_key.get_name()} {self.host_key.get_base64()}\n")
        return path


class Shell(paramiko.ServerInterface):
    """Lets one key in, and runs what it is told."""

    def __init__(self, key: paramiko.PKey, environment: dict[str, str]) -> None:
        self.key, self.environment = key, environment

    def get_allowed_auths(self, username: str) -> str:
        """Keys only."""
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        """The one key."""
        return int(protocol.AUTH_SUCCESSFUL if key == self.key else protocol.AUTH_FAILED)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        """Sessions only."""
        return int(protocol.OPEN_SUCCEEDED if kind == "session" else protocol.OPEN_FAILED_UNKNOWN_CHANNEL_TYPE)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        """Run a command."""
        threading.Thread(target=self._run, args=(channel, command), daemon=True).start()
        return True

    def _run(self, channel: paramiko.Channel, command: bytes) -> None:
        done = subprocess.run(["/bin/sh", "-c", command], env=self.environment, capture_output=True, check=False)
        channel.sendall(done.stdout)
        channel.sendall_stderr(done.stderr)
        channel.send_exit_status(done.returncode)
        # A command may end before its client was told that it runs, and a channel that closes then is an error there.
        # What answers this question has sent that before.
        channel.get_transport().global_request("told@homelab-pve")
        channel.close()


@contextmanager
def opened(lab: ServedLab, folder: Path) -> Iterator[Place]:
    """A server for a node's commands until the block ends; what it needs is put into ``folder``."""
    commands = folder / "node"
    commands.mkdir()
    for name, script in COMMANDS.items():
        (commands / name).write_text(f"#!/bin/sh\n{script}\n")
        (commands / name).chmod(0o755)
    door = folder / "node.sock"

    async def attach() -> None:
        await Door("father", lambda: listening(door)).attach(lab.api)

    lab.call(attach())
    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(folder / "id"))
    environment = {
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT), SOCKET_VARIABLE: str(door),
        "NODE_FILES": str(folder / "files"),
    }  # fmt: skip
    (folder / "files").mkdir()
    host_key = paramiko.ECDSAKey.generate()
    with socket.create_server((HERE, 0)) as server:
        shell = Shell(key, environment)
        threading.Thread(target=_serve, args=(server, host_key, shell), daemon=True).start()
        yield Place(server.getsockname()[1], host_key, commands, folder / "id")
        server.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts


def _serve(server: socket.socket, host_key: paramiko.PKey, shell: Shell) -> None:
    while True:
        try:
            connection = server.accept()[0]
        except OSError:
            return
        transport = paramiko.Transport(connection)
        transport.daemon = True
        transport.add_server_key(host_key)
        transport.start_server(event=threading.Event(), server=shell)
