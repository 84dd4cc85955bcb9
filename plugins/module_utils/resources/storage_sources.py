# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where content of a storage comes from: for each source what it is good for, and the request that brings it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import unquote, urlsplit

from ansible_collections.homelab.pve.plugins.module_utils.codecs import size_bytes
from ansible_collections.homelab.pve.plugins.module_utils.engine import LocalFile, Step, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError

DIGITS = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
"""A checksum's length says its algorithm."""

KIB = 1024
SNIPPET_MODE = 0o644

EXTENSIONS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "iso": (re.compile(r"\.(?:iso|img)$", re.IGNORECASE), ".iso or .img"),
    "vztmpl": (re.compile(r"\.tar(?:\.(?:gz|xz|zst|bz2))?$"), ".tar, .tar.gz, .tar.xz, .tar.zst or .tar.bz2"),
    "import": (re.compile(r"\.(?:ova|qcow2|raw|vmdk)$"), ".ova, .qcow2, .raw or .vmdk"),
}
"""Extensions that PVE takes (PVE/Storage.pm: ISO_EXT_RE_0, VZTMPL_EXT_RE_1, UPLOAD_IMPORT_EXT_RE_1)."""


class Place(Protocol):
    """What a step has to know of where the content belongs."""

    @property
    def node(self) -> str:
        """The node."""

    @property
    def volid(self) -> str:
        """Its volume id."""

    @property
    def storage(self) -> str:
        """The storage's id."""

    @property
    def template(self) -> str:
        """Name of the appliance template in the node's index."""

    @property
    def file(self) -> str:
        """The node's own path of a snippet."""


@dataclass(frozen=True)
class Source:
    """A way to bring content: which kinds, and the step. ``names``: the file's name, where the option says it."""

    content: tuple[str, ...]
    step: Callable[[Values, Place], Step]
    names: Callable[[str], str] = lambda _text: ""


FETCHED = ("iso", "vztmpl", "import")


def normal(name: str) -> str:
    """A file's name as PVE keeps it (PVE/Storage.pm, normalize_content_filename)."""
    return re.sub(r"[^a-zA-Z0-9_.-]", "_", re.sub(r"^.*[/\\]", "", name))


def _of_url(text: str) -> str:
    return unquote(PurePosixPath(urlsplit(text).path).name)


def _of_image(reference: str) -> str:
    # PVE::API2::Storage::Status, oci_registry_pull: the extension is always added.
    return f"{normal(reference)}.tar"


def checksum(text: str | None) -> dict[str, str]:
    """``sha256:...``, or a bare checksum, as PVE's two parameters."""
    if not text:
        return {}
    algorithm, colon, digits = text.rpartition(":")
    algorithm = algorithm if colon else DIGITS.get(len(digits), "")
    if algorithm not in DIGITS.values():
        raise ConfigError(f"Option 'checksum': '{text}' is none of {', '.join(sorted(DIGITS.values()))}.")
    return {"checksum": digits.lower(), "checksum-algorithm": algorithm}


def _base(place: Place) -> str:
    return url("/nodes/{}/storage/{}", place.node, place.storage)


def _download(wish: Values, place: Place) -> Step:
    params = {
        "content": content_of(wish),
        "filename": name_of(wish),
        "url": wish["url"],
        **checksum(wish.get("checksum")),
        "compression": wish.get("compression"),
        "verify-certificates": None if wish.get("verify_certificates", True) else False,
    }
    return Step(
        "POST", f"{_base(place)}/download-url", params, f"download {wish['url']} to {place.volid} on {place.node}"
    )


def _upload(wish: Values, place: Place) -> Step:
    if place.file:
        return _write(wish, place)
    file = LocalFile(str(wish["src"]), name_of(wish))
    params = {"content": content_of(wish), **checksum(wish.get("checksum")), "filename": file}
    return Step("POST", f"{_base(place)}/upload", params, f"upload {wish['src']} to {place.volid} on {place.node}")


def _write(wish: Values, place: Place) -> Step:
    reason = f"write {place.volid} on {place.node}"
    return Step("WRITE", place.file, {"text": source_text(wish)}, reason, file_mode=SNIPPET_MODE)


def _appliance(_wish: Values, place: Place) -> Step:
    params = {"storage": place.storage, "template": place.template}
    return Step(
        "POST", url("/nodes/{}/aplinfo", place.node), params, f"fetch template {place.template} to {place.storage}"
    )


def _pull(wish: Values, place: Place) -> Step:
    name = wish.get("filename")
    params = {"reference": wish["reference"], "filename": name and normal(name).removesuffix(".tar")}
    return Step(
        "POST",
        f"{_base(place)}/oci-registry-pull",
        params,
        f"pull {wish['reference']} to {place.volid} on {place.node}",
        advice={
            "not implemented": "Proxmox VE pulls images from version 9.1 on.",
            "Install 'skopeo'": "Install the package skopeo on the node.",
        },
    )


def _allocate(wish: Values, place: Place) -> Step:
    params = {
        "filename": place.volid.partition(":")[2].rpartition("/")[2],
        "vmid": wish["vmid"],
        "size": str(-(-wished_size(wish) // KIB)),
        "format": wish.get("format"),
    }
    return Step("POST", f"{_base(place)}/content", params, f"allocate {place.volid} on {place.node}")


SOURCES: Mapping[str, Source] = {
    "url": Source(FETCHED, _download, _of_url),
    "src": Source((*FETCHED, "snippets"), _upload, lambda path: PurePosixPath(path).name),
    "text": Source(("snippets",), _write),
    "template": Source(("vztmpl",), _appliance),
    "reference": Source(("vztmpl",), _pull, _of_image),
    "size": Source(("images", "rootdir"), _allocate),
}


def source_of(wish: Values) -> str | None:
    """The option that says where it comes from."""
    return next((name for name in SOURCES if wish.get(name) is not None), None)


def content_of(wish: Values) -> str:
    """The content type: the option, or what the source is first of all good for."""
    source = source_of(wish)
    return str(wish.get("content") or (SOURCES[source].content[0] if source else "iso"))


def name_of(wish: Values) -> str:
    """The option ``filename``, or what the source says. Raises ConfigError when there is none."""
    source = source_of(wish)
    given = wish.get("filename")
    if given and source == "reference":
        return f"{normal(given).removesuffix('.tar')}.tar"
    named = given or (SOURCES[source].names(str(wish[source])) if source else "")
    if not named:
        raise ConfigError(f"Option 'filename' is needed: it can't be taken from {NOUNS.get(source or '', 'the rest')}.")
    # A backup on a backup server, or a volume in a guest's folder, has slashes in its name.
    return str(named) if content_of(wish) in ("backup", "images", "rootdir") else normal(str(named))


NOUNS = {"url": "the URL", "src": "the path", "text": "the text", "size": "the size"}


def check(wish: Values) -> None:
    """Raise ConfigError for options that don't go together, before anything is asked."""
    source, content = source_of(wish), content_of(wish)
    if source and content not in SOURCES[source].content:
        raise ConfigError(f"Option '{source}' is for the content {', '.join(SOURCES[source].content)}, not {content}.")
    for option in ("notes", "protected"):
        if wish.get(option) is not None and content != "backup" and not wish.get("volid"):
            raise ConfigError(f"Option '{option}' is for the content backup, not {content}: nothing else has it.")
    if wish.get("compression") and content != "iso":
        raise ConfigError(f"Option 'compression' is for the content iso, not {content}: Proxmox VE unpacks no other.")
    if content in ("images", "rootdir") and not wish.get("vmid"):
        raise ConfigError("Option 'vmid' is needed: a volume belongs to a guest.")
    checksum(wish.get("checksum"))
    if wish["state"] == "present" and source:
        _check_source(wish, source, content)


def _check_source(wish: Values, source: str, content: str) -> None:
    if source in ("url", "src") and content in EXTENSIONS:
        pattern, extensions = EXTENSIONS[content]
        if not pattern.search(name_of(wish)):
            raise ConfigError(
                f"Option 'filename': '{name_of(wish)}' has no extension of {content}, which are {extensions}."
            )
    if source == "size":
        wished_size(wish)
    if source == "src":
        source_size(wish)


def wished_size(wish: Values) -> int:
    """Bytes of a volume. Raises ConfigError."""
    try:
        return size_bytes(wish["size"])
    except ValueError as error:
        raise ConfigError(f"Option 'size': {error}") from error


def source_size(wish: Values) -> int:
    """Bytes of the file to send. Raises ConfigError when there is none."""
    path = Path(str(wish["src"]))
    if not path.is_file():
        raise ConfigError(f"Option 'src': {path} is not a file of the machine the module runs on.")
    return path.stat().st_size


def source_text(wish: Values) -> str | None:
    """What a snippet is to hold; None where nothing is said."""
    if not wish.get("src"):
        return wish.get("text")
    try:
        return Path(str(wish["src"])).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Option 'src': {wish['src']} can't be read as text: {error}.") from error


def step_for(wish: Values, place: Place) -> Step:
    """The request that brings it."""
    source = source_of(wish)
    if source is None:
        raise ConfigError(f"Nothing says where {place.volid} comes from.")
    return SOURCES[source].step(wish, place)
