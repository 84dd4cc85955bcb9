"""Users, tokens and grants in a document: the login stays, secrets are handed over once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .conftest import Modules, Result
from .test_state_export import EVERYTHING, entries, exported

TOKEN: dict[str, Any] = {"tokens": [{"userid": "root@pam", "tokenid": "ci", "comment": "builds"}]}


def told(result: Result) -> dict[str, Any]:
    """What is told once of what was made."""
    (row,) = result["actions"]
    found: dict[str, Any] = row["told"]
    return found


def test_the_login_is_never_pruned(modules: Modules) -> None:
    limited = modules.limited({"/": ["User.Modify", "Sys.Audit", "Permissions.Modify", "Realm.AllocateUser"]})
    modules.ok("user", userid="joe@pve")
    modules.ok("acl", path="/vms", roles=["PVEAuditor"], users=["joe@pve"])
    user, _, token = limited.lab.token_id.partition("!")
    access: dict[str, Any] = {**EVERYTHING, "prune": ["users", "tokens", "acl"]}
    done = limited.run("state", document={}, **access)
    assert not done.get("failed"), done["msg"]
    names = {row["id"] for row in done["actions"] if row["action"] == "delete"}
    assert "joe@pve" in names
    assert not names & {user, f"{user}!{token}", "root@pam"}
    left = exported(limited, "users", "tokens", "acl")
    assert {entry["userid"] for entry in entries(left, "users")} == {user, "root@pam"}
    assert (user, token) in {(entry["userid"], entry["tokenid"]) for entry in entries(left, "tokens")}
    assert {subject for entry in entries(left, "acl") for subject in entry.get("tokens", [])} == {f"{user}!{token}"}


def test_the_secret_of_a_new_token_is_told_once(modules: Modules) -> None:
    secret = told(modules.ok("state", document=TOKEN))["secret"]
    assert len(secret) > 30
    assert told(modules.unchanged("state", document=TOKEN)) == {}


def test_the_secret_of_a_new_token_goes_to_its_file(modules: Modules, tmp_path: Path) -> None:
    path = tmp_path / "keys" / "ci.json"
    wish = {"tokens": [{**TOKEN["tokens"][0], "secret_path": str(path)}]}
    made = modules.ok("state", document=wish)
    assert told(made) == {"secret_path": str(path)}
    kept = json.loads(path.read_text())
    assert (kept["id"], kept["secret"] in json.dumps(made)) == ("root@pam!ci", False)
    assert path.stat().st_mode & 0o777 == 0o600
    modules.unchanged("state", document=wish)


def test_grants_that_are_written_together_are_pruned_one_by_one(modules: Modules) -> None:
    modules.ok("user", userid="joe@pve")
    for role in ("PVEAuditor", "PVEVMUser", "PVEVMAdmin"):
        modules.ok("acl", path="/vms", roles=[role], users=["joe@pve"])
    wish = {"acl": [{"path": "/vms/", "roles": ["PVEAuditor", "PVEVMUser"], "users": ["joe@pve"]}]}
    access: dict[str, Any] = {**EVERYTHING, "prune": ["acl"]}
    done = modules.ok("state", document=wish, **access)
    assert [row["id"] for row in done["actions"] if row["action"] != "no-op"] == ["/vms PVEVMAdmin joe@pve"]
    assert [entry["roles"] for entry in entries(exported(modules, "acl"), "acl")] == [["PVEAuditor"], ["PVEVMUser"]]
    modules.unchanged("state", document=wish, **access)
