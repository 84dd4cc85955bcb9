"""Module api against the lab's API."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules, denied

POOL: dict[str, Any] = {"path": "/pools", "key": "poolid", "id": "lab"}
STORAGE: dict[str, Any] = {"path": "/storage", "key": "storage", "id": "extra"}
MADE = {"type": "dir", "path": "/srv/extra", "content": ["iso", "snippets"]}


def test_twelve_steps(modules: Modules) -> None:
    made = modules.converge("api", **STORAGE, values=MADE)
    assert made["data"]["path"] == "/srv/extra"
    changed = modules.converge("api", **STORAGE, values={"content": ["snippets", "backup"], "disable": True})
    assert changed["diff"]["after"] == {"content": ["snippets", "backup"], "disable": True}
    modules.converge("api", **STORAGE, values={"disable": None, "prune-backups": {"keep-last": 3, "keep-daily": 7}})
    modules.unchanged("api", **STORAGE, values={"prune-backups": {"keep-daily": 7, "keep-last": 3}})
    removed = modules.converge("api", **STORAGE, state="absent")
    assert removed["plan"] == ["remove extra in /storage"]


def test_a_configuration(modules: Modules) -> None:
    values = {"keyboard": "de", "migration": {"type": "insecure"}}
    assert modules.converge("api", path="/cluster/options", values=values)["plan"] == [
        "set keyboard, migration of /cluster/options"
    ]
    modules.converge("api", path="/cluster/options", values={"keyboard": None})


def test_a_list_of_dictionaries_made_at_the_collection(modules: Modules) -> None:
    wish = {"path": "/cluster/mapping/usb", "key": "id", "id": "stick"}
    entry = {"id": "1234:abcd", "node": modules.lab.node}
    modules.converge("api", **wish, values={"map": [entry]})
    modules.converge("api", **wish, values={"map": [entry, {**entry, "id": "1234:abce", "path": "1-2"}]})


def test_made_at_its_own_path_with_a_secret(modules: Modules) -> None:
    wish: dict[str, Any] = {"path": "/cluster/metrics/server", "key": "id", "id": "influx", "create_at": "item"}
    values = {"type": "influxdb", "server": "192.0.2.20", "port": 8086}
    made = modules.converge("api", **wish, values=values, secret_values={"token": "k3y"})
    assert made["diff"]["after"]["token"] == "********"
    renewed: dict[str, Any] = {"secret_values": {"token": "n3w"}, "update_password": "always"}
    again = modules.ok("api", **wish, **renewed, send_always=["server", "port"])
    assert again["plan"] == ["set token of influx in /cluster/metrics/server"]
    assert "n3w" not in str(again)


def test_a_read(modules: Modules) -> None:
    rows = modules.ok("api", path="/storage", method="GET", params={"type": "dir"})["data"]
    assert {row["type"] for row in rows} == {"dir"}


def test_a_request_is_not_sent_in_check_mode(modules: Modules) -> None:
    call: dict[str, Any] = {"path": "/pools", "method": "POST", "params": {"poolid": "lab"}}
    predicted = modules.ok("api", check=True, **call)
    assert predicted["changed"]
    assert modules.lab.writes() == []
    assert modules.ok("api", **call)["plan"] == predicted["plan"] == ["send POST /pools"]


def test_a_task_is_awaited(modules: Modules) -> None:
    upid = modules.ok("api", path=f"/nodes/{modules.lab.node}/apt/update", method="POST")["answer"]
    status = modules.ok("api", path=f"/nodes/{modules.lab.node}/tasks/{upid}/status", method="GET")["data"]
    assert (status["status"], status["exitstatus"]) == ("stopped", "OK")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            {"path": "/api2/json/pools", "method": "GET"},
            "Option 'path': leave out the beginning, write /pools.",
        ),
        (
            {"path": "pools", "method": "GET"},
            "Option 'path': 'pools' is no path of the API. It begins with a slash and has no query, as "
            "/cluster/options; parameters are given in 'params'.",
        ),
        ({"path": "/pools"}, "one of the following is required: method, values, secret_values, state"),
        (
            {"path": "/pools", "method": "GET", "state": "present"},
            "parameters are mutually exclusive: method|state",
        ),
        (
            {"path": "/pools", "values": {"comment": "x"}},
            "/pools is a list, not a configuration. Give 'key' and 'id' of what is wished in it.",
        ),
        (
            {"path": "/cluster/options", "key": "id", "id": "x", "state": "present"},
            "/cluster/options is no list of things with an id. Leave out 'key' and 'id' for a configuration.",
        ),
        (
            {"path": "/cluster/options", "state": "absent"},
            "Options 'key' and 'id' are needed: they say what is to be absent from /cluster/options.",
        ),
    ],
    ids=str,
)
def test_refusals(modules: Modules, wish: dict[str, Any], message: str) -> None:
    assert modules.message("api", **wish) == message


def test_a_wrong_key_is_named(modules: Modules) -> None:
    message = modules.message("api", path="/storage", key="id", id="local", state="present")
    assert message.startswith("No row of /storage has 'id'; they have content, ")
    assert message.endswith("Give one of these as list_key.")


def test_what_proxmox_refuses(modules: Modules) -> None:
    result = modules.run("api", **STORAGE, values={**MADE, "content": ["bogus"]})
    assert result["msg"] == (
        "Cannot create extra in /storage: POST /storage: 400 Parameter verification failed "
        "(content: invalid format - invalid content type 'bogus')."
    )


def test_least_privileges(modules: Modules) -> None:
    needed = {"/": ["Sys.Audit"]}
    assert modules.refusals(needed, "api", path="/cluster/metrics/server", method="GET") == {
        "Sys.Audit on /": f"GET /cluster/metrics/server: {denied('Sys.Audit', '/')}"
    }
    modules.limited(needed).ok("api", path="/cluster/metrics/server", method="GET")
