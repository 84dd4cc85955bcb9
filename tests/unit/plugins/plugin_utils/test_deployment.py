"""What a deployment has to do: what is wanted and what is there make a plan."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.plugin_utils.deployment import (
    Found,
    OwnerError,
    Plan,
    Wanted,
    digest,
    plan,
    sha,
    wanted,
)
from ansible_collections.homelab.pve.plugins.plugin_utils.service_file import ServiceFileError

OLD, NEW = "0" * 64, "1" * 64
WEB, DB = "shop-web.service", "shop-db.service"
WANT: Wanted = {"units": {DB: "db", WEB: "web"}, "environments": {DB: "", WEB: "A"}, "running": [WEB]}
NOTHING: Found = {"release": "", "releases": [], "units": {}, "environments": {}, "started": {}}
ACTIVE = {"owner": "shop", "active": "active", "enabled": True}


def there(release: str = NEW, **changes: Any) -> Found:
    """Everything as it is wanted, but for some."""
    found: Any = {
        "release": release,
        "releases": [release],
        "units": {name: {**ACTIVE, "text": text} for name, text in WANT["units"].items()},
        "environments": {name: sha(text) for name, text in WANT["environments"].items()},
        "started": {name: digest(release, text, WANT["environments"][name]) for name, text in WANT["units"].items()},
    }
    return {**found, **changes}  # type: ignore[typeddict-item]


def planned(found: Found, release: str = NEW, want: Wanted = WANT) -> dict[str, Any]:
    """The parts of a plan in which something is to be done."""
    made: Plan = plan(want, found, release, "shop")
    return {name: value for name, value in made.items() if value and name not in {"release", "started"}}


def test_nothing_is_to_be_done() -> None:
    assert planned(there()) == {}


def test_the_first_time() -> None:
    assert planned(NOTHING) == {
        "changed": True,
        "carry": True,
        "units": [DB, WEB],
        "environments": [DB, WEB],
        "enable": [DB, WEB],
        "restart": [DB, WEB],
        "reasons": [
            "release 111111111111 instead of none",
            f"{DB} is written",
            f"{WEB} is written",
            f"the environment of {DB} is written",
            f"the environment of {WEB} is written",
            f"{DB} is enabled",
            f"{WEB} is enabled",
            f"{DB} is started",
            f"{WEB} is started",
        ],
    }


def test_other_files_restart_all() -> None:
    made = planned(there(OLD))
    assert (made["carry"], made["restart"]) == (True, [DB, WEB])
    assert made["reasons"][0] == "release 111111111111 instead of 000000000000"
    assert "units" not in made


def test_a_release_that_is_kept_is_not_carried_again() -> None:
    assert "carry" not in planned(there(OLD, releases=[OLD, NEW]))


@pytest.mark.parametrize(
    ("want", "part"),
    [
        ({**WANT, "units": {DB: "db", WEB: "other"}}, "units"),
        ({**WANT, "environments": {DB: "", WEB: "B"}}, "environments"),
    ],
    ids=["unit", "environment"],
)
def test_only_what_changed_is_restarted(want: Wanted, part: str) -> None:
    made = planned(there(), want=want)
    assert (made[part], made["restart"]) == ([WEB], [WEB])


def test_what_is_not_wanted_any_more_goes() -> None:
    want: Wanted = {"units": {WEB: "web"}, "environments": {WEB: "A"}, "running": [WEB]}
    made = planned(there(), want=want)
    assert made == {"changed": True, "remove": [DB], "reasons": [f"{DB} is stopped and removed"]}


def test_what_is_not_ours_stays() -> None:
    units = {**there()["units"], "shop-other.service": {**ACTIVE, "owner": "shop-other", "text": ""}}
    assert planned(there(units=units)) == {}


@pytest.mark.parametrize(
    ("owner", "whose"),
    [("", "was not written by a deployment"), ("sh", "belongs to the application 'sh'")],
)
def test_a_unit_of_somebody_else_is_not_taken(owner: str, whose: str) -> None:
    units = {WEB: {**ACTIVE, "owner": owner, "text": "web"}}
    with pytest.raises(OwnerError) as caught:
        planned(there(units=units))
    message = f"The unit {WEB} is there already and {whose}. Give the application another name (app)."
    assert str(caught.value) == message


@pytest.mark.parametrize(("active", "started"), [("failed", [WEB]), ("inactive", [WEB]), ("activating", None)])
def test_what_has_to_run_is_started_again(active: str, started: list[str] | None) -> None:
    units = {name: {**unit, "active": active} for name, unit in there()["units"].items()}
    assert planned(there(units=units)).get("start") == started


def test_a_deployment_that_broke_off_is_finished() -> None:
    assert planned(there(started={})) == {
        "changed": True,
        "restart": [DB, WEB],
        "reasons": [f"{DB} is started", f"{WEB} is started"],
    }


DOCUMENT = {
    "services": {"web": {"command": "run", "env_file": ["a", "b"], "environment": {"X": "own"}, "restart": "always"}}
}


def test_where_values_come_from() -> None:
    files = {"a": "A=1\nB=1\nX=1\nZ=1", "b": "B=2\nX=2"}
    made = wanted(DOCUMENT, "shop", "/opt/shop", files, "Z=last")
    assert made["environments"] == {WEB: 'A="1"\nB="2"\nX="own"\nZ="last"\n'}
    assert made["running"] == [WEB]
    assert "own" not in made["units"][WEB]


def test_a_bad_environment_file_is_named() -> None:
    with pytest.raises(ServiceFileError, match=r"^- b, line 1: NAME=VALUE is needed$"):
        wanted(DOCUMENT, "shop", "/opt/shop", {"a": "", "b": "?"})
