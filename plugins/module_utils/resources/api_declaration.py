# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any path of the API, declared or called: what is wished at it, compared without knowing what it means. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json, truth
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    HIDDEN,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError

OPTIONS: Options = {
    "path": {"type": "str", "required": True},
    "method": {"type": "str", "choices": ["GET", "POST", "PUT", "DELETE"]},
    "params": {"type": "dict", "default": {}},
    "key": {"type": "str", "no_log": False},
    "id": {"type": "str"},
    "list_key": {"type": "str", "no_log": False},
    "create_at": {"type": "str", "choices": ["collection", "item"], "default": "collection"},
    "state": {"type": "str", "choices": ["present", "absent"]},
    "values": {"type": "dict"},
    "secret_values": {"type": "dict", "no_log": True},
    "send_always": {"type": "list", "elements": "str", "default": []},
    "update_password": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False},
    "wait_timeout": {"type": "float", "default": 600},
}
RULES: Mapping[str, list[Json]] = {
    "required_one_of": [("method", "values", "secret_values", "state")],
    "mutually_exclusive": [("method", "values"), ("method", "secret_values"), ("method", "state"), ("method", "key")],
    "required_together": [("key", "id")],
}

PATH = re.compile(r"/[^\s?#{}]*")
API_ROOT = re.compile(r"/api2/(?:json|extjs)\b")


def checked_path(wish: Values) -> str:
    """The path, without a slash at its end. Raises ConfigError for what is none."""
    path = str(wish["path"])
    if API_ROOT.match(path):
        raise ConfigError(f"Option 'path': leave out the beginning, write {API_ROOT.sub('', path) or '/'}.")
    if not PATH.fullmatch(path):
        raise ConfigError(
            f"Option 'path': '{path}' is no path of the API. It begins with a slash and has no query, "
            "as /cluster/options; parameters are given in 'params'."
        )
    return path.rstrip("/") or "/"


def item_path(wish: Values) -> str:
    """Path of the declared item, or of the configuration where no key is given."""
    path = checked_path(wish)
    return path if wish.get("key") is None else path + url("/{}", wish["id"])


def subject(wish: Values) -> str:
    """What is declared, in words."""
    path = checked_path(wish)
    return path if wish.get("key") is None else f"{wish['id']} in {path}"


def describe(read: Reader, wish: Values) -> Json | None:
    """What is there: the row of the list and over it what the item's own path says; None when no row has the id."""
    path = checked_path(wish)
    if wish.get("key") is None:
        return _configuration(path, wish, read.get(path))
    rows = read.get(path)
    name = wish.get("list_key") or wish["key"]
    row = next((row for row in _rows(path, rows) if str(row.get(name)) == str(wish["id"])), None)
    if row is None:
        if rows and not any(name in entry for entry in rows):
            known = ", ".join(sorted({key for entry in rows for key in entry}))
            raise ConfigError(f"No row of {path} has '{name}'; they have {known}. Give one of these as list_key.")
        return None
    return {**row, **_item(read, item_path(wish))}


def _configuration(path: str, wish: Values, found: Json) -> Json:
    if wish.get("state") == "absent":
        raise ConfigError(f"Options 'key' and 'id' are needed: they say what is to be absent from {path}.")
    if not isinstance(found, Mapping):
        raise ConfigError(f"{path} is a list, not a configuration. Give 'key' and 'id' of what is wished in it.")
    return found


def _rows(path: str, found: Json) -> list[Values]:
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        raise ConfigError(f"{path} is no list of things with an id. Leave out 'key' and 'id' for a configuration.")
    return found


def _item(read: Reader, path: str) -> Values:
    try:
        found = read.get(path)
    except PveError as error:
        # Not every item can be read by itself.
        if error.not_implemented:
            return {}
        raise
    # A path with more below it may answer their list.
    return found if isinstance(found, Mapping) else {}


def plan(wish: Values, have: Json | None) -> Plan:
    """Create, change, remove, or nothing."""
    name, path = subject(wish), item_path(wish)
    if wish.get("state") == "absent":
        if have is None:
            return Plan(reason=f"{name} is absent already")
        keys = [key for key in (wish.get("values") or {}) if key in have]
        step = Step("DELETE", path, {}, f"remove {name}")
        return Plan((step,), before={wish["key"]: wish["id"], **{key: have[key] for key in keys}})
    return _creation(wish, name, path) if have is None else _change(wish, have, name, path)


def _creation(wish: Values, name: str, path: str) -> Plan:
    secret = wish.get("secret_values") or {}
    values = {key: value for key, value in (wish.get("values") or {}).items() if value is not None}
    at_item = wish.get("create_at") == "item"
    own = {} if at_item else {wish["key"]: wish["id"]}
    params = {**own, **{key: encode(value) for key, value in {**values, **secret}.items()}}
    step = Step("POST", path if at_item else checked_path(wish), params, f"create {name}")
    return Plan((step,), after={wish["key"]: wish["id"], **values, **dict.fromkeys(secret, HIDDEN)})


def _change(wish: Values, have: Values, name: str, path: str) -> Plan:
    values = {key: value for key, value in (wish.get("values") or {}).items() if not same(value, have.get(key))}
    secret = (wish.get("secret_values") or {}) if wish.get("update_password") == "always" else {}
    if not values and not secret:
        return Plan(reason=f"{name} is as wished")
    # As a list, for notifications: PVE joins it for all others.
    gone = sorted(key for key, value in values.items() if value is None)
    wished = {**have, **{key: value for key, value in (wish.get("values") or {}).items() if value is not None}}
    kept = {key: wished[key] for key in wish.get("send_always") or () if key in wished}
    params = {
        **{key: encode(value) for key, value in {**kept, **values, **secret}.items() if value is not None},
        **({"delete": gone} if gone else {}),
        **({"digest": have["digest"]} if have.get("digest") else {}),
    }
    step = Step("PUT", path, params, f"set {', '.join(sorted({**values, **secret}))} of {name}")
    before = {key: have[key] for key in values if have.get(key) is not None}
    after = {key: value for key, value in values.items() if value is not None}
    return Plan((step,), before=before, after={**after, **dict.fromkeys(secret, HIDDEN)})


def same(wish: Json, have: Json) -> bool:
    """Whether PVE's value is the wished one: numbers and text are the same, the order of lists and dicts is nothing."""
    if wish is None or have is None:
        return wish is have or (wish in ("", [], {}) and not isinstance(wish, bool))
    if isinstance(wish, bool):
        return _is_truth(have, wish)
    if isinstance(wish, Mapping):
        return _entry(wish) == _entry(have)
    if isinstance(wish, list):
        return {_entry(item) for item in wish} == {_entry(item) for item in _listed(wish, have)}
    return _text(wish) == _text(have)


def _is_truth(have: Json, wish: bool) -> bool:
    try:
        return truth(have) is wish
    except ValueError:
        return False


def _listed(wish: list[Json], have: Json) -> list[Json]:
    if isinstance(have, list):
        return have
    if any("," in str(encode(item)) for item in wish):
        return [have]
    return [part for part in re.split(r"[,;\s]+", str(have)) if part]


def _entry(value: Json) -> frozenset[str]:
    """A property string or a dict as what it says, in no order."""
    return frozenset(_text(encode(value)).split(","))


def encode(value: Json) -> Json:
    """As PVE takes it: a dict as a property string. Lists stay, PVE joins them where it wants text (RESTHandler.pm)."""
    if isinstance(value, Mapping):
        return ",".join(f"{key}={_text(item)}" for key, item in value.items() if item is not None)
    return [encode(item) for item in value] if isinstance(value, list) else value


def _text(value: Json) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def shown(have: Json | None) -> dict[str, Json]:
    """The module's return value."""
    return {} if have is None else {"data": have}


WRITES = ("*",)
"""Whatever the user names."""

DECLARATION = Resource(kind="api", options=OPTIONS, describe=describe, plan=plan, result=shown, rules=RULES)


def call(wish: Values) -> Plan:
    """The plan of one request that writes."""
    path = checked_path(wish)
    params = {key: encode(value) for key, value in (wish.get("params") or {}).items()}
    step = Step(wish["method"], path, params, f"send {wish['method']} {path}", once=True)
    return Plan((step,), after={"request": f"{wish['method']} {path}", **params})


CALL = Resource(
    kind="api",
    options=OPTIONS,
    describe=lambda _read, _wish: None,
    plan=lambda wish, _have: call(wish),
    result=lambda _have: {},
)
