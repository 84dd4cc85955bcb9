# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Proxmox VE answers as what a document would say: the way back from an answer to a module's options."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Reader, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError

Hide: TypeAlias = Callable[[str], str]
"""From an option, or a part of one (``data.CF_Token``), to the placeholder that stands for its value."""

ONLINE = "online"


def declared(fields: Sequence[Field], have: Values, hide: Hide | None = None) -> dict[str, Json]:
    """The options that would set what was answered. What is empty is left out, and without ``hide`` what is secret.

    Raises ConfigError for an answer that is not understood: a later release may say more than this collection knows.
    """
    known = [item for item in fields if have.get(item.key) is not None and (hide or not item.secret)]
    values = {item.name: _hidden(item, have, hide) if item.secret else _told(item, have) for item in known}
    return {name: value for name, value in values.items() if value is not None}


def _told(item: Field, have: Values) -> Json:
    value = _understood(item, have)
    return None if item.codec.empty(value) else value


def _understood(item: Field, have: Values) -> Json:
    try:
        return item.codec.decode(have[item.key])
    except ValueError as error:
        raise ConfigError(f"What Proxmox VE answers as {item.key} is not understood: {error}.") from error


def _hidden(item: Field, have: Values, hide: Hide | None) -> Json:
    """A placeholder; of a secret with parts, such as what a DNS provider wants, one for each."""
    if hide is None:
        return None
    value = _understood(item, have)
    return {name: hide(f"{item.name}.{name}") for name in value} if isinstance(value, Mapping) else hide(item.name)


BEHIND = ("client", "reads", "read")
"""Where readers that share or foretell answers keep the one they ask."""


def login_of(read: object) -> str:
    """Who is logged in, a user or a token; an empty string where the reader doesn't lead to a session."""
    if hasattr(read, "login"):
        return str(read.login)
    behind = next((getattr(read, name) for name in BEHIND if hasattr(read, name)), None)
    return "" if behind is None else login_of(behind)


def nodes(read: Reader) -> list[tuple[str, bool]]:
    """The cluster's nodes by name, and whether each can be asked."""
    rows = read.get("/nodes") or ()
    return sorted((str(row["node"]), row.get("status", ONLINE) == ONLINE) for row in rows)
