# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file on a storage: an ISO image, a container template or a disk image to import, fetched by the node. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from ansible_collections.homelab.pve.plugins.module_utils.codecs import STORAGE_CONTENT, Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import only_node

DIGITS = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
"""A checksum's length says its algorithm."""


@dataclass(frozen=True)
class Stored:
    """Where the file belongs, and PVE's row about it if it is there."""

    node: str
    volid: str
    row: Mapping[str, Json] | None


def describe(read: Reader, wish: Values) -> Stored:
    """Look for the file on the node."""
    node = wish.get("node") or only_node(read, "to say where the file belongs")
    content, volid = wish["content"], f"{wish['storage']}:{wish['content']}/{file_name(wish)}"
    _check_storage(read, node, wish)
    rows = read.get(url("/nodes/{}/storage/{}/content", node, wish["storage"]), {"content": content})
    return Stored(node, volid, next((row for row in rows if row["volid"] == volid), None))


def _check_storage(read: Reader, node: str, wish: Values) -> None:
    """A storage that doesn't take the content lists nothing, and would fail long after."""
    rows = read.get(url("/nodes/{}/storage", node))
    row = next((row for row in rows if row["storage"] == wish["storage"]), None)
    if row is None:
        raise RefusedError(f"Storage '{wish['storage']}' does not exist on node {node}, or the login may not see it.")
    taken, content = STORAGE_CONTENT.decode(row.get("content", "")), wish["content"]
    if content not in taken:
        raise RefusedError(
            f"Storage '{wish['storage']}' does not take {content}: its content is {', '.join(taken) or 'none'}. "
            f"Add {content} with the option content of the module storage, or use another storage."
        )


def file_name(wish: Values) -> str:
    """The option ``filename``, or the last part of the URL."""
    name = wish.get("filename") or unquote(PurePosixPath(urlsplit(wish.get("url") or "").path).name)
    if not name:
        raise ConfigError("Option 'filename' is needed: it can't be taken from the URL.")
    return str(name)


def checksum(text: str | None) -> dict[str, str]:
    """``sha256:...``, or a bare checksum, as PVE's two parameters."""
    if not text:
        return {}
    algorithm, colon, digits = text.rpartition(":")
    algorithm = algorithm if colon else DIGITS.get(len(digits), "")
    if algorithm not in DIGITS.values():
        raise ConfigError(f"Option 'checksum': '{text}' is none of {', '.join(sorted(DIGITS.values()))}.")
    return {"checksum": digits.lower(), "checksum-algorithm": algorithm}


def plan(wish: Values, have: Stored) -> Plan:
    """Fetch, remove, or nothing. A file that is there is not fetched again."""
    base = url("/nodes/{}/storage/{}", have.node, wish["storage"])
    if wish["state"] == "absent":
        return _removal(have, base)
    if have.row:
        return Plan(reason=f"{have.volid} is there already")
    if not wish.get("url"):
        raise ConfigError(f"Option 'url' is needed: {have.volid} is not there yet.")
    params = {
        "content": wish["content"],
        "filename": file_name(wish),
        "url": wish["url"],
        **checksum(wish.get("checksum")),
        "compression": wish.get("compression"),
        "verify-certificates": None if wish.get("verify_certificates", True) else False,
    }
    step = Step("POST", f"{base}/download-url", params, f"download {wish['url']} to {have.volid} on {have.node}")
    return Plan((step,), after={"volid": have.volid})


def _removal(have: Stored, base: str) -> Plan:
    if have.row is None:
        return Plan(reason=f"{have.volid} is absent already")
    step = Step("DELETE", f"{base}/content/{url('{}', have.volid)}", {}, f"remove {have.volid} on {have.node}")
    return Plan((step,), before={"volid": have.volid})


def result(have: Stored) -> dict[str, Json]:
    """The module's return value."""
    row = have.row or {}
    known = {name: row[name] for name in ("size", "format") if name in row}
    return {"volid": have.volid, "node": have.node, **known}


OPTIONS: Options = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "storage": {"type": "str", "required": True},
    "content": {"type": "str", "choices": ["iso", "vztmpl", "import"], "default": "iso"},
    "node": {"type": "str"},
    "filename": {"type": "str"},
    "url": {"type": "str"},
    "checksum": {"type": "str"},
    "compression": {"type": "str"},
    "verify_certificates": {"type": "bool", "default": True},
    "wait_timeout": {"type": "float", "default": 1800},
}

STORAGE_FILE = Resource(
    kind="file",
    options=OPTIONS,
    describe=describe,
    plan=plan,
    result=result,
    rules={"required_one_of": [["url", "filename"]]},
)
