# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Second factors of users. Pure (API schema: ``/access/tfa``).

PVE names an entry itself, so people name one by its type and description. It takes a new one-time password's URI only
with what an application shows for it at that moment.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, Json
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
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import STATE
from ansible_collections.homelab.pve.plugins.module_utils.resources.user import ROOT

USER, ENTRY = "/access/tfa/{}", "/access/tfa/{}/{}"
RECOVERY = "recovery"
"""Type of the keys that each work once; there is one set of them, and this is its id, too."""

TYPES = ("totp", RECOVERY, "u2f", "webauthn", "yubico")
CRITERIA = ("id", "type", "description")
DIGESTS: Mapping[str, Callable[..., Any]] = {
    "SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512,
}  # fmt: skip

# PVE's `challenge` is left out: only a person with a device answers one.
OPTIONS: Options = {
    "userid": {"type": "str", "required": True},
    "id": {"type": "str"},
    "type": {"type": "str", "choices": list(TYPES)},
    "description": {"type": "str"},
    "enable": {"type": "bool"},
    "totp": {"type": "str", "no_log": True},
    "value": {"type": "str", "no_log": True},
    **STATE,
}


def one_time_password(uri: str, now: float) -> str:
    """What an application with an ``otpauth:`` URI shows at a time in seconds since 1970 (RFC 6238).

    Raises ConfigError for a URI that is none.
    """
    given = dict(parse_qsl(urlsplit(uri).query))
    try:
        secret = given["secret"].upper().rstrip("=")
        key = base64.b32decode(secret + "=" * (-len(secret) % 8))
        counter = int(now) // int(given.get("period", 30))
        code = hmac.digest(key, counter.to_bytes(8, "big"), DIGESTS[given.get("algorithm", "SHA1").upper()])
        digits = int(given.get("digits", 6))
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise ConfigError(
            "Option 'totp': this is no URI of a one-time password, such as otpauth://totp/NAME?secret=BASE32&digits=6"
        ) from error
    start = code[-1] & 0xF
    number = int.from_bytes(code[start : start + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def describe(read: Reader, wish: Values) -> Json:
    """All of the user's second factors."""
    return [told(entry) for entry in read.get(url(USER, wish["userid"]))]


def told(entry: Values) -> dict[str, Json]:
    """An entry with its defaults."""
    return {**entry, "enable": BOOLEAN.decode(entry.get("enable", True))}


def plan(wish: Values, have: Sequence[Values]) -> Plan:
    """Add one, change one, or remove all that are meant."""
    meant = [entry for entry in have if all(wish.get(name) in (None, entry.get(name)) for name in _criteria(wish))]
    if wish["state"] == "absent":
        return _removal(wish, meant)
    if len(meant) > 1:
        names = ", ".join(sorted(str(entry["id"]) for entry in meant))
        raise RefusedError(
            f"User {wish['userid']} has {len(meant)} such second factors: {names}. Set id to one of them."
        )
    return _change(wish, meant[0]) if meant else _addition(wish)


def _criteria(wish: Values) -> tuple[str, ...]:
    """What says which one is meant: the id alone to change one, because its description may be what is to change."""
    return ("id",) if wish.get("id") and wish["state"] == "present" else CRITERIA


def _removal(wish: Values, meant: Sequence[Values]) -> Plan:
    if not meant:
        return Plan(reason=f"user {wish['userid']} has no such second factor")
    steps = (
        Step("DELETE", url(ENTRY, wish["userid"], entry["id"]), _confirmation(wish), f"remove {_named(wish, entry)}")
        for entry in meant
    )
    return Plan(tuple(steps), before={str(entry["id"]): _called(entry) for entry in meant})


def _change(wish: Values, entry: Values) -> Plan:
    changed = {
        name: wish[name] for name in ("description", "enable") if wish.get(name) not in (None, entry.get(name, ""))
    }
    if not changed:
        return Plan(reason=f"{_named(wish, entry)} is as wished")
    params = {name: int(value) if name == "enable" else value for name, value in changed.items()}
    path = url(ENTRY, wish["userid"], entry["id"])
    reason = f"set {', '.join(sorted(changed))} of {_named(wish, entry)}"
    step = Step("PUT", path, {**params, **_confirmation(wish)}, reason)
    return Plan((step,), before={name: entry.get(name) for name in changed}, after=changed)


def _addition(wish: Values) -> Plan:
    step = Step(
        "POST",
        url(USER, wish["userid"]),
        {**_proof(wish), **_confirmation(wish)},
        f"add {_named(wish, wish)}",
        once=True,
    )
    after = {name: wish[name] for name in ("type", "description") if wish.get(name)}
    if wish.get("enable") is False:
        raise ConfigError(
            "Option 'enable': Proxmox VE adds only second factors that are enabled. Disable it afterwards."
        )
    return Plan((step,), after=after)


def _proof(wish: Values) -> dict[str, Json]:
    """What PVE wants to know of a new second factor."""
    kind = wish.get("type")
    if wish.get("id") or kind is None:
        raise RefusedError(
            f"User {wish['userid']} has no such second factor. Check the id, or set type to add one; module user_info "
            "with tfa: true lists them."
        )
    if kind == RECOVERY:
        return {"type": kind}
    if not wish.get("description"):
        raise ConfigError(f"Option 'description' is needed: user {wish['userid']} has no such second factor yet.")
    if kind == "totp":
        _need(wish, "totp")
        value = wish.get("value") or one_time_password(str(wish["totp"]), time.time())
        return {"type": kind, "description": wish["description"], "totp": wish["totp"], "value": value}
    if kind == "yubico":
        _need(wish, "value")
        return {"type": kind, "description": wish["description"], "value": wish["value"]}
    raise RefusedError(
        f"Cannot add a second factor of type {kind}: it takes the user and the device. Let the user do it in Proxmox "
        "VE's web interface."
    )


def _need(wish: Values, option: str) -> None:
    if not wish.get(option):
        raise ConfigError(f"Option '{option}' is needed: user {wish['userid']} has no such second factor yet.")


def _confirmation(wish: Values) -> dict[str, Json]:
    """Whoever isn't root@pam gives their own password once more. Raises RefusedError for a token, which may not."""
    if wish.get("transport", "https") != "https":
        return {}
    if wish.get("token_id"):
        raise RefusedError(
            f"Cannot change second factors of user {wish['userid']} with the token {wish['token_id']}: Proxmox VE "
            "wants a login for that. Set user and password instead of the token."
        )
    return {} if wish.get("user") in (None, ROOT) else {"password": wish.get("password")}


def _called(entry: Values) -> str:
    return " ".join(str(entry[name]) for name in ("type", "description") if entry.get(name))


def _named(wish: Values, entry: Values) -> str:
    return f"second factor {_called(entry)} of user {wish['userid']}"


def shown(have: Sequence[Values]) -> dict[str, Json]:
    """The module's return value: all that the user has."""
    return {"entries": sorted(have, key=lambda entry: str(entry["id"]))}


def handed_out(_wish: Values, answers: Sequence[Json]) -> dict[str, Json]:
    """The recovery keys, which PVE tells once."""
    keys = [answer["recovery"] for answer in answers if isinstance(answer, Mapping) and answer.get("recovery")]
    return {"recovery": keys[0]} if keys else {}


TFA_ENTRY = Resource(
    kind="tfa_entry",
    options=OPTIONS,
    describe=describe,
    plan=plan,
    result=shown,
    told=handed_out,
    writes=("POST /access/tfa/{}", "PUT /access/tfa/{}/{}", "DELETE /access/tfa/{}/{}"),
)
