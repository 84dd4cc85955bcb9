# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pvesh: any path of the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.commands import client
from lab.commands.client import ApiError, CommandError
from lab.commands.verbs import complaint, formatted
from lab.commands.words import OUTPUT_OPTIONS, read

METHODS = {"get": "GET", "set": "PUT", "create": "POST", "delete": "DELETE"}
USAGE = "USAGE: pvesh <COMMAND> [ARGS] [OPTIONS]\n" + "\n".join(
    f"       pvesh {verb} <api_path> [OPTIONS] [FORMAT_OPTIONS]" for verb in ("create", "delete", "get", "ls", "set")
)
NOT_IMPLEMENTED = 501


def main(arguments: Sequence[str]) -> str | None:
    """Run a pvesh command line; what it prints."""
    if not arguments or arguments[0] not in (*METHODS, "ls"):
        raise CommandError(f"ERROR: unknown command\n{USAGE}")
    words = read(arguments[1:])
    if not words.positional:
        raise CommandError(f"400 not enough arguments\npvesh {arguments[0]} <api_path>")
    verb, path = arguments[0], "/" + words.positional[0].strip("/")
    if verb == "ls":
        return listing(path)
    values = {key: value for key, value in words.options.items() if key not in OUTPUT_OPTIONS}
    data = request(verb, path, values)
    if client.is_upid(data):
        # On PVE the worker runs in the foreground here: when the command ends, so has the task.
        client.finish(data)
    return None if data is None or "quiet" in words.options else formatted(data, words)


def request(verb: str, path: str, values: dict[str, str | list[str]]) -> Any:  # noqa: ANN401 - JSON
    """Make the request; PVE's words for a refusal."""
    try:
        return client.call(METHODS[verb], path, values)
    except ApiError as error:
        if error.status == NOT_IMPLEMENTED:
            raise CommandError(f"No '{verb}' handler defined for '{path}'", 2) from error
        message = complaint(f"pvesh {verb} {path}", error)
        if not error.errors and error.status != 500:  # noqa: PLR2004 - PVE shows the status of what is no plain die
            message = f"{error.status} {message}"
        raise CommandError(message, error.code) from error


def listing(path: str) -> str:
    """``pvesh ls``: the children of a directory, with what can be done to them."""
    data = request("get", path, {})
    if not isinstance(data, list):
        raise CommandError(f"resource '{path}' does not define child links", 2)
    names = [_name(item) for item in data]
    return "\n".join(f"Dr---        {name}" for name in sorted(names))


def _name(item: object) -> str:
    keys = ("subdir", "name", "node", "vmid", "storage", "userid", "groupid", "roleid", "realm", "poolid", "id")
    if isinstance(item, dict):
        return next((str(item[key]) for key in keys if key in item), "")
    return str(item)
