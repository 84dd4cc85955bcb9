# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where notifications are sent, as data (API schema: ``/cluster/notifications/endpoints``; crate proxmox-notify)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    DESCRIPTION,
    INTEGER,
    Codec,
    Json,
    set_of,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Options, Plan, Reader, Step, Values, url
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import KEY, Section

BASE = "/cluster/notifications"
TARGETS = f"{BASE}/targets"
TYPES = ("sendmail", "smtp", "gotify", "webhook")
MAIL = ("mailto", "mailto_user", "author", "from_address")
OF_TYPE: Mapping[str, tuple[str, ...]] = {
    "sendmail": MAIL,
    "smtp": (*MAIL, "server", "server_port", "mode", "username", "server_password"),
    "gotify": ("server", "token"),
    "webhook": ("url", "method", "header", "body", "secret"),
}
"""Options that each type has, beside comment and disable."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "sendmail": (),
    "smtp": ("server", "from_address"),
    "gotify": ("server", "token"),
    "webhook": ("url", "method"),
}
"""What an endpoint of a type can't do without."""

BUILTIN, CHANGED_BUILTIN = "builtin", "modified-builtin"
"""Origins (PVE/API2/Cluster/Notifications.pm): what Proxmox VE brings itself can't be removed, only set back."""

ADVICE: Values = {
    r"an entity with the same name already exists": "A matcher, or an endpoint of another type, has this name: the "
    "module notification_info lists both.",
    r"referenced by": "Take the endpoint out of these matchers' target first, with the module notification_matcher.",
}
ARRAY = replace(set_of(","), encode=list)
"""A set that is a list on the wire, too."""


def _encoded(text: object) -> str:
    return base64.b64encode(str(text).encode()).decode()


def _decoded(text: object) -> str:
    return base64.b64decode(str(text)).decode(errors="replace")


def _texts(value: Json) -> dict[str, str | None]:
    return {str(name): None if item is None else str(item) for name, item in dict(value).items()}


def pairs(wire: Json) -> dict[str, str | None]:
    """``["name=X-Tag,value=aG9tZQ=="]`` as a dict; Proxmox VE tells no value of a secret."""
    parts = (dict(part.split("=", 1) for part in str(item).split(",")) for item in wire)
    return {part["name"]: _decoded(part["value"]) if "value" in part else None for part in parts}


def pair_texts(values: Mapping[str, str | None]) -> list[str]:
    """The way back. A secret without a value keeps the one it has (proxmox-notify, webhook::update_endpoint)."""
    return [f"name={name}" + ("" if item is None else f",value={_encoded(item)}") for name, item in values.items()]


PAIRS = Codec(_texts, pairs, pair_texts, ansible_type="dict")
BASE64 = Codec(str, _decoded, _encoded)

# The connection has a port and a password of its own, so the mail server's are named after it.
FIELDS: tuple[Field, ...] = (
    Field("comment", DESCRIPTION),
    Field("disable", BOOLEAN, default=False),
    Field("mailto", ARRAY),
    Field("mailto_user", ARRAY, wire="mailto-user"),
    Field("author"),
    Field("from_address", wire="from-address"),
    Field("server"),
    Field("server_port", INTEGER, wire="port"),
    Field("mode", default="tls", spec={"choices": ["insecure", "starttls", "tls"]}),
    Field("username"),
    Field("server_password", wire="password", secret=True),
    Field("token", secret=True),
    Field("url"),
    Field("method", spec={"choices": ["post", "put", "get"]}),
    Field("header", PAIRS),
    Field("body", BASE64),
    Field("secret", PAIRS, secret=True),
)
OPTIONS: Options = {
    "type": {**KEY, "choices": list(TYPES)},
    "update_password": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False},
    "test": {"type": "str", "choices": ["never", "on_change", "always"], "default": "never"},
}

SECTION = Section(
    kind="notification endpoint",
    keys=("type", "name"),
    collection=f"{BASE}/endpoints/{{}}",
    item=f"{BASE}/endpoints/{{}}/{{}}",
    missing=r"endpoint '.*' not found",
    key_params={"name": "name"},
    fields=FIELDS,
    options=OPTIONS,
    deletes_list=True,
    separator=" ",
)
WRITES = (
    *(f"POST {BASE}/endpoints/{kind}" for kind in TYPES),
    *(f"{verb} {BASE}/endpoints/{kind}/{{}}" for verb in ("PUT", "DELETE") for kind in TYPES),
    f"POST {TARGETS}/{{}}/test",
)


def describe(read: Reader, wish: Values) -> Json | None:
    """The endpoint with its type; where it is to go, also who it comes from. None when there is none."""
    have = SECTION.describe(read, wish)
    if have is None:
        return None
    origin = {"origin": origin_of(read.get(TARGETS), wish)} if wish["state"] == "absent" else {}
    return {**have, "type": wish["type"], "name": wish["name"], **origin}


def origin_of(rows: Json, wish: Values) -> str:
    """Whether Proxmox VE brings what is wished, and whether it was changed."""
    return next((str(row.get("origin", "")) for row in rows if row["name"] == wish["name"]), "")


def plan(wish: Values, have: Json | None) -> Plan:
    """As any section; what Proxmox VE brings itself is set back instead of removed; a test comes last."""
    if wish["state"] == "absent":
        return back(replaced(SECTION.plan(wish, have)), have)
    _check(wish)
    section = replace(SECTION, required=NEEDED[str(wish["type"])])
    made = replaced(section.plan(_renewed(wish, have), have))
    return _tested(made, wish)


def _check(wish: Values) -> None:
    """Raise ConfigError for options of another type, and for empty ones that the type can't do without."""
    kind = str(wish["type"])
    known = {"comment", "disable", *OF_TYPE[kind]}
    for item in FIELDS:
        value = wish.get(item.name)
        if value is not None and item.name not in known:
            others = " and ".join(other for other, names in OF_TYPE.items() if item.name in names)
            raise ConfigError(f"Option '{item.name}' is for endpoints of type {others}: {wish['name']} is of {kind}.")
        if value == "" and item.name in NEEDED[kind]:
            raise ConfigError(f"Option '{item.name}': an endpoint of type {kind} can't do without.")


def _renewed(wish: Values, have: Json | None) -> Values:
    """The wish, with secrets that are to be sent: which ones a webhook has is known, so a new name is seen.

    Values of those that are there already are kept unless they are to be renewed.
    """
    if wish.get("secret") is None or have is None:
        return wish
    wished, there = _texts(wish["secret"]), pairs(have.get("secret") or ())
    if wish.get("update_password") == "always" or set(wished) == set(there):
        return wish
    kept = {name: None if name in there else value for name, value in wished.items()}
    return {**wish, "secret": kept, "update_password": "always"}


def replaced(made: Plan) -> Plan:
    """The plan with what to do when Proxmox VE refuses."""
    return replace(made, steps=tuple(replace(step, advice=ADVICE) for step in made.steps))


def back(made: Plan, have: Json | None) -> Plan:
    """A removal: what Proxmox VE brings itself is there again as it was (proxmox-notify, builtin configuration)."""
    origin = (have or {}).get("origin")
    if origin == BUILTIN:
        return Plan(reason=f"{made.steps[0].reason.removeprefix('remove ')} is as Proxmox VE brings it")
    if origin == CHANGED_BUILTIN:
        reason = made.steps[0].reason.replace("remove ", "set back ", 1)
        return replace(made, steps=(replace(made.steps[0], reason=reason),))
    return made


def _tested(made: Plan, wish: Values) -> Plan:
    """The plan with a message to the endpoint at its end, where one is wished."""
    if not (wish["test"] == "always" or (wish["test"] == "on_change" and made.steps)):
        return made
    reason = f"send a test message to notification endpoint {wish['name']}"
    test = Step("POST", url(f"{TARGETS}/{{}}/test", wish["name"]), {}, reason, once=True)
    return replace(made, steps=(*made.steps, test), reason="")


def shown(have: Json | None) -> dict[str, Json]:
    """The module's return value."""
    return {} if have is None else {"notification_endpoint": endpoint(str(have["type"]), have)}


def endpoint(kind: str, have: Values) -> dict[str, Json]:
    """An endpoint as the module's options have it, without secrets."""
    return {"name": have["name"], "type": kind, **SECTION.shown(have)[SECTION.kind]}


NOTIFICATION_ENDPOINT = replace(SECTION.resource(), describe=describe, plan=plan, result=shown, writes=WRITES)
