"""Module preflight against the lab's API: each thing that can be missing, and what is said then."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Modules

READY: dict[str, Any] = {
    "template": "debian-12-pve",
    "bridge": "vmbr0",
    "vmid_range": [99900, 99999],
    "storages": ["local-lvm", {"name": "local", "content": ["import", "snippets"]}],
}
NAMES = ["name resolution", "port", "tls", "login", "privileges", "template", "vmid", "storage local-lvm",
         "storage local", "bridge"]  # fmt: skip


def statuses(result: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["status"] for check in result["checks"]}


def test_a_node_that_is_ready(modules: Modules) -> None:
    result = modules.unchanged("preflight", **READY)
    assert statuses(result) == dict.fromkeys(NAMES, "ok")


@pytest.mark.parametrize(
    ("wish", "line"),
    [
        (
            {"template": "nope"},
            "- template: there is no template 'nope' (templates: vm 9000 (debian-12-pve), vm 9001 (debian-12)). "
            "Make the template, or name one that exists. The login needs VM.Audit on it to see it.",
        ),
        (
            {"vmid_range": [9000, 9001]},
            "- vmid: all 2 vmids from 9000 to 9001 are taken. Remove guests you no longer need, or give a wider range.",
        ),
        (
            {"storages": ["nope"]},
            "- storage nope: father has no storage 'nope' (storages: local, local-lvm). "
            "Add it, or name one that exists.",
        ),
        (
            {"storages": [{"name": "local-lvm", "content": ["snippets"]}]},
            "- storage local-lvm: 'local-lvm' on father does not take snippets (it takes images, rootdir). "
            "Allow it: pvesm set local-lvm --content images,rootdir,snippets",
        ),
        (
            {"bridge": "vmbr7"},
            "- bridge: father has no bridge 'vmbr7' (bridges: vmbr0). Make it, or name one that exists.",
        ),
        (
            {"privileges": {"/vms": ["VM.Fly"]}},
            "- privileges: the login lacks VM.Fly on /vms. Give it a role that has them: "
            "pveum acl modify PATH --tokens USER@REALM!NAME --roles ROLE. "
            "A token with privilege separation needs entries of its own.",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_missing(modules: Modules, wish: dict[str, Any], line: str) -> None:
    assert modules.message("preflight", **wish) == f"127.0.0.1 is not ready:\n{line}"


@pytest.mark.parametrize(
    ("connection", "failed"),
    [
        ({"host": "nowhere.invalid"}, "name resolution"),
        ({"port": 9, "retries": 0}, "port"),
        ({"ca_path": None, "fingerprint": ":".join(["00"] * 32)}, "tls"),
        ({"token_secret": "wrong"}, "login"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_way_there(modules: Modules, connection: dict[str, Any], failed: str) -> None:
    result = modules.run("preflight", **{**READY, **connection})
    found = statuses(result)
    position = NAMES.index(failed)
    expected = ["ok"] * position + ["failed"] + ["skipped"] * (len(NAMES) - position - 1)
    assert [found[name] for name in NAMES] == expected
    assert result["msg"].count("\n") == 1


def test_least_privileges(modules: Modules) -> None:
    audit = {"/vms": ["VM.Audit"], "/storage": ["Datastore.Audit"]}
    wish = {**READY, "privileges": audit}
    lines = {
        "VM.Audit on /vms": (
            "- privileges: the login lacks VM.Audit on /vms. {give}\n"
            "- template: there is no template 'debian-12-pve' (templates: none). "
            "Make the template, or name one that exists. The login needs VM.Audit on it to see it."
        ),
        "Datastore.Audit on /storage": (
            "- privileges: the login lacks Datastore.Audit on /storage. {give}\n"
            "- storage local-lvm: father has no storage 'local-lvm' (storages: none). Add it, or name one that exists."
            "\n- storage local: father has no storage 'local' (storages: none). Add it, or name one that exists."
        ),
    }
    give = (
        "Give it a role that has them: pveum acl modify PATH --tokens USER@REALM!NAME --roles ROLE. "
        "A token with privilege separation needs entries of its own."
    )
    assert modules.refusals(audit, "preflight", **wish) == {
        privilege: "127.0.0.1 is not ready:\n" + text.format(give=give) for privilege, text in lines.items()
    }
    modules.limited(audit).ok("preflight", **wish)
