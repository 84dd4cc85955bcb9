# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk images: reading their headers, and writing the small stand-ins the lab's image server offers.

A stand-in is a well-formed qcow2 image without data. Importing it gives a volume that boots the lab's own Debian
root, as importing the real download gives a disk that boots Debian.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

GIB = 1024**3
QCOW2_MAGIC = b"QFI\xfb"
# qemu, docs/interop/qcow2.txt: magic, version, backing file offset and size, cluster bits, virtual size.
HEADER = struct.Struct(">4sIQIIQ")
VERSION_2_HEADER_SIZE = 72
CLUSTER_BITS = 16
CLUSTER_SIZE = 2**CLUSTER_BITS
# Bytes of an entry of the first table of clusters, and of the disk that it stands for.
ENTRY_SIZE = 8
TABLE_REACH = CLUSTER_SIZE * CLUSTER_SIZE // ENTRY_SIZE

STAND_INS = {"debian-12-genericcloud-amd64.qcow2": 2 * GIB}
CHECKSUMS = "SHA512SUMS"
CHECKSUMS_256 = "SHA256SUMS"
# What the header says after its own 72 bytes, so that a person who looks at the file knows what it is.
NOTICE = b"homelab.pve lab image: imports as a volume that boots the lab's Debian root\n"


def header(virtual_size: int) -> bytes:
    """A version 2 qcow2 header of an image of so many bytes."""
    return HEADER.pack(QCOW2_MAGIC, 2, 0, 0, CLUSTER_BITS, virtual_size).ljust(VERSION_2_HEADER_SIZE, b"\0")


def virtual_size(path: Path) -> int:
    """Bytes of the disk an image holds: from the header of a qcow2, else the length of the file."""
    with path.open("rb") as stream:
        start = stream.read(HEADER.size)
    if len(start) == HEADER.size and start.startswith(QCOW2_MAGIC):
        return int(HEADER.unpack(start)[-1])
    return path.stat().st_size


def is_blank(path: Path) -> bool:
    """Whether a file is a qcow2 image that nothing was ever written to: three clusters, and a table of the next."""
    size = path.stat().st_size
    tables = -(-virtual_size(path) // TABLE_REACH)
    return size != virtual_size(path) and size == 3 * CLUSTER_SIZE + tables * ENTRY_SIZE


def is_stand_in(path: Path) -> bool:
    """Whether a file is one of the lab's images."""
    with path.open("rb") as stream:
        return NOTICE in stream.read(VERSION_2_HEADER_SIZE + len(NOTICE))


def write_stand_ins(folder: Path) -> None:
    """Write the images and their checksum files; a folder that has them already is left with the same content."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {name: header(size) + NOTICE for name, size in STAND_INS.items()}
    for name, data in content.items():
        (folder / name).write_bytes(data)
    for sums, algorithm in ((CHECKSUMS, hashlib.sha512), (CHECKSUMS_256, hashlib.sha256)):
        lines = [f"{algorithm(data).hexdigest()}  {name}\n" for name, data in content.items()]
        (folder / sums).write_text("".join(lines))
