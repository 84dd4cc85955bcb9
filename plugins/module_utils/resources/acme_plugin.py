# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to prove to a certificate authority that a name is ours. Pure (API schema: ``/cluster/acme/plugins``)."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, INTEGER, Codec, Json, set_of, within
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Options, Plan, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

COLLECTION = "/cluster/acme/plugins"
STANDALONE = "standalone"
"""A plugin that is always there (proxmox-acme, PVE::ACME::Challenge, parse_config); also its type."""

ONLY_DNS = ("api", "data", "validation_delay")


def _data(value: Values) -> dict[str, str]:
    named = {str(name).strip(): str(item) for name, item in value.items()}
    for name, item in named.items():
        if not name or "=" in name or "\n" in f"{name}{item}":
            raise ValueError(f"'{name}' is not a name with a value on one line")
    return named


def _read(text: object) -> dict[str, str]:
    """PVE takes base64 and answers what was in it: a line for each value."""
    lines = [line.partition("=") for line in str(text).splitlines() if "=" in line]
    return {name.strip(): value for name, _equals, value in lines}


def _written(value: Values) -> str:
    return b64encode("\n".join(f"{name}={item}" for name, item in sorted(value.items())).encode()).decode()


DATA = Codec(_data, _read, _written, ansible_type="dict")

SECTION = Section(
    kind="acme_plugin",
    keys=("id",),
    collection=COLLECTION,
    item=f"{COLLECTION}/{{}}",
    missing=r"ACME plugin '.*' not defined",
    fields=(
        Field("type", create_only=True, spec={"choices": ["dns", STANDALONE]}),
        Field("api"),
        Field("data", DATA, secret=True, readable=True),
        Field("validation_delay", within(INTEGER, 0, 172800), wire="validation-delay", default=30),
        Field("nodes", set_of(",")),
        Field("disable", BOOLEAN, default=False),
    ),
    key_params={"id": "id"},
    required=("type",),
)


def plan(wish: Values, have: Json | None) -> Plan:
    """As any section; but one plugin is always there, and only those for DNS have a provider."""
    if wish["state"] == "absent":
        if wish["id"] == STANDALONE:
            raise RefusedError(
                f"Cannot remove acme_plugin {STANDALONE}: Proxmox VE always has it. Set disable: true to keep it from "
                "being used."
            )
        return SECTION.plan(wish, have)
    kind = wish.get("type") or (have or {}).get("type")
    given = [option for option in ONLY_DNS if wish.get(option) is not None]
    if kind == STANDALONE and given:
        raise ConfigError(f"Option '{given[0]}' is for type dns only, and this is of type {STANDALONE}.")
    if kind == "dns" and wish.get("api") == "":
        raise ConfigError("Option 'api' can't be empty: a plugin of type dns needs its provider.")
    needed = ("type", "api") if kind == "dns" else ("type",)
    return replace(SECTION, required=needed).plan(wish, have)


ACME_PLUGIN = replace(SECTION.resource(), plan=plan)

INFO_OPTIONS: Options = {
    "id": {"type": "str"},
    "type": {"type": "str", "choices": ["dns", STANDALONE]},
}


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module acme_plugin_info, without what the plugins are told."""
    rows = [{**SECTION.shown(row)[SECTION.kind], "id": row["plugin"]} for row in read.get(COLLECTION)]
    found = [row for row in rows if all(wish.get(option) in (None, row[option]) for option in INFO_OPTIONS)]
    return {"changed": False, "plugins": sorted(found, key=lambda row: str(row["id"]))}
