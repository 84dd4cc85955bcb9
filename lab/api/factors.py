# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Second factors, ``/access/tfa`` (pve-access-control, PVE/API2/TFA.pm; proxmox-tfa, api/methods.rs).

One-time passwords and recovery keys; what takes a device and a person is refused. Nobody is asked for one at login.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lab.api.access import TOKEN_FORBIDDEN
from lab.api.accounts import AccountsArea
from lab.api.directory import ROOT, User, split_token
from lab.api.fake import Call, PveError, Route, Values, die, param_error

USER = "/access/tfa/{userid}"
ENTRY = USER + "/{id}"
NOT_FOUND, FORBIDDEN, UNAUTHORIZED = 404, 403, 401
RECOVERY_KEYS = 10
TOLD = ("id", "type", "description", "created", "enable")


def one_time_passwords(uri: str, now: float) -> list[str]:
    """What an application with this ``otpauth:`` URI shows now, and showed and will show one step away (RFC 6238)."""
    given = {name: values[0] for name, values in parse_qs(urlsplit(uri).query).items()}
    secret = given["secret"].upper()
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    counter, digits = int(now) // int(given.get("period", 30)), int(given.get("digits", 6))
    digest = getattr(hashlib, given.get("algorithm", "SHA1").lower())
    return [_password(hmac.digest(key, (counter + away).to_bytes(8, "big"), digest), digits) for away in (-1, 0, 1)]


def _password(code: bytes, digits: int) -> str:
    start = code[-1] & 0xF
    number = int.from_bytes(code[start : start + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def told(entry: Values) -> Values:
    """What the API tells of an entry."""
    return {name: entry[name] for name in TOLD}


class FactorArea(AccountsArea):
    """Mixin: ``/access/tfa``."""

    def routes(self) -> list[Route]:
        """Users' second factors."""
        return [
            ("GET", "/access/tfa", self._list_factors),
            ("GET", USER, self._factors_of),
            ("POST", USER, self._add_factor),
            ("GET", ENTRY, self._show_factor),
            ("PUT", ENTRY, self._change_factor),
            ("DELETE", ENTRY, self._remove_factor),
        ]

    async def _list_factors(self, call: Call) -> list[Values]:
        """Users with second factors, those that the login may see."""
        audit = any(self.allowed(call.user, "/access/groups", name) for name in ("User.Modify", "Sys.Audit"))
        return [
            {
                "userid": userid,
                "entries": [told(entry) for entry in user.factors.values()],
                **user.lock(self.clock.now()),
            }
            for userid, user in sorted(self.directory.users.items())
            if user.factors and (audit or userid == call.user)
        ]

    async def _factors_of(self, call: Call) -> list[Values]:
        return [told(entry) for entry in self._user(call["userid"]).factors.values()]

    def _factor(self, call: Call) -> dict[str, Any]:
        entry = self._user(call["userid"]).factors.get(call["id"])
        if entry is None:
            raise PveError(NOT_FOUND, f"No such tfa entry '{call['id']}'")
        return entry

    async def _show_factor(self, call: Call) -> Values:
        return told(self._factor(call))

    def _confirmed(self, call: Call) -> User:
        """The user who is changed, once whoever asks has given their own password (RPCEnvironment.pm, reauth_user)."""
        if split_token(call.user)[1]:
            raise PveError(FORBIDDEN, TOKEN_FORBIDDEN.format(path=f"/access/tfa/{call['userid']}"))
        user = self._user(call["userid"])
        if call.user == ROOT:
            return user
        if call["userid"] == ROOT:
            raise PveError(FORBIDDEN, "Permission check failed")
        if "password" not in call.values:
            raise param_error(password="password is required to modify user")  # noqa: S106 - a message
        if not self.directory.login(call.user, call["password"], self.clock.now()):
            raise PveError(UNAUTHORIZED, "authentication failure")
        return user

    async def _add_factor(self, call: Call) -> Values:
        user, kind = self._confirmed(call), call["type"]
        if kind == "totp":
            return self._add_one_time(user, call)
        if kind != "recovery":
            raise die(f"the lab has no device for '{kind}' entries")
        if "recovery" in user.factors:
            raise die("user already has recovery keys")
        keys = ["-".join(secrets.token_hex(2) for _ in range(4)) for _ in range(RECOVERY_KEYS)]
        self._enter(user, "recovery", "recovery", "", keys=keys)
        return {"id": "recovery", "recovery": keys}

    def _add_one_time(self, user: User, call: Call) -> Values:
        if not call.get("description"):
            raise die("'description' is required for new entries")
        if not call.get("totp") or not call.get("value"):
            raise die("'totp' type requires both 'totp' and 'value' parameters")
        if call["value"] not in one_time_passwords(call["totp"], self.clock.now()):
            raise die("failed to verify TOTP challenge")
        name = str(uuid.uuid4())
        self._enter(user, name, "totp", call["description"], totp=call["totp"])
        return {"id": name}

    def _enter(self, user: User, name: str, kind: str, description: str, **proof: object) -> None:
        created = int(self.clock.now())
        user.factors[name] = {
            "id": name, "type": kind, "description": description, "created": created, "enable": 1, **proof,
        }  # fmt: skip
        user.details["keys"] = "x"

    async def _change_factor(self, call: Call) -> None:
        self._confirmed(call)
        entry = self._changed(call)
        entry |= {name: call[name] for name in ("description", "enable") if name in call.values}

    async def _remove_factor(self, call: Call) -> None:
        user = self._confirmed(call)
        self._changed(call)
        del user.factors[call["id"]]
        if not user.factors:
            user.details.pop("keys", None)

    def _changed(self, call: Call) -> dict[str, Any]:
        """The entry; writing names no id that is not there."""
        entry = self._user(call["userid"]).factors.get(call["id"])
        if entry is None:
            raise die("no such entry")
        return entry
