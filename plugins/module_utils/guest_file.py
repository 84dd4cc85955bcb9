# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a VM through its guest agent: written when they differ, removed, or read."""

from __future__ import annotations

import base64
import binascii
import hashlib
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ansible_collections.homelab.pve.plugins.module_utils import module
from ansible_collections.homelab.pve.plugins.module_utils.agent import (
    ABSOLUTE,
    READ_LIMIT,
    WRITE_LIMIT,
    FileView,
    asked,
    check_bounds,
    file_step,
    helper_step,
    known,
    machine,
    place,
    read_file,
)
from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import reconcile
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    BOUND,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, HomelabPveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import GUEST_OPTIONS, GUEST_RULES, Guest

OPTIONS: Options = {
    **GUEST_OPTIONS,
    "path": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent", "read"], "default": "present"},
    "content": {"type": "str"},
    "src": {"type": "path"},
    "encoding": {"type": "str", "choices": ["text", "base64"], "default": "text"},
    "mode": {"type": "raw"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "wait_timeout": {"type": "float", "default": 60},
    "agent_timeout": {"type": "float", "default": 0},
}

RULES: Mapping[str, Sequence[Json]] = {
    "required_one_of": GUEST_RULES["required_one_of"],
    "mutually_exclusive": [*GUEST_RULES["mutually_exclusive"], ("content", "src")],
    "required_if": [("state", "present", ("content", "src"), True)],
}

FOR_WRITING = ("content", "src", "mode", "owner", "group")
MODE = re.compile(r"[0-7]{3,4}")
AGENTS_MODE = "agent"
"""Value of ``mode``: a new file is made by the agent, with its mode 0666, and no program is run in the guest."""

NEW_MODE = "0644"
SHOWN_LIMIT = 64 * 1024
"""Bytes up to which a diff shows a file's text."""

ACCOUNTS = {"owner": "-o", "group": "-g"}
"""Options and what ``install`` calls them."""

APPEND = 'base64 -d >> "$1"'


# ---------------------------------------------------------------------------------------------------------- options


def check(params: Values) -> None:
    """Raise ConfigError for options that can't be right, whatever the guest has."""
    path = params["path"]
    if not ABSOLUTE.match(path) or path[-1] in "/\\" or "\0" in path:
        raise ConfigError(f"Option 'path': '{path}' is not the absolute path of a file in the guest, as /etc/motd is.")
    surplus = [name for name in FOR_WRITING if params.get(name) is not None]
    if params["state"] != "present" and surplus:
        raise ConfigError(f"Option '{surplus[0]}' is for state: present. Leave it out for state: {params['state']}.")
    _check_mode(params.get("mode"))
    for name in ACCOUNTS:
        _check_account(name, params.get(name), params.get("mode"))
    check_bounds(params, ("wait_timeout", "agent_timeout"))


def _check_account(name: str, account: str | None, mode: Json) -> None:
    if account is not None and mode == AGENTS_MODE:
        raise ConfigError(f"Option '{name}' needs a program in the guest, which mode: {AGENTS_MODE} forbids.")
    if account == "":
        raise ConfigError(f"Option '{name}' is empty. Name an account of the guest, or leave the option out.")


def _check_mode(mode: Json) -> None:
    if isinstance(mode, int):
        raise ConfigError(f"Option 'mode' is the number {mode}: YAML reads 0644 as 420. Put it in quotes: '0644'.")
    if mode is not None and mode != AGENTS_MODE and not MODE.fullmatch(str(mode)):
        raise ConfigError(f"Option 'mode': '{mode}' is not a mode such as '0644', nor '{AGENTS_MODE}'.")


def _check_size(params: Values, content: bytes) -> None:
    if len(content) >= READ_LIMIT:
        raise ConfigError(
            f"The content for {params['path']} has {len(content)} bytes. Proxmox VE reads less than {READ_LIMIT} bytes "
            "of a guest's file, so more could not be compared. Let the guest fetch it, or copy it over SSH."
        )
    if len(content) > WRITE_LIMIT and params.get("mode") == AGENTS_MODE:
        raise ConfigError(
            f"The content for {params['path']} has {len(content)} bytes. More than {WRITE_LIMIT} bytes need a shell in "
            f"the guest, which mode: {AGENTS_MODE} forbids. Give a mode such as '0644'."
        )


def wished(params: Values) -> bytes:
    """The content the file is to have. Raises ConfigError when it can't be had, or is too much."""
    content = _source(params["src"]) if params.get("src") else _given(params["content"], params["encoding"])
    _check_size(params, content)
    return content


def _source(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"Option 'src': cannot read {path}: {error.strerror}.") from error


def _given(content: str, encoding: str) -> bytes:
    if encoding == "text":
        return content.encode()
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error as error:
        raise ConfigError(f"Option 'content' is not base64, as encoding: base64 says: {error}.") from error


# ------------------------------------------------------------------------------------------------------------- plan


def describe(read: Reader, wish: Values) -> FileView:
    """The file as the guest has it now. Raises HomelabPveError when what was just done isn't what it has."""
    bound = wish.get(BOUND)
    if bound:
        return _verified(wish, _look(read, wish, bound["guest"]))
    check(wish)
    if wish["state"] == "present":
        wished(wish)
    return _look(read, wish, machine(read, wish))


def _look(read: Reader, wish: Values, guest: Guest) -> FileView:
    path = wish["path"]
    return asked(lambda: read_file(read, guest, path), f"read {path} in {place(guest)}", wish["agent_timeout"])


def _verified(wish: Values, found: FileView) -> FileView:
    content = wished(wish) if wish["state"] == "present" else None
    if found.content != content:
        sizes = ["no file" if item is None else f"{len(item)} bytes" for item in (content, found.content)]
        raise HomelabPveError(
            f"{wish['path']} in {place(found.guest)} reads back differently: expected {sizes[0]}, found {sizes[1]}. "
            "Check that its file system has room, and that nothing else writes to it."
        )
    return found


def plan(wish: Values, view: FileView) -> Plan:
    """The steps to the file as it is wished."""
    return {"present": _write, "absent": _remove, "read": _read}[wish["state"]](wish, view)


def _read(wish: Values, view: FileView) -> Plan:
    path, content = wish["path"], view.content
    if content is None:
        raise RefusedError(f"There is no file {path} in {place(view.guest)}. Check the path.")
    if not view.complete:
        raise RefusedError(
            f"{path} in {place(view.guest)} has {READ_LIMIT} bytes or more, which Proxmox VE does not read. "
            "Copy it over SSH."
        )
    return Plan(reason=f"{path} is only read", extra=returned(content, wish["encoding"]))


def _remove(wish: Values, view: FileView) -> Plan:
    where = f"{wish['path']} in {place(view.guest)}"
    if view.content is None:
        return Plan(reason=f"there is no {where}")
    step = helper_step(view.guest, ["rm", "-f", "--", wish["path"]], f"remove {where}")
    return _planned((step,), view, None)


def _write(wish: Values, view: FileView) -> Plan:
    content = wished(wish)
    if view.content == content and view.complete:
        return Plan(reason=f"{wish['path']} in {place(view.guest)} has this content already")
    return _planned((*_prepared(wish, view), *_written(view.guest, wish["path"], content)), view, content)


def _planned(steps: tuple[Step, ...], view: FileView, content: bytes | None) -> Plan:
    return Plan(
        steps,
        before={"content": shown(view.content)},
        after={"content": shown(content)},
        bindings={"guest": view.guest},
        extra=facts(replace(view, content=content)),
    )


def _prepared(wish: Values, view: FileView) -> Iterator[Step]:
    """Before there is anything in it, a new file is made with its owner and mode, an existing one gets them."""
    if view.content is None:
        return _made(wish, view.guest)
    return _adjusted(wish, view.guest)


def _made(wish: Values, guest: Guest) -> Iterator[Step]:
    mode, path = wish.get("mode") or NEW_MODE, wish["path"]
    if mode != AGENTS_MODE:
        accounts = [word for name, flag in ACCOUNTS.items() if wish.get(name) for word in (flag, wish[name])]
        yield helper_step(
            guest, ["install", "-m", mode, *accounts, "/dev/null", path], f"make {path} in {place(guest)}"
        )


def _adjusted(wish: Values, guest: Guest) -> Iterator[Step]:
    mode, path = wish.get("mode"), wish["path"]
    account = ":".join(wish.get(name) or "" for name in ACCOUNTS).removesuffix(":")
    if account:
        yield helper_step(guest, ["chown", account, path], f"give {path} in {place(guest)} to {account}")
    if mode not in (None, AGENTS_MODE):
        yield helper_step(guest, ["chmod", mode, path], f"set the mode of {path} in {place(guest)} to {mode}")


def _written(guest: Guest, path: str, content: bytes) -> Iterator[Step]:
    """The content goes in one request where it fits, else bit by bit to a private file that is then copied over."""
    if len(content) <= WRITE_LIMIT:
        yield file_step(guest, path, content, f"write {len(content)} bytes to {path} in {place(guest)}")
        return
    part = part_path(path)
    made = ["install", "-m", "0600", "/dev/null", part]
    yield helper_step(guest, made, f"make the temporary file {part} in {place(guest)}")
    for start in range(0, len(content), WRITE_LIMIT):
        piece = content[start : start + WRITE_LIMIT]
        reason = f"append bytes {start + 1} to {start + len(piece)} to it"
        yield helper_step(guest, ["/bin/sh", "-c", APPEND, "sh", part], reason, base64.b64encode(piece))
    yield helper_step(guest, ["cp", part, path], f"copy it over {path}")
    yield helper_step(guest, ["rm", "-f", "--", part], "remove the temporary file")


def part_path(path: str) -> str:
    """The temporary file beside a file: always the same, so that what an interrupted run left is used again."""
    folder, name = posixpath.split(path)
    return posixpath.join(folder, f".{name}.{hashlib.sha256(path.encode()).hexdigest()[:8]}.part")


# ---------------------------------------------------------------------------------------------------------- result


def facts(view: FileView) -> dict[str, Json]:
    """What the module returns about the file and its guest.

    Its path is no ``path`` here: Ansible would add what it finds at a path of that name on the controller.
    """
    found = {"file": view.path, **known(view.guest), "size": None, "sha256": None}
    if view.content is None:
        return found
    return {**found, "size": len(view.content), "sha256": hashlib.sha256(view.content).hexdigest()}


def returned(content: bytes, encoding: str) -> dict[str, Json]:
    """The content as text, if that was asked for and it is text."""
    text = _text(content) if encoding == "text" else None
    if text is None:
        return {"content": base64.b64encode(content).decode(), "encoding": "base64"}
    return {"content": text, "encoding": "text"}


def _text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def shown(content: bytes | None) -> str:
    """A file's content for a diff."""
    if content is None:
        return ""
    text = _text(content) if len(content) <= SHOWN_LIMIT else None
    if text is None or "\0" in text:
        return f"({len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()})\n"
    return text


FILE = Resource(
    "file",
    OPTIONS,
    describe,
    plan,
    facts,
    rules=RULES,
    writes=("POST /nodes/{}/qemu/{}/agent/file-write", "POST /nodes/{}/qemu/{}/agent/exec"),
)


def guest_file(client: Client, params: Values, dry_run: bool) -> dict[str, Json]:
    """Answer of the module guest_file. Its diff is one of lines, not of values."""
    outcome = reconcile(FILE, params, client, dry_run=dry_run, timeout=params["wait_timeout"])
    sides = {"before": outcome.plan.before, "after": outcome.plan.after}
    diff = {side: values.get("content", "") for side, values in sides.items()}
    headers = {f"{side}_header": params["path"] for side in sides}
    return {**module.result(FILE, outcome), "diff": {**diff, **headers}}
