# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API through ``pvesh``, run by an executor on the node: proxmoxer's command session over ours."""

from __future__ import annotations

import getpass
import secrets
import threading
from pathlib import Path

from ansible_collections.homelab.pve.plugins.module_utils.api import Answer, Connection, Params, printed
from ansible_collections.homelab.pve.plugins.module_utils.api_upload import sent_file, with_checksum
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import LocalFile
from ansible_collections.homelab.pve.plugins.module_utils.errors import PVENotFoundError
from ansible_collections.homelab.pve.plugins.module_utils.executor import (
    NOT_FOUND,
    CommandExecutor,
    CommandResult,
    LocalExecutor,
    SSHExecutor,
)
from ansible_collections.homelab.pve.plugins.module_utils.ssh_resolve import executor_for
from ansible_collections.homelab.pve.plugins.module_utils.whole_files import PRIVATE

MISSING: ImportError | None = None
"""Which library is missing; told when a connection is made, so that the documentation can be read without it."""
try:
    from proxmoxer.backends.command_base import CommandBaseSession, JsonSimpleSerializer, Response
except ImportError as error:
    MISSING, CommandBaseSession = error, object


UPLOADS = "/var/tmp/pveupload-"  # noqa: S108 - where PVE's daemon keeps them, under such a name; the API takes no other
"""How the names of files begin that are handed to the API on the node itself."""


class PveshSession(CommandBaseSession):  # type: ignore[misc]  # proxmoxer is untyped
    """Turns requests into pvesh calls."""

    def __init__(self, executor: CommandExecutor, timeout: float) -> None:
        super().__init__(service="PVE", timeout=timeout)
        self._executor = executor
        self._limit = threading.local()

    def send(self, method: str, path: str, params: Params, patience: float = 0.0) -> Answer:
        """See api.Session. pvesh ends when the task does (PVE::RESTEnvironment, fork_worker of a command line)."""
        self._limit.seconds = max(self.timeout, patience)
        file = sent_file(params)
        if file:
            return self._upload(path, with_checksum(params, file), file)
        place = "data" if method in {"POST", "PUT"} else "params"
        response = self.request(method, path, **{place: dict(params)})
        if response.exit_code == 0:
            return Answer(200, data=_payload(response))
        return printed(str(response.content))

    def renew(self) -> bool:
        """pvesh acts as root and needs no login."""
        return False

    def close(self) -> None:
        """Close the executor's connection."""
        self._executor.close()

    def files(self) -> CommandExecutor:
        """See api.Session."""
        return self._executor

    def _upload(self, path: str, params: Params, file: LocalFile) -> Answer:
        """Bring the file to where PVE's daemon would put it, and hand it over (PVE::API2::Storage::Status, upload)."""
        there = Path(f"{UPLOADS}{secrets.token_hex(16)}")
        self._executor.push_file(Path(file.path), there, PRIVATE)
        words = {**params, "filename": file.name, "tmpfilename": str(there)}
        options = [word for name, value in words.items() for word in (f"--{name}", str(value))]
        stdout, stderr, code = self._exec(["pvesh", "create", path, *options, "--output-format", "json"])
        if code:
            self._executor.run(["rm", "-f", "--", str(there)], check=False)
            return printed(stderr)
        return Answer(200, data=JsonSimpleSerializer().loads(Response(stdout, 200, code)))

    def _exec(self, cmd: list[str]) -> tuple[str, str, int]:
        result: CommandResult = self._executor.run(cmd, check=False, timeout=self._limit.seconds)
        if result.returncode == 0:
            # pvesh comments on stderr (e.g. lock messages) without having failed; the session would take it for that.
            return result.stdout, "", 0
        if result.returncode == NOT_FOUND:
            raise PVENotFoundError(self._executor.name, cmd[0])
        return "", result.stderr or result.stdout or "pvesh failed without a message", result.returncode


def _payload(response: Json) -> Json:
    return JsonSimpleSerializer().loads(response) if str(response.content).strip() else None


def pvesh_session(connection: Connection) -> PveshSession:
    """A session on this machine or, by SSH, on ``connection.host``."""
    if MISSING:
        raise MISSING
    return PveshSession(_executor(connection), connection.timeout)


def _executor(connection: Connection) -> CommandExecutor:
    return LocalExecutor() if connection.transport == "local" else ssh_executor(connection)


def ssh_executor(connection: Connection) -> SSHExecutor:
    """What the SSH configuration says of the host, with the options given here in its stead. Connects later.

    A module can't ask anybody whether a host key is the right one, so an unknown one is refused, of jump hosts too.
    """
    config = Path(connection.ssh_config).expanduser() if connection.ssh_config else Path.home() / ".ssh" / "config"
    executor = executor_for(connection.host, config, connection.connect_timeout)
    executor.user = connection.ssh_user or _login(executor.user)
    executor.port = connection.ssh_port or executor.port
    if connection.ssh_key_path:
        executor.key_paths = [Path(connection.ssh_key_path)]
    if connection.ssh_known_hosts:
        executor.known_hosts = [Path(connection.ssh_known_hosts)]
    for hop in executor.way():
        hop.strict = True
    return executor


def _login(configured: str) -> str:
    """Root, unless another user is configured: ssh names the user of this machine where nothing is."""
    return "root" if configured == getpass.getuser() else configured
