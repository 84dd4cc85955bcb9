# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PVE's commands do on a node beside the API: answered on the node's Unix socket only, as ``POST /local/NAME``.

On PVE the commands load the same Perl modules as the API: they know its schema, and edit configurations that no
request may edit. The lab's commands ask for both here. Body and answer are JSON; a refusal has status 500 and a text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from lab.api import settings
from lab.api.fake import Next, PveError, is_local, pve_schema, tail_match
from lab.api.nodes import NO_PMXCFS
from lab.api.volumes import guest_volumes, is_disk

if TYPE_CHECKING:
    from lab.api.server import LabApi

PREFIX = "/local/"
REFUSED = 500
# The cluster's file system is down: PVE's commands cannot even begin.
NO_FILES = 503
DIRECTORY = {
    "type": "array",
    "items": {"type": "object", "properties": {"subdir": {"type": "string"}}},
    "links": [{"rel": "child", "href": "{subdir}"}],
}
Answer = Callable[["LabApi", Any], Any]


def describe(_api: LabApi, wanted: list[tuple[str, str]]) -> list[dict[str, Any] | None]:
    """The schema of each ``(method, path)``, and the values its path has; None where there is no such method."""
    return [_described(method, path) for method, path in wanted]


def _described(method: str, path: str) -> dict[str, Any] | None:
    if path == "/":
        return {"path": {}, "parameters": {}, "returns": DIRECTORY} if method == "GET" else None
    match = pve_schema.load().match(path) or tail_match(path)
    if match is None or method not in match.methods:
        return None
    info = match.methods[method]
    parameters = properties(info.get("parameters") or {})
    return {"path": match.params, "parameters": parameters, "returns": info.get("returns", {"type": "null"})}


def properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a schema, those of its parts and of its alternatives; of an alternative none is required."""
    found = dict(schema.get("properties") or {})
    for part in schema.get("allOf") or []:
        found |= properties(part)
    for alternative in schema.get("oneOf") or []:
        found |= {
            name: {**known, "optional": 1} for name, known in properties(alternative).items() if name not in found
        }
    if "type-property" in schema:
        found[schema["type-property"]] = schema.get("type-property-schema") or {"type": "string"}
    return found


def check(_api: LabApi, values: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the parameters of a command that is none of the API's, by their names."""
    errors: dict[str, str] = pve_schema.validate({"properties": values["properties"]}, values["values"])[1]
    return errors


def unlock(api: LabApi, values: Mapping[str, Any]) -> None:
    """``qm unlock``, ``pct unlock``: the lock goes, whoever set it."""
    guest = _guest(api, values)
    guest.lock = None
    guest.config.pop("lock", None)
    api.changed()


def rescan(api: LabApi, values: Mapping[str, Any]) -> None:
    """``qm disk rescan``, ``pct rescan``: volumes that their guest's configuration does not name become unused ones."""
    kind = "qemu" if values["kind"] == "qemu" else "lxc"
    guests = [_guest(api, values)] if values.get("vmid") else [*(api.vms if kind == "qemu" else api.cts)]
    for guest in [] if values.get("dryrun") else guests:
        for volume in _forgotten(api, guest):
            guest.config[settings.free_unused(guest.config)] = volume
    api.changed()


def _forgotten(api: LabApi, guest: Any) -> list[str]:  # noqa: ANN401 - a guest of fakepve
    known = set(guest_volumes(guest.config).values())
    volumes = [
        f"{storage}:{name}"
        for storage, definition in api.storages.items()
        for name, record in definition.get("volumes", {}).items()
        if str(record.get("vmid")) == str(guest.vmid) and record.get("content") in ("images", "rootdir")
    ]
    return sorted(volume for volume in volumes if is_disk(volume) and volume not in known)


def expected(api: LabApi, values: Mapping[str, Any]) -> None:
    """``pvecm expected``."""
    api.expect_votes(int(values["votes"]))


def quorum(api: LabApi, values: Mapping[str, Any]) -> dict[str, Any]:
    """What corosync knows on a node: the nodes it sees, the votes it expects, and whether they suffice."""
    node = str(values["node"])
    votes = api.expected_votes
    return {"seen": api.partition(node), "expected": votes, "quorate": api.is_quorate(node)}


def maintenance(api: LabApi, values: Mapping[str, Any]) -> None:
    """``ha-manager crm-command node-maintenance``."""
    node = str(values["node"])
    if node not in api.nodes:
        raise LookupError(f"no such cluster node '{node}'")
    api.ask_maintenance(node, wanted=bool(values["enable"]))
    api.changed()


def _guest(api: LabApi, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a guest of fakepve
    """The guest of a kind with a VMID on the node asked for. Raises LookupError with PVE's words."""
    vmid, node = str(values["vmid"]), str(values["node"])
    found = [guest for guest in (api.vms if values["kind"] == "qemu" else api.cts) if str(guest.vmid) == vmid]
    if not found or found[0].node != node:
        folder = "qemu-server" if values["kind"] == "qemu" else "lxc"
        raise LookupError(f"Configuration file 'nodes/{node}/{folder}/{vmid}.conf' does not exist")
    return found[0]


def ct_usage(api: LabApi, values: Mapping[str, Any]) -> dict[str, list[int]]:
    """``pct df``: the size each volume of a container is said to have, and what its files take, in bytes."""
    return api.ct_usage(_guest(api, values))


CALLS: Mapping[str, Answer] = {
    "check": check,
    "ct_usage": ct_usage,
    "describe": describe,
    "expected": expected,
    "maintenance": maintenance,
    "quorum": quorum,
    "rescan": rescan,
    "unlock": unlock,
}


async def _respond(api: LabApi, name: str, request: web.Request) -> web.Response:
    if name not in CALLS:
        return web.Response(status=501, text=f"no local call '{name}'")
    if api.node_state(api.reached_node()) == NO_PMXCFS:
        return web.Response(status=NO_FILES, text="")
    try:
        return web.json_response(CALLS[name](api, json.loads(await request.text())))
    except LookupError as error:
        return web.Response(status=REFUSED, text=str(error.args[0]))
    except PveError as error:
        return web.Response(status=REFUSED, text=str(error))


def middleware(api: LabApi) -> Middleware:
    """Takes the local calls out of the requests on a Unix socket, before anything else sees them."""

    @web.middleware
    async def local(request: web.Request, handler: Next) -> web.StreamResponse:
        if request.path.startswith(PREFIX) and request.method == "POST" and is_local(request):
            return await _respond(api, request.path.removeprefix(PREFIX), request)
        return await handler(request)

    return local
