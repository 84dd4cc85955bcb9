# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pct does inside a container: exec, enter, console, push, pull (PVE/CLI/pct.pm)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from lab.commands import attach
from lab.commands.client import CommandError
from lab.commands.command import Tree, own

Values = Mapping[str, Any]

VMID = {"type": "integer", "format": "pve-vmid", "minimum": 100, "maximum": 999999999}
TEXT = {"type": "string"}
OPTIONAL_TEXT = {"type": "string", "optional": 1}
KEEP = {"type": "boolean", "optional": 1, "default": 1}
WORDS = {"type": "array", "optional": 1}
ESCAPE = {"type": "string", "pattern": "\\^?[a-z]", "default": "^a", "optional": 1}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The lab's own settings of the caller's environment are none of the container's business.
OURS = ("HOMELAB_PVE_LAB_SOCKET",)
# What PVE needs for its libraries and takes out again (pct.pm: clean_environment).
CLEANED = ("SSL_CERT_FILE", "SSL_CERT_DIR")
NEW_FILE_MODE = 0o666


class EndedError(CommandError):
    """A command ended with a code of its own and has said what there is to say."""

    def __init__(self, code: int) -> None:
        """There is nothing to add to what the command said."""
        super().__init__("", code)


def environment(*, keep: bool) -> dict[str, str]:
    """What a command in the container finds in its environment (lxc-attach: --keep-env, --clear-env)."""
    if not keep:
        terminal = {"TERM": os.environ["TERM"]} if "TERM" in os.environ else {}
        return {"PATH": PATH, "container": "lxc", **terminal}
    kept = {name: value for name, value in os.environ.items() if name not in (*OURS, *CLEANED)}
    return {"PATH": PATH, **kept, "container": "lxc"}


def _run(values: Values, argv: list[str]) -> None:
    """Raise EndedError with the command's exit code, unless that is 0."""
    keep = str(values.get("keep-env", 1)) not in ("0", "False")
    document = {"action": "command", "vmid": values["vmid"], "argv": argv, "environment": environment(keep=keep)}
    code = attach.command({**document, "folder": os.getcwd()})  # noqa: PTH109 - a text, quickly
    if code:
        raise EndedError(code)


def exec_command(values: Values) -> None:
    """``pct exec VMID -- COMMAND``: the command's own output, and its exit code."""
    argv = [str(word) for word in values.get("extra-args") or []]
    if not argv:
        raise CommandError("missing command")
    _run(values, argv)


def enter(values: Values) -> None:
    """``pct enter VMID``, and ``console``: root's shell."""
    _run(values, [])


def push(values: Values) -> None:
    """``pct push VMID FILE DESTINATION``. What fails in PVE's worker is told, and leaves the exit code at 0."""
    try:
        source = os.open(values["file"], os.O_RDONLY)
    except OSError:
        os.write(2, f"failed to open {values['file']} for reading\n".encode())
        return
    try:
        _copy("write", values, values["destination"], (source, 1, 2), **owners(values))
    finally:
        os.close(source)


def pull(values: Values) -> None:
    """``pct pull VMID PATH DESTINATION``."""
    was_there = os.path.lexists(values["destination"])
    target = _target(values)
    try:
        _copy("read", values, values["path"], (0, target, 2))
    except CommandError:
        # On PVE the file is made once it is known that the container runs.
        if not was_there:
            os.unlink(values["destination"])  # noqa: PTH108 - a text
        raise
    finally:
        os.close(target)


def _copy(action: str, values: Values, path: str, files: tuple[int, int, int], **given: str | None) -> None:
    attach.request({"action": action, "vmid": values["vmid"], "path": path, **given}, files)


def owners(values: Values) -> dict[str, str | None]:
    """Mode and owners as they were given; a mode without a prefix is octal."""
    mode = values.get("perms")
    octal = mode if mode is None or str(mode).startswith("0") else f"0{mode}"
    return {"mode": octal, "user": values.get("user"), "group": values.get("group")}


def _target(values: Values) -> int:
    """The local file of ``pull``, with the mode and owners asked for."""
    from lab.guests.attach import AttachError, open_for_writing  # noqa: PLC0415 - only when it is needed

    given = owners(values)
    try:
        with open_for_writing(values["destination"], given["mode"], given["user"], given["group"]) as target:
            return os.dup(target.fileno())
    except AttachError as error:
        raise CommandError(str(error)) from error


_COPY = {"user": OPTIONAL_TEXT, "group": OPTIONAL_TEXT, "perms": OPTIONAL_TEXT}

INSIDE: Tree = {
    "exec": own(exec_command, ("vmid", "extra-args"), vmid=VMID, keep_env=KEEP, extra_args=WORDS),
    "enter": own(enter, ("vmid",), vmid=VMID, keep_env=KEEP),
    "console": own(enter, ("vmid",), vmid=VMID, escape=ESCAPE),
    "push": own(push, ("vmid", "file", "destination"), vmid=VMID, file=TEXT, destination=TEXT, **_COPY),
    "pull": own(pull, ("vmid", "path", "destination"), vmid=VMID, path=TEXT, destination=TEXT, **_COPY),
}
