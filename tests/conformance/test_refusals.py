# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every endpoint with state refuses, as the API's schema says: wrong values, unknown names, missing privileges.

The schema is that of the lab, which test_schema.py compares with the official one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests

from lab.api.fake import pve_schema
from lab.api.server import LabApi
from lab.api.serving import ServedLab

UNKNOWN = "no-such-parameter"
NOT_DEFINED = "property is not defined in schema and the schema does not allow additional properties"
# Values for the parameters of a path, so that a request gets as far as the check of the others.
IN_PATH = {
    "node": "father",
    "vmid": "9001",
    "storage": "local",
    "upid": "UPID:father:00000001:00000001:00000001:qmstart:100:root@pam:",
    "userid": "root@pam",
    "realm": "pam",
    "roleid": "PVEAdmin",
    "snapname": "before",
    "iface": "vmbr0",
    "service": "cron",
    "pos": "0",
    "cidr": "10.0.0.0",
}
# None of a parameter's values, whatever its pattern is.
STRANGE = ("?", " ", "\n", "ä ö", "-", "0", "x" * 2000)
# Everybody is told a part (PVE/API2/Cluster.pm).
PARTLY_OPEN = ("GET", "/cluster/options")
Schema = dict[str, Any]


def stateful() -> list[tuple[str, str]]:
    """Methods and path templates that the lab or fakepve keep state for."""
    api = LabApi()
    areas = [getattr(api, name)() for name in dir(api) if name.startswith("_routes_")]
    return sorted({*api._table, *((method, path) for table in areas for method, path, _ in table)})


def parameters(method: str, path: str) -> dict[str, Schema]:
    """The parameters of a method, those of the path aside; numbered ones as the first of them."""
    spec = pve_schema.load().paths[path][method].get("parameters") or {}
    known = spec.get("properties", {})
    return {name.replace("[n]", "0"): rule for name, rule in known.items() if f"{{{name}}}" not in path}


def out_of_range(rule: Schema) -> str:
    """A number that is too small or too large, or none at all."""
    if "minimum" in rule:
        return str(int(float(rule["minimum"])) - 1)
    return str(int(float(rule["maximum"])) + 1) if "maximum" in rule else "certainly not"


def unmatched(rule: Schema) -> str | None:
    """A text that does not match a pattern; Perl says (?^:...) for one with flags of its own."""
    pattern = re.compile(f"^(?:{rule['pattern'].replace('(?^', '(?')})$")
    return next((value for value in STRANGE if not pattern.match(value)), None)


def wrong(rule: Schema) -> str | None:
    """A value that a parameter's own rule forbids, if there is one that surely is."""
    if rule.get("type") in ("integer", "number"):
        return out_of_range(rule)
    if rule.get("type") == "boolean" or rule.get("enum"):
        return "certainly not"
    if rule.get("pattern"):
        return unmatched(rule)
    return "x" * (int(rule["maxLength"]) + 1) if "maxLength" in rule else None


def url(path: str, schema: Schema) -> str:
    """A path with its parameters filled in."""
    known = schema.get("parameters", {}).get("properties", {})

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return str(IN_PATH.get(name) or pve_schema.sample(known.get(name, {"type": "string"}), name) or "x")

    return quote(re.sub(r"\{([\w-]+)\}", value, path), safe="/:@!")


class Asker:
    """Sends requests to a lab as one user."""

    def __init__(self, lab: ServedLab, token: str) -> None:
        """Log in with a token."""
        self._base = f"{lab.url}/api2/json"
        self._session = requests.Session()
        self._session.trust_env, self._session.verify = False, str(lab.ca_path)
        self._session.headers["Authorization"] = f"PVEAPIToken={token}"

    def ask(self, method: str, path: str, values: dict[str, Any]) -> requests.Response:
        """A request, with its values where the method has them."""
        where: Schema = {"params" if method in ("GET", "DELETE") else "data": values}
        return self._session.request(method, self._base + path, timeout=20, **where)


@pytest.fixture
def root(lab_api: ServedLab) -> Asker:
    """Everything is allowed to it, but for what a token is refused."""
    return Asker(lab_api, f"{lab_api.token_id}={lab_api.token_secret}")


@pytest.fixture
def nobody(lab_api: ServedLab, root: Asker) -> Asker:
    """A user without a single privilege."""
    root.ask("POST", "/access/users", {"userid": "eve@pve"})
    token = root.ask("POST", "/access/users/eve@pve/token/tt", {"privsep": 0}).json()["data"]
    return Asker(lab_api, f"{token['full-tokenid']}={token['value']}")


def refused(answer: requests.Response) -> bool:
    """Whether a request got as far as the check of its parameters: a token is refused some before."""
    return answer.status_code != 403


def bad_values() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Every method and path with a wrong value for each parameter that can have one."""
    for method, path in stateful():
        values = {name: wrong(rule) for name, rule in parameters(method, path).items()}
        yield method, path, {name: value for name, value in values.items() if value is not None}


def test_a_value_that_the_schema_forbids_is_refused_by_name(root: Asker, capsys: pytest.CaptureFixture[str]) -> None:
    accepted, checked = [], 0
    for method, path, values in bad_values():
        answer = root.ask(method, url(path, pve_schema.load().paths[path][method]), values) if values else None
        if answer is None or not refused(answer):
            continue
        told = (answer.json() or {}).get("errors") or {}
        checked += len(values)
        accepted += [f"{method} {path} {name}={values[name]!r}: {answer.status_code}" for name in values.keys() - told]
    with capsys.disabled():
        sys.stdout.write(f"\nwrong values refused by name: {checked - len(accepted)} of {checked}\n")
    assert not accepted, "\n".join(accepted)


def test_an_unknown_parameter_is_refused(root: Asker) -> None:
    accepted = []
    for method, path in stateful():
        schema = pve_schema.load().paths[path][method]
        if (schema.get("parameters") or {}).get("additionalProperties", 1) not in (0, "0", False):
            continue
        answer = root.ask(method, url(path, schema), {UNKNOWN: "1"})
        if refused(answer) and (answer.json() or {}).get("errors", {}).get(UNKNOWN) != NOT_DEFINED:
            accepted.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
    assert not accepted, "\n".join(accepted)


def guarded() -> list[tuple[str, str]]:
    """Methods that want a privilege, or root."""
    found = []
    for method, path in stateful():
        rule = pve_schema.load().paths[path][method].get("permissions")
        if (rule is None or "check" in rule) and (method, path) != PARTLY_OPEN:
            found.append((method, path))
    return found


def test_without_a_privilege_everything_that_wants_one_is_forbidden(nobody: Asker, root: Asker) -> None:
    allowed = []
    for method, path in guarded():
        schema = pve_schema.load().paths[path][method]
        known = parameters(method, path)
        values = {name: pve_schema.sample(rule, name) for name, rule in known.items() if not rule.get("optional")}
        answer = nobody.ask(method, url(path, schema), values)
        if answer.status_code != 403:
            allowed.append(f"{method} {path}: {answer.status_code} {answer.text[:120]} {schema.get('permissions')}")
    assert not allowed, f"{len(allowed)}\n" + "\n".join(allowed)
