# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pvesh: any path of the API (PVE/CLI/pvesh.pm of pve-manager)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lab.commands import client, command, options, output, tree, usage
from lab.commands.client import ApiError, CommandError
from lab.commands.command import Command, Tree
from lab.commands.options import Properties, UsageError, Values

METHODS = {"get": "GET", "set": "PUT", "create": "POST", "delete": "DELETE"}
API_PATH = {"api_path": {"type": "string"}}
FLAG = {"type": "boolean", "optional": 1}
# Options that older scripts put in front of the command.
COMPATIBLE = ("--noproxy", "--nooutput")
CHILD = re.compile(r"\{(\S+)\}")
ROOT = ("access", "cluster", "nodes", "pools", "storage", "version")
# What the API answers for a node that does not (pveproxy).
OUT_OF_REACH = (595, 596)
LISTED = {"type": "array", "items": {"type": "object"}}


def normal(path: str) -> str:
    """A path with one slash in front and none behind."""
    return "/" + re.sub(r"/+", "/", path).strip("/")


def describe(verb: str, path: str) -> Mapping[str, Any]:
    """The schema of a path. Raises CommandError when nothing there is done by that verb."""
    found = client.describe([(METHODS[verb], normal(path))])[0]
    if found is None:
        raise CommandError(f"No '{verb}' handler defined for '{path}'", 1)
    return found


def properties_of(found: Mapping[str, Any]) -> Properties:
    """The options of a request: the parameters that are not in the path, and those of pvesh."""
    own = {name: schema for name, schema in found["parameters"].items() if name not in found["path"]}
    return {**output.OPTIONS, **own, **API_PATH, "noproxy": FLAG}


def usage_of(verb: str, found: Mapping[str, Any]) -> str:
    """The line that a refusal ends with."""
    known = {name: schema for name, schema in properties_of(found).items() if name not in output.OPTIONS}
    return usage.short(f"pvesh {verb}", known, ("api_path",), formats=True)


def request(method: str, path: str, values: Values) -> Any:  # noqa: ANN401 - whatever the API answers
    """Ask the API; its root, which the API at hand does not list, is answered here."""
    if (method, normal(path)) == ("GET", "/"):
        return [{"subdir": name} for name in ROOT]
    return client.call(method, normal(path), values)


def out_of_reach(node: str, reason: str) -> CommandError:
    """pvesh asks another node by ssh and not over the API; this is how it ends when that one does not answer."""
    ssh = f"command '/usr/bin/ssh -o BatchMode=yes -o HostKeyAlias={node} root@{node} -- pvesh ...'"
    lines = (f"ssh: connect to host {node} port 22: {reason}", f"proxy handler failed: {ssh} failed: exit code 255")
    return CommandError("\n".join(lines))


def call(verb: str, arguments: Sequence[str], *, silent: bool = False) -> int:
    """``pvesh get|set|create|delete PATH``; returns the exit code, which a failed task does not change."""
    path = arguments[0] if arguments else ""
    found = describe(verb, path) if path else {"parameters": {}, "path": {}, "returns": {}}
    try:
        values = options.read(arguments, properties_of(found), ("api_path",))
        ours = output.OPTIONS.keys() - found["parameters"].keys()
        formats = {name: values.pop(name) for name in ours & values.keys()}
        command.check_format(formats)
        values.pop("noproxy", None)
        data = request(METHODS[verb], str(values.pop("api_path")), values)
    except UsageError as error:
        raise CommandError(f"400 {error}\n{usage_of(verb, found)}".rstrip("\n")) from error
    except ApiError as error:
        if error.status in OUT_OF_REACH:
            raise out_of_reach(str(found["path"].get("node")), error.reason) from error
        raise CommandError(command.complaint(error, usage_of(verb, found)), error.code) from error
    if client.is_upid(data) and verb != "get":
        command.follow(str(data))
    if not silent:
        command.write(output.render(data, found["returns"], output.style(formats)))
    return 0


def listing(values: Values) -> str:
    """``pvesh ls``: the children of a path, and what can be done with each."""
    path = str(values.pop("api_path"))
    found = client.describe([("GET", normal(path))])[0]
    if found is None:
        raise CommandError(f"no such resource '{path}'")
    links = found["returns"].get("links") or []
    named = CHILD.fullmatch(links[0]["href"]) if links else None
    if named is None:
        raise CommandError(f"resource '{path}' does not define child links")
    formats = {name: values.pop(name) for name in output.OPTIONS if name in values}
    values.pop("noproxy", None)
    data = request("GET", path, values)
    names = sorted(str(item[named.group(1)]) for item in data if isinstance(item, dict))
    rows = [{"name": name, "capabilities": can} for name, can in zip(names, capabilities(path, names), strict=True)]
    how = output.style(formats, header=False, border=False, sort_key="name")
    return output.render(rows, LISTED, how, ("capabilities", "name"))


def capabilities(path: str, names: Sequence[str]) -> list[str]:
    """``Drwcd`` of each child: a directory, readable, writable, creates, deletes."""
    wanted = [(method, normal(f"{path}/{name}")) for name in names for method in ("GET", "PUT", "POST", "DELETE")]
    found = client.describe(wanted)
    return [_capability(found[place : place + 4]) for place in range(0, len(found), 4)]


def _capability(found: Sequence[Mapping[str, Any] | None]) -> str:
    reading, *others = found
    first = "--" if reading is None else "Dr" if reading["returns"].get("links") else "-r"
    return first + "".join("-" if other is None else sign for sign, other in zip("wcd", others, strict=True))


def explain(values: Values) -> str:
    """``pvesh usage``: what each verb takes, and with ``--returns`` what it answers."""
    path, texts = str(values["api_path"]), []
    for verb in [values["command"]] if "command" in values else METHODS:
        found = client.describe([(METHODS[verb], normal(path))])[0]
        if found is not None:
            texts.append(_explained(f"pvesh {verb} {path}", found, values))
    if not texts:
        raise CommandError(
            f"no '{values['command']}' handler for '{path}'" if "command" in values else f"no such resource '{path}'"
        )
    return "".join(texts)


def _explained(prefix: str, found: Mapping[str, Any], values: Values) -> str:
    write = usage.long if values.get("verbose") else usage.short
    text = write(prefix, found["parameters"], (), hidden=found["path"])
    head = "" if values.get("verbose") else "USAGE: "
    tail = f"RETURNS: {output.as_pretty_json(found['returns'])}\n" if values.get("returns") else ""
    return f"{head}{text}{tail}"


def _never(_values: Values) -> str:
    """Requests are made by :func:`call`: what they take depends on their path."""
    raise CommandError("missing API path")


PVESH: Tree = {
    "ls": Command(words=("api_path",), own=listing, properties={**API_PATH, "noproxy": FLAG}, formats=True),
    "usage": Command(
        words=("api_path",),
        own=explain,
        properties={
            **API_PATH,
            "verbose": FLAG,
            "returns": FLAG,
            "command": {"type": "string", "enum": list(METHODS), "optional": 1},
        },
    ),
    **{
        verb: Command(words=("api_path",), own=_never, properties={**API_PATH, "noproxy": FLAG}, formats=True)
        for verb in METHODS
    },
}


def main(arguments: Sequence[str]) -> int:
    """Run a pvesh command line; returns the exit code."""
    left, silent = list(arguments), False
    while left and left[0] in COMPATIBLE:
        silent = left.pop(0) == "--nooutput" or silent
    verb = tree.complete(PVESH, left[0]) if left else ""
    if verb in METHODS:
        return call(verb, left[1:], silent=silent)
    return tree.run("pvesh", PVESH, left)
