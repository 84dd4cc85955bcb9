# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what: the rules of pve-access-control, as tables."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.api.directory import (
    ACL_PATH,
    BUILT_IN_ROLES,
    PRIVILEGES,
    Directory,
    Entry,
    Token,
    User,
    hash_password,
    load,
    matches,
    prefixes,
)

AUDIT = set(BUILT_IN_ROLES["PVEAuditor"])


def directory(*entries: Entry, privsep: int = 1) -> Directory:
    """A directory with dev@pve (in group devs, with token ci) and these lines."""
    dev = User(groups=["devs"], tokens={"ci": Token("secret", privsep=privsep)})
    return Directory({"root@pam": User(), "dev@pve": dev}, {"devs": None}, {"Role": ["VM.Audit"]}, list(entries))


def line(path: str, role: str, kind: str = "user", subject: str = "dev@pve", propagate: int = 1) -> Entry:
    return Entry(path, kind, subject, role, propagate)


@pytest.mark.parametrize(
    ("entries", "path", "held"),
    [
        pytest.param([], "/vms/100", set(), id="nothing granted"),
        pytest.param([line("/", "PVEAuditor")], "/vms/100", AUDIT, id="inherited from the root"),
        pytest.param([line("/vms", "PVEAuditor", propagate=0)], "/vms/100", set(), id="not propagated"),
        pytest.param([line("/vms", "PVEAuditor", propagate=0)], "/vms", AUDIT, id="held where it is granted"),
        pytest.param([line("/", "PVEAdmin"), line("/vms/100", "Role")], "/vms/100", {"VM.Audit"}, id="deeper replaces"),
        pytest.param([line("/", "PVEAdmin"), line("/vms/100", "NoAccess")], "/vms/100", set(), id="NoAccess wins"),
        pytest.param([line("/vms", "Role", "group", "devs")], "/vms/100", {"VM.Audit"}, id="through a group"),
        pytest.param(
            [line("/vms", "PVEAuditor", "group", "devs"), line("/vms", "Role")],
            "/vms/100",
            {"VM.Audit"},
            id="a user's line wins over a group's",
        ),
        pytest.param([line("/vms", "Gone")], "/vms/100", set(), id="a role that is gone grants nothing"),
    ],
)
def test_privileges_of_a_user(entries: list[Entry], path: str, held: set[str]) -> None:
    assert set(directory(*entries).privileges("dev@pve", path)) == held


TOKEN_LINE = line("/", "Administrator", "token", "dev@pve!ci")


@pytest.mark.parametrize(
    ("entries", "privsep", "held"),
    [
        pytest.param([line("/", "Role")], 1, set(), id="separated: nothing of its own"),
        pytest.param([line("/", "Role")], 0, {"VM.Audit"}, id="not separated: its user's"),
        pytest.param([line("/", "Role"), TOKEN_LINE], 1, {"VM.Audit"}, id="never more than its user"),
        pytest.param([TOKEN_LINE], 1, set(), id="an administrator's token of a nobody"),
    ],
)
def test_privileges_of_a_token(entries: list[Entry], privsep: int, held: set[str]) -> None:
    assert set(directory(*entries, privsep=privsep).privileges("dev@pve!ci", "/vms/100")) == held


def test_root_may_do_everything_and_its_separated_token_nothing() -> None:
    known = directory()
    known.users["root@pam"].tokens = {"all": Token("s", privsep=0), "none": Token("s", privsep=1)}
    assert set(known.privileges("root@pam", "/vms")) == PRIVILEGES
    assert set(known.privileges("root@pam!all", "/vms")) == PRIVILEGES
    assert known.privileges("root@pam!none", "/vms") == {}


def test_a_pool_passes_its_roles_on_to_its_members() -> None:
    known = directory(line("/pool/dev", "Role"))
    assert set(known.privileges("dev@pve", "/vms/100", ["dev"])) == {"VM.Audit"}
    assert known.privileges("dev@pve", "/vms/101") == {}


@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        ({}, True),
        ({"enable": 0}, False),
        ({"expire": int(time.time()) - 10}, False),
        ({"expire": int(time.time()) + 1000}, True),
    ],
)
def test_a_token_is_as_good_as_its_user(change: dict[str, int], accepted: bool) -> None:
    known = directory()
    for name, value in change.items():
        setattr(known.users["dev@pve"], name, value)
    assert (known.token_user("dev@pve!ci", "secret") == "dev@pve!ci") is accepted
    assert known.token_user("dev@pve!ci", "wrong") is None


def test_removing_a_user_removes_every_trace() -> None:
    known = directory(line("/", "Role"), TOKEN_LINE)
    known.drop_user("dev@pve")
    assert (known.entries, sorted(known.users)) == ([], ["root@pam"])


def test_a_password_is_kept_as_a_salted_hash() -> None:
    kept = hash_password("secret")
    assert "secret" not in kept
    assert kept != hash_password("secret")
    assert (matches("secret", kept), matches("wrong", kept), matches("secret", None)) == (True, False, False)


@pytest.mark.parametrize(
    ("path", "valid"),
    [
        ("/", True),
        ("/vms/100", True),
        ("/vms/abc", False),
        ("/bogus", False),
        ("/pool/a/b", True),
        ("/nodes/n/x", False),
    ],
)
def test_paths_that_permissions_can_be_granted_on(path: str, valid: bool) -> None:
    assert bool(ACL_PATH.fullmatch(path)) is valid


@given(st.lists(st.text("abc", min_size=1), max_size=4))
def test_prefixes_lead_from_the_root_to_the_path(parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    found = prefixes(path)
    assert (found[0], found[-1], len(found)) == ("/", path, len(parts) + 1)


def test_a_directory_survives_being_saved() -> None:
    known = directory(line("/", "Role"), TOKEN_LINE)
    assert load(known.document()) == known
