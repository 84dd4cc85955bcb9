"""Module acl_info against the lab's API."""

from __future__ import annotations

from .conftest import Modules

ENTRY = {"path": "/vms", "roleid": "PVEAuditor", "type": "user", "ugid": "root@pam", "propagate": False}


def test_what_is_told_about_entries(modules: Modules) -> None:
    modules.ok("acl", path="/vms", users=["root@pam"], roles=["PVEAuditor"], propagate=False)
    assert modules.unchanged("acl_info", path="/vms/")["entries"] == [ENTRY]
    assert modules.ok("acl_info", ugid="nobody@pve")["entries"] == []


def test_least_privileges(modules: Modules) -> None:
    modules.ok("acl", path="/vms", users=["root@pam"], roles=["PVEAuditor"], propagate=False)
    for path, privilege in (("/access", "Sys.Audit"), ("/vms", "Permissions.Modify")):
        assert ENTRY in modules.limited({path: [privilege]}).ok("acl_info")["entries"]
    assert modules.limited({"/vms": ["VM.Audit"]}).ok("acl_info")["entries"] == []
