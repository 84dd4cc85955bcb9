# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Realms, which say who checks a user's password. Pure (API schema: ``/access/domains``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    DESCRIPTION,
    INTEGER,
    TEXT,
    Json,
    Properties,
    matching,
    set_of,
    within,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Field,
    Options,
    Plan,
    Reader,
    Step,
    Values,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

COLLECTION, ITEM = "/access/domains", "/access/domains/{}"

OWN: Mapping[str, str] = {
    "pam": "Linux PAM standard authentication",
    "pve": "Proxmox VE authentication server",
}
"""Realms that are always there, and their types; with the comment they have without one (PVE::Auth::Plugin)."""

SYNC = Properties(
    kinds={"scope": "str", "remove-vanished": "set", "enable-new": "bool"},
    defaults={"remove-vanished": "none", "enable-new": True},
    choices={"scope": ("users", "groups", "both")},
)
"""Defaults of a synchronization. PVE turns what it had before (full, purge) into remove-vanished."""

SYNC_ATTRIBUTES = Properties(
    kinds=dict.fromkeys(("comment", "email", "enable", "expire", "firstname", "keys", "lastname"), "str")
)
"""PVE's name of what is known of a user -> the directory's. PVE ignores other names (PVE::Auth::LDAP, get_users)."""

TFA = Properties(
    kinds={"type": "str", "id": "str", "key": "str", "url": "str", "digits": "int", "step": "int"},
    defaults={"digits": 6, "step": 30},
    choices={"type": ("oath", "yubico")},
    limits={"digits": (6, 8), "step": (10, None)},
)
TFA_OPTIONS: Options = {
    "type": {"type": "str", "choices": ["oath", "yubico"]},
    "id": {"type": "str"},
    "key": {"type": "str", "no_log": True},
    "url": {"type": "str"},
    "digits": {"type": "int"},
    "step": {"type": "int"},
}


def _given(value: Values) -> dict[str, Json]:
    """The second factor without what the user left unset."""
    return TFA.parse({name: item for name, item in value.items() if item is not None})


def _factor(before: Json, wish: Values) -> dict[str, Json]:
    """Of another type it replaces what there was."""
    same_type = before and before.get("type") == wish.get("type", before.get("type"))
    return TFA.merge(before if same_type else {}, wish)


def _switch(name: str, default: bool, wire: str = "") -> Field:
    return Field(name, BOOLEAN, wire=wire, default=default)


# The connection has a port and a password of its own, so the server's port is named after it, and the password after
# the name that it goes with.
DIRECTORY_FIELDS = (
    Field("server1"),
    Field("server2"),
    Field("server_port", within(INTEGER, 1, 65535), wire="port"),
    Field("domain"),
    Field("mode", spec={"choices": ["ldap", "ldaps", "ldap+starttls"]}),
    _switch("secure", False),
    Field("sslversion", spec={"choices": ["tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3"]}),
    _switch("verify", False),
    Field("capath", default="/etc/ssl/certs"),
    Field("cert"),
    Field("certkey", spec={"no_log": False}),
    Field("base_dn"),
    Field("bind_dn"),
    Field("bind_password", wire="password", secret=True),
    Field("user_attr", matching(r"\S{2,}", "the name of an attribute")),
    Field("filter"),
    Field("user_classes", set_of(","), default=["inetorgperson", "person", "posixaccount", "user"]),
    Field("group_dn"),
    Field("group_name_attr"),
    Field("group_filter"),
    Field("group_classes", set_of(","), default=["group", "groupOfNames", "ipausergroup", "univentionGroup"]),
    Field("sync_attributes", SYNC_ATTRIBUTES.codec()),
    Field("sync_defaults_options", SYNC.codec(), wire="sync-defaults-options"),
    _switch("case_sensitive", True, "case-sensitive"),
)
OPENID_FIELDS = (
    Field("issuer_url", wire="issuer-url"),
    Field("client_id", wire="client-id"),
    # PVE keeps it in domains.cfg, and answers it.
    Field("client_key", wire="client-key", secret=True, readable=True),
    Field("username_claim", wire="username-claim", create_only=True),
    _switch("autocreate", False),
    Field("groups_claim", matching(r"[A-Za-z0-9._-]+", "the name of a claim"), wire="groups-claim"),
    _switch("groups_autocreate", False, "groups-autocreate"),
    _switch("groups_overwrite", False, "groups-overwrite"),
    Field("scopes", default="email profile"),
    Field("prompt", matching(r"\S+", "a word")),
    Field("acr_values", TEXT, wire="acr-values"),
    _switch("query_userinfo", True, "query-userinfo"),
)
# Its key is a secret, and PVE answers it.
FACTOR = Field(
    "tfa",
    replace(TFA.codec("dict"), parse=_given, merge=_factor),
    secret=True,
    readable=True,
    spec={"no_log": False, "options": TFA_OPTIONS},
)
FIELDS: tuple[Field, ...] = (
    Field("type", create_only=True, spec={"choices": ["ad", "ldap", "openid", "pam", "pve"]}),
    Field("comment", DESCRIPTION),
    _switch("default", False),
    FACTOR,
    *DIRECTORY_FIELDS,
    *OPENID_FIELDS,
)

CHECK = "check_connection"
OF_DIRECTORY = (FACTOR.name, CHECK, *(item.name for item in DIRECTORY_FIELDS if item.name != "domain"))
OF_TYPE: Mapping[str, tuple[str, ...]] = {
    "pam": (FACTOR.name,),
    "pve": (FACTOR.name,),
    "ldap": OF_DIRECTORY,
    "ad": (*OF_DIRECTORY, "domain"),
    "openid": tuple(item.name for item in OPENID_FIELDS),
}
"""Options that only some types have; all have comment and default (options() in PVE::Auth::*)."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "ldap": ("server1", "base_dn", "user_attr"),
    "ad": ("server1", "domain"),
    "openid": ("issuer_url", "client_id"),
}

SECTION = Section(
    kind="realm",
    keys=("realm",),
    collection=COLLECTION,
    item=ITEM,
    missing=r"^domain '.*' does not exist",
    fields=FIELDS,
    key_params={"realm": "realm"},
    required=("type",),
    options={
        CHECK: {"type": "bool"},
        "update_password": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False},
    },
    result=lambda have: {"tfa": _public(have["tfa"])} if have.get("tfa") else {},
)


def _public(wire: Json) -> dict[str, Json]:
    return {name: value for name, value in TFA.decode(wire).items() if name != "key"}


def plan(wish: Values, have: Json | None) -> Plan:
    """As any section; but types differ in their options, and PVE's own realms are always there."""
    name = str(wish["realm"])
    if wish["state"] == "absent":
        if name in OWN:
            raise RefusedError(f"Cannot remove realm {name}: it is Proxmox VE's own, and always there.")
        return SECTION.plan(wish, have)
    kind = wish.get("type") or (have or {}).get("type")
    if kind is None:
        return SECTION.plan(wish, None)
    if have is None and kind in OWN:
        raise RefusedError(f"Cannot create realm {name} of type {kind}: there is only Proxmox VE's own, {kind}.")
    check_options(wish, kind)
    # Without a comment they have one all the same.
    said = {"comment": OWN[name]} if name in OWN and wish.get("comment") == "" else {}
    made = replace(SECTION, required=("type", *NEEDED.get(kind, ()))).plan({**wish, **said}, have)
    return _tried(wish, made if have is None else _without_password(wish, made, have))


def check_options(wish: Values, kind: str) -> None:
    """Raise ConfigError for an option the type has not, and for an empty one that it needs."""
    for others in OF_TYPE.values():
        for option in others:
            if wish.get(option) is not None and option not in OF_TYPE[kind]:
                raise ConfigError(
                    f"Option '{option}' is not for realms of type {kind}, but for "
                    f"{' and '.join(name for name in OF_TYPE if option in OF_TYPE[name])}."
                )
    for option in NEEDED.get(kind, ()):
        if wish.get(option) == "":
            raise ConfigError(f"Option '{option}' can't be empty: a realm of type {kind} needs it.")


def _without_password(wish: Values, made: Plan, have: Values) -> Plan:
    """PVE doesn't tell whether it has a password, so an empty one is removed whenever it is to be set."""
    if wish.get("bind_password") != "" or wish.get("update_password") != "always":
        return made
    step = made.steps[0] if made.steps else Step("PUT", url(ITEM, wish["realm"]), {}, "")
    gone = ",".join(filter(None, (step.params.get("delete"), "password")))
    digest = {"digest": have["digest"]} if have.get("digest") else {}
    reason = " and ".join(filter(None, (step.reason, f"remove the password of realm {wish['realm']}")))
    return replace(made, steps=(replace(step, params={**step.params, **digest, "delete": gone}, reason=reason),))


def _tried(wish: Values, made: Plan) -> Plan:
    """With the server tried before anything is written down, if that is wished."""
    if not wish.get(CHECK):
        return made
    return replace(
        made, steps=tuple(replace(step, params={**step.params, "check-connection": 1}) for step in made.steps)
    )


REALM = replace(SECTION.resource(), plan=plan)

INFO_OPTIONS: Options = {
    "realm": {"type": "str"},
    "type": {"type": "str", "choices": ["ad", "ldap", "openid", "pam", "pve"]},
}


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module realm_info: the list says little, so each realm that is wanted is read."""
    names = sorted(
        str(row["realm"])
        for row in read.get(COLLECTION)
        if all(wish.get(option) in (None, row[option]) for option in INFO_OPTIONS)
    )
    rows = [{**SECTION.shown(read.get(url(ITEM, name)))["realm"], "realm": name} for name in names]
    return {"changed": False, "realms": rows}
