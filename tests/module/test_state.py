"""Modules state and state_info against the lab's API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.api.serving import ServedLab

from .conftest import Modules, Result, denied, hurried

SMALL: dict[str, Any] = {
    "groups": [{"groupid": "operators", "comment": "on call"}],
    "users": [{"userid": "kim@pve", "groups": ["operators"]}],
    "pools": [{"poolid": "prod", "comment": "production"}],
}
FREE: dict[str, Any] = {"allow_delete": True, "allow_restart": True, "max_delete_percent": 100}


def acted(result: Result) -> list[tuple[str, str, str, str]]:
    """Kind, id, action and status of what isn't left alone."""
    rows = [(row["kind"], row["id"], row["action"], row["status"]) for row in result.get("actions", ())]
    return [row for row in rows if row[2] != "no-op"]


def test_a_document_is_made_true_and_stays_so(modules: Modules) -> None:
    made = modules.converge("state", document=SMALL)
    assert acted(made) == [
        ("groups", "operators", "create", "done"),
        ("users", "kim@pve", "create", "done"),
        ("pools", "prod", "create", "done"),
    ]
    assert made["summary"] == {"create": 3, "modify": 0, "delete": 0, "no-op": 0, "failed": 0, "restart": 0}
    assert made["plan"][0] == "groups operators: create group operators"
    assert made["actions"][0]["origin"].startswith("document:")
    again = modules.unchanged("state", document=SMALL)
    assert {row["status"] for row in again["actions"]} == {"done"}
    assert again["summary"]["no-op"] == 3
    changed = modules.converge("state", document={"pools": [{"poolid": "prod", "comment": "live"}]})
    (row,) = changed["actions"]
    assert (row["action"], row["before"], row["after"]) == ("modify", {"comment": "production"}, {"comment": "live"})
    assert row["before_hash"] != row["after_hash"]
    assert [changed["diff"][0][side] for side in ("before_header", "before", "after")] == [
        "pools prod",
        {"comment": "production"},
        {"comment": "live"},
    ]


def test_the_first_example_of_the_seed(modules: Modules, tmp_path: Path) -> None:
    """A VM that isn't there is made, started, and written down."""
    example = {
        "version": 1,
        "plugins": {
            "proxmox": {
                "node": "pve",
                "vms": [{"vmid": 100, "name": "web-prod", "state": "running", "cores": 4, "memory": 8192}],
            }
        },
    }
    journal = tmp_path / "journal"
    made = modules.ok("state", document=example, nodes={"pve": "father"}, journal=str(journal), run="first")
    (row,) = made["actions"]
    assert (row["action"], row["status"], row["node"]) == ("create", "done", "father")
    assert len(row["upids"]) == 2
    vm = modules.ok("vm_info", vmid=[100])["vms"][0]
    assert (vm["name"], vm["status"]) == ("web-prod", "running")
    began, ended = map(json.loads, journal.read_text().splitlines())
    assert [began[key] for key in ("event", "run", "kind", "id", "action", "status", "before_hash")] == [
        *("began", "first", "vms", "100", "create", "planned", None),
    ]
    assert [ended[key] for key in ("event", "status", "upids", "after_hash", "error")] == [
        *("ended", "done", row["upids"], row["after_hash"], None),
    ]
    modules.unchanged("state", document=example, nodes={"pve": "father"})


def test_what_is_in_no_document_is_pruned_where_asked(modules: Modules) -> None:
    modules.ok("state", document=SMALL)
    left = {"groups": [], "users": [{"userid": "root@pam"}], "pools": []}
    planned = modules.ok("state", document=left, prune=["groups", "users", "pools"], check=True)
    assert acted(planned) == [
        ("pools", "prod", "delete", "planned"),
        ("users", "kim@pve", "delete", "planned"),
        ("groups", "operators", "delete", "planned"),
    ]
    assert {row["pruned"] for row in planned["actions"] if row["action"] == "delete"} == {True}
    assert modules.ok("state", document=left, check=True)["changed"] is False
    done = modules.ok("state", document=left, prune=["groups", "users", "pools"], **FREE)
    assert [row[3] for row in acted(done)] == ["done"] * 3
    modules.unchanged("state", document=left, prune=["groups", "users", "pools"])


def test_deletions_want_to_be_allowed(modules: Modules) -> None:
    modules.ok("state", document={"groups": [{"groupid": name} for name in "abcdefghij"]})
    gone = {"groups": [{"groupid": "a", "state": "absent"}]}
    text = "It would delete groups a. Set allow_delete if you mean it."
    assert modules.ok("state", document=gone, check=True)["warnings"] == [text]
    refused = modules.run("state", document=gone)
    assert (refused["msg"], modules.lab.writes()) == (f"{text}\nNothing was changed.", [])
    assert acted(refused) == [("groups", "a", "delete", "planned")]
    most = {"groups": [{"groupid": name, "state": "absent"} for name in "abc"]}
    assert modules.run("state", document=most, allow_delete=True)["msg"] == (
        "It would delete 3 of 10 groups, which is more than 20 percent of them. Set max_delete_percent to as much as "
        "you mean to lose.\nNothing was changed."
    )
    modules.ok("state", document={"groups": most["groups"][:2]}, allow_delete=True)
    modules.ok("state", document={"groups": most["groups"][2:]}, allow_delete=True, max_delete_percent=1)


def test_restarts_want_to_be_allowed(modules: Modules) -> None:
    vm = {"vmid": 100, "name": "web", "node": "father", "state": "started", "cores": 1, "memory": 512}
    modules.ok("state", document={"vms": [vm]})
    more = {"vms": [{**vm, "cores": 2, "restart": "if_needed"}]}
    text = "It would restart vms 100. Set allow_restart if you mean it."
    planned = modules.ok("state", document=more, check=True)
    assert (planned["warnings"], planned["summary"]["restart"]) == ([text], 1)
    assert modules.run("state", document=more)["msg"] == f"{text}\nNothing was changed."
    modules.converge("state", document=more, allow_restart=True)
    waiting = modules.ok("state", document={"vms": [{**vm, "cores": 3}]}, check=True)
    assert [(row["restart"], row["pending"]) for row in waiting["actions"]] == [(False, ["cores"])]


def test_hashes_stay_until_something_moves(modules: Modules) -> None:
    document = {**SMALL, "vms": [{"vmid": 100, "name": "web", "node": "father", "state": "started", "memory": 512}]}
    modules.ok("state", document=document)

    def hashes() -> tuple[str, str]:
        found = modules.ok("state", document=document, check=True)
        return found["current_hash"], found["desired_hash"]

    first = hashes()
    modules.lab.clock.forward(3600)
    assert hashes() == first
    modules.ok("vm", vmid=100, description="of somebody else's, which the document doesn't speak of")
    assert hashes() == first
    modules.ok("vm", vmid=100, memory=1024)
    moved = hashes()
    assert (moved[0] != first[0], moved[1]) == (True, first[1])


def test_a_plan_that_was_agreed_to(modules: Modules) -> None:
    modules.ok("state", document=SMALL)
    wish = {"pools": [{"poolid": "prod", "comment": "live"}]}
    plan = modules.ok("state", document=wish, check=True)
    expect = {name: plan[name] for name in ("current_hash", "desired_hash", "actions")}
    modules.ok("pool", poolid="prod", comment="touched")
    refused = modules.run("state", document=wish, expect=expect)
    assert refused["msg"] == (
        "The server has moved since the plan was made. Make a new plan.\n"
        "  pools prod: it was 'set comment of pool prod; before {'comment': 'production'}; after {'comment': 'live'}', "
        "it is 'set comment of pool prod; before {'comment': 'touched'}; after {'comment': 'live'}'\n"
        "Nothing was changed."
    )
    assert modules.lab.writes() == []
    other = {"pools": [{"poolid": "prod", "comment": "other"}]}
    assert modules.run("state", document=other, expect=expect)["msg"] == (
        "The documents say something else than when the plan was made. Make a new plan.\nNothing was changed."
    )
    modules.ok("pool", poolid="prod", comment="production")
    assert modules.ok("state", document=wish, expect=expect)["changed"]


def test_only_some_kinds(modules: Modules) -> None:
    only = modules.ok("state", document=SMALL, only=["groups", "ha"], check=True)
    assert [row["kind"] for row in only["actions"]] == ["groups"]
    refused = modules.message("state", document=SMALL, only=["guests"])
    assert refused.startswith("Option 'only': there is no kind 'guests'. Known: all, ")


def test_files_and_what_they_became(modules: Modules, tmp_path: Path) -> None:
    low, high = tmp_path / "low.yml", tmp_path / "high.yml.j2"
    low.write_text("pools:\n  - poolid: prod\n    comment: low\n")
    rendered = {str(high): "pools:\n  - poolid: prod\n    comment: high\n"}
    made = modules.ok("state", files=[str(low), str(high)], rendered=rendered)
    assert (made["documents"], made["actions"][0]["after"]["comment"]) == ([str(low), str(high)], "high")
    assert made["actions"][0]["origin"] == f"{high}:2: pools[0]"


def test_secrets_are_not_told(modules: Modules, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    user = {"userid": "kim@pve", "user_password": "${secret:kim}"}
    result = modules.run("state", document={"users": [user]}, secrets={"kim": "corr3ct-horse"}, journal=str(journal))
    assert acted(result) == [("users", "kim@pve", "create", "done")], result
    assert "corr3ct" not in json.dumps(result) + journal.read_text()


def test_a_secret_that_nobody_gave(modules: Modules) -> None:
    document = {"users": [{"userid": "kim@pve", "user_password": "${secret:kim}"}]}
    assert modules.run("state", document=document)["errors"] == [
        "users kim@pve: document:5: users[0].user_password: the secret 'kim' has no value, and users kim@pve does not "
        "exist yet. Give it in the option secrets."
    ]
    modules.ok("user", userid="kim@pve", user_password="corr3ct-horse")
    modules.unchanged("state", document=document)


def test_what_is_made_first_is_there_for_the_others(modules: Modules) -> None:
    """Guests on a storage, a pool and a bridge of the same document."""
    document = {
        "vms": [
            {"name": "web", "node": "father", "pool": "prod", "disks": {"scsi0": {"storage": "fresh", "size": "1G"}}}
        ],
        "pools": [{"poolid": "prod"}],
        "storage": [{"storage": "fresh", "type": "dir", "path": "/srv/fresh", "content": ["images"]}],
    }
    made = modules.ok("state", document=document, check=True)
    assert [row[2] for row in acted(made)] == ["create"] * 3
    assert made["plan"][-1].startswith("vms web: create vm 100 (web)")
    modules.ok("state", document=document)
    modules.unchanged("state", document=document)


def test_least_privileges(modules: Modules) -> None:
    document = {"pools": [{"poolid": "prod", "comment": "production"}]}
    needed = {"/pool/prod": ["Pool.Allocate"]}
    assert modules.refusals(needed, "state", document=document) == {
        "Pool.Allocate on /pool/prod": (
            f"pools prod: Cannot create pool prod: POST /pools: {denied('Pool.Allocate', '/pool/prod')}"
        )
    }
    limited = modules.limited(needed)
    limited.converge("state", document=document)
    gone = {"pools": [{"poolid": "prod", "state": "absent"}]}
    limited.converge("state", document=gone, allow_delete=True, max_delete_percent=100)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "There is no document. Give files, or a document."),
        ({"document": {}, "max_delete_percent": -5}, "Option 'max_delete_percent': -5 is not from 0 to 100."),
        ({"document": {}, "max_parallel": 0}, "Option 'max_parallel': 0 is not from 1 to 64."),
        ({"document": {}, "prune": ["nope"]}, "Option 'prune': there is no kind 'nope'. Known: all, "),
        ({"document": {"vms": {}}}, "The document is wrong, nothing was asked of the server:\ndocument:2: vms: "),
    ],
    ids=str,
)
def test_refusals(modules: Modules, options: dict[str, Any], message: str) -> None:
    assert modules.message("state", **options).startswith(message)


@pytest.fixture
def old(lab_8_0_api: ServedLab, capsys: pytest.CaptureFixture[str]) -> Modules:
    """The modules, connected to a node of release 8.0."""
    return Modules(hurried(lab_8_0_api), capsys)


def test_everything_pruned_on_an_old_release(old: Modules) -> None:
    """What the release doesn't have yet can't be surplus."""
    old.ok("group", groupid="operators")
    planned = old.ok("state", document={}, prune=["all"], check=True)
    assert ("groups", "operators", "delete", "planned") in acted(planned)
    assert planned["errors"] == []
