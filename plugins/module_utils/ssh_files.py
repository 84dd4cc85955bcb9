# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files by SFTP: written beside their place, checked there, and moved over it in one step."""

from __future__ import annotations

import errno
import hashlib
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ansible_collections.homelab.pve.plugins.module_utils.errors import CommandError, FileError

if TYPE_CHECKING:
    import paramiko

CHUNK = 32_768
"""Bytes of one SFTP write, the most every server has to take (draft-ietf-secsh-filexfer-02, 3)."""
REQUESTS = 64
"""Reads under way at once. More can stall a server that has no room for the answers."""
PMXCFS = PurePosixPath("/etc/pve")
"""Where Proxmox VE's own file system sets owners and modes itself and refuses to have them set (pmxcfs(8))."""

UNSUPPORTED = "Operation unsupported"
"""SFTP's words for an extension it does not know."""

Run = Callable[[list[str]], str]
"""Runs a command on the host and returns its standard output."""


@dataclass(frozen=True)
class Place:
    """Where a file goes on ``host``, and how to run a command there."""

    sftp: paramiko.SFTPClient
    run: Run
    host: str

    def write(self, local: Path, remote: PurePosixPath, beside: str, mode: int, owner: str | None) -> None:
        """Replace ``remote`` with the content of ``local``, or leave it as it is and raise."""
        target = self._behind_link(remote)
        temporary = str(target.with_name(beside))
        try:
            sent = self._send(local, temporary)
            self._set_owner(temporary, target, owner)
            if not target.is_relative_to(PMXCFS):
                self.sftp.chmod(temporary, mode)
            self._verify(temporary, target, sent)
            self._move(temporary, str(target))
        except BaseException:
            with suppress(OSError, EOFError):  # nothing was written, or the connection is gone
                self.sftp.remove(temporary)
            raise

    def read(self, remote: PurePosixPath) -> bytes:
        """Content of a file."""
        with self.sftp.open(str(remote), "rb") as file:
            file.prefetch(max_concurrent_requests=REQUESTS)
            return file.read()

    def _behind_link(self, remote: PurePosixPath) -> PurePosixPath:
        """A link stays one: root's authorized_keys is a link into /etc/pve on a node."""
        try:
            is_link = stat.S_ISLNK(self.sftp.lstat(str(remote)).st_mode or 0)
        except FileNotFoundError:
            return remote
        return PurePosixPath(self.sftp.normalize(str(remote))) if is_link else remote

    def _send(self, local: Path, temporary: str) -> str:
        """Copy to a file nobody else may read yet; returns its SHA-256."""
        digest = hashlib.sha256()
        with local.open("rb") as source, self.sftp.open(temporary, "wx") as file:
            with suppress(PermissionError):  # below PMXCFS
                file.chmod(0o600)
            file.set_pipelined(True)
            while data := source.read(CHUNK):
                digest.update(data)
                file.write(data)
        return digest.hexdigest()

    def _set_owner(self, temporary: str, target: PurePosixPath, owner: str | None) -> None:
        if owner is not None:
            self.run(["chown", "--", owner, temporary])
            return
        with suppress(FileNotFoundError, PermissionError):
            was, now = self.sftp.stat(str(target)), self.sftp.stat(temporary)
            if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
                self.sftp.chown(temporary, was.st_uid or 0, was.st_gid or 0)

    def _move(self, temporary: str, target: str) -> None:
        """Plain rename fails onto an existing file (SFTP version 3). An extension does it, which a server may lack."""
        try:
            self.sftp.posix_rename(temporary, target)
        except OSError as refused:
            if refused.errno != errno.EACCES and str(refused) != UNSUPPORTED:
                raise
            try:
                self.run(["mv", "-fT", "--", temporary, target])
            except CommandError:
                raise refused from None

    def _verify(self, temporary: str, target: PurePosixPath, sent: str) -> None:
        arrived = self.run(["sh", "-c", 'sha256sum < "$1"', "-", temporary]).split()
        if sent not in arrived:
            raise FileError("write", str(target), self.host, "it arrived altered", "Try again; the old file is intact.")
