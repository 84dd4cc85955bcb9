# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on a file-based storage: which folder holds what, what a file is, and how one comes in. No PVE state here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BLOCK_SIZE = 1024 * 1024


@dataclass(frozen=True)
class Kind:
    """One content type of a storage: its folder, its names, and the format the API shows."""

    folder: str
    pattern: re.Pattern[str]
    format: str | None = None

    def format_of(self, name: str) -> str:
        """The format of a file: fixed for the type, else what its suffix says. Only for names that fit."""
        found = self.pattern.fullmatch(name)
        return self.format or (found[1] if found else "raw")


# PVE/Storage/Plugin.pm: $vtype_subdirs, and PVE/Storage.pm: the regular expressions of names.
KINDS: Mapping[str, Kind] = {
    "iso": Kind("template/iso", re.compile(r"[^/]+\.(?:iso|img)", re.IGNORECASE), "iso"),
    "vztmpl": Kind("template/cache", re.compile(r"[^/]+\.(tar|tar\.(?:gz|xz|zst|bz2))")),
    "backup": Kind("dump", re.compile(r"[^/]+?\.((?:vma|tar)(?:\.(?:gz|lzo|zst))?)")),
    "snippets": Kind("snippets", re.compile(r"[^/]+"), "snippet"),
    "import": Kind("import", re.compile(r"[^/]+\.(ova|ovf|qcow2|raw|vmdk)")),
}
TEMPLATE_FORMATS = {"tar": "tar", "tar.gz": "tgz", "tar.xz": "txz", "tar.zst": "tzst", "tar.bz2": "tbz2"}
ALGORITHMS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")


class TransferError(Exception):
    """A file could not be brought in; the text is PVE's."""


def record_of(kind: str, path: Path) -> dict[str, Any]:
    """What the API knows of a file."""
    stat = path.stat()
    form = KINDS[kind].format_of(path.name)
    record: dict[str, Any] = {
        "content": kind,
        "format": TEMPLATE_FORMATS.get(form, form) if kind == "vztmpl" else form,
        "size": stat.st_size,
        "ctime": int(stat.st_mtime),
    }
    owner = re.match(r"vzdump-(lxc|qemu|openvz)-(\d+)-", path.name) if kind == "backup" else None
    return record | ({"subtype": owner[1], "vmid": int(owner[2])} if owner else {})


def listing(base: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """``(volume name, record)`` of every file below a storage's folder that PVE would list."""
    for kind, rule in KINDS.items():
        folder = base / rule.folder
        names = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
        for path in names:
            if rule.pattern.fullmatch(path.name):
                yield f"{kind}/{path.name}", record_of(kind, path)


def checksum(path: Path, algorithm: str) -> str:
    """The checksum of a file, in lower case."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def verify(path: Path, algorithm: str | None, expected: str | None) -> None:
    """Refuse a file whose checksum is another (PVE/Tools.pm: download_file_from_url)."""
    if algorithm is None or expected is None:
        return
    found = checksum(path, algorithm)
    if found != expected.lower():
        raise TransferError(f"checksum mismatch: got '{found}' != expect '{expected}'")


@dataclass(frozen=True)
class Part:
    """One field of a multipart form."""

    name: str
    content: bytes
    filename: str | None = None


def form_parts(content_type: str, body: bytes) -> list[Part]:
    """The fields of a multipart form, in order. Raises ValueError for a malformed one."""
    boundary = re.search(r'boundary="?([^";]+)"?', content_type)
    if boundary is None:
        raise ValueError("the form has no boundary")
    chunks = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())
    return [_part(chunk) for chunk in chunks[1:-1]]


def _part(chunk: bytes) -> Part:
    head, separator, content = chunk.partition(b"\r\n\r\n")
    found = re.search(r'name="([^"]*)"(?:;\s*filename="([^"]*)")?', head.decode("utf-8", "replace"))
    if not separator or found is None:
        raise ValueError("a part of the form has no name")
    return Part(found[1], content, found[2])
