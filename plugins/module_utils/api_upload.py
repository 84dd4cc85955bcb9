# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on their way to a node: as a form that is read piece by piece, with the checksum the node is to find."""

from __future__ import annotations

import hashlib
import io
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import LocalFile
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, FileError

FIELDS = ("content", "checksum-algorithm", "checksum")
"""Fields before the file, in the only order that PVE reads (PVE::APIServer::AnyEvent, file_upload_multipart)."""

ALGORITHM = "sha256"
PIECE = 1024 * 1024
"""Most bytes that are held at once."""


def sent_file(params: Mapping[str, Json]) -> LocalFile | None:
    """The file among the parameters of a request."""
    return next((value for value in params.values() if isinstance(value, LocalFile)), None)


def with_checksum(params: Mapping[str, Json], file: LocalFile) -> dict[str, Json]:
    """The parameters with the file's checksum, so that the node notices what was damaged on the way.

    Raises ConfigError when it isn't the one that was asked for: nothing is sent then.
    """
    algorithm = params.get("checksum-algorithm") or ALGORITHM
    found = _checksum(file, str(algorithm))
    wished = str(params.get("checksum") or found)
    if wished.lower() != found:
        raise ConfigError(f"{file.path} has the {algorithm} checksum {found}, and not {wished}. It was not sent.")
    return {**params, "checksum-algorithm": algorithm, "checksum": found}


def _checksum(file: LocalFile, algorithm: str) -> str:
    with _opened(file) as stream:
        digest = hashlib.new(algorithm)
        while piece := stream.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _opened(file: LocalFile) -> IO[bytes]:
    try:
        return Path(file.path).open("rb")
    except OSError as error:
        raise FileError("read", file.path, "this machine", error.strerror or str(error)) from error


class Form:
    """A multipart form that ends in a file; what requests takes for a stream of known length.

    :ivar sent: bytes that were read of it so far
    """

    def __init__(self, params: Mapping[str, Json], file: LocalFile) -> None:
        self._boundary = secrets.token_hex(16)
        head = b"".join(self._field(name, params[name]) for name in FIELDS if name in params) + self._file_head(file)
        tail = f"\r\n--{self._boundary}--\r\n".encode()
        stream = _opened(file)
        self._length = len(head) + os.fstat(stream.fileno()).st_size + len(tail)
        self._parts: list[IO[bytes]] = [io.BytesIO(head), stream, io.BytesIO(tail)]
        self.sent = 0

    @property
    def content_type(self) -> str:
        """For the header of that name."""
        return f"multipart/form-data; boundary={self._boundary}"

    def read(self, size: int = PIECE) -> bytes:
        """The next bytes, none at the end."""
        while self._parts:
            piece = self._parts[0].read(size if 0 < size < PIECE else PIECE)
            self.sent += len(piece)
            if piece:
                return piece
            self._parts.pop(0).close()
        return b""

    def close(self) -> None:
        """Close the file."""
        while self._parts:
            self._parts.pop().close()

    def progress(self) -> str:
        """How far it came."""
        return f"{self.sent / 2**20:.1f} of {self._length / 2**20:.1f} MiB were sent"

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read():
            yield piece

    def _field(self, name: str, value: object) -> bytes:
        return f'--{self._boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()

    def _file_head(self, file: LocalFile) -> bytes:
        name = re.sub(r'["\r\n\\]', "_", file.name)
        disposition = f'form-data; name="filename"; filename="{name}"'
        kind = "Content-Type: application/octet-stream"
        return f"--{self._boundary}\r\nContent-Disposition: {disposition}\r\n{kind}\r\n\r\n".encode()
