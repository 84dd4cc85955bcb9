"""Module role_info against the lab's API."""

from __future__ import annotations

from .conftest import Modules


def test_what_is_told_about_roles(modules: Modules) -> None:
    modules.ok("role", roleid="Snap", privs=["VM.Snapshot"])
    assert modules.unchanged("role_info", special=False)["roles"] == [
        {"roleid": "Snap", "privs": ["VM.Snapshot"], "special": False}
    ]
    names = [row["roleid"] for row in modules.ok("role_info", priv="VM.Snapshot")["roles"]]
    assert {"Administrator", "Snap"} <= set(names)
    assert "NoAccess" not in names


def test_least_privileges(modules: Modules) -> None:
    (found,) = modules.limited({"/vms": ["VM.Audit"]}).ok("role_info", roleid="PVEPoolUser")["roles"]
    assert found == {"roleid": "PVEPoolUser", "privs": ["Pool.Audit"], "special": True}
