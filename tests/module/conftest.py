"""Running a module's main() in this process against a lab API, and the gates every module has to pass."""

from __future__ import annotations

import importlib
import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from ansible.module_utils import _internal as ansible_internal
from ansible.module_utils.common import warnings as ansible_warnings
from ansible.module_utils.testing import patch_module_args
from ansible_collections.homelab.pve.plugins.module_utils.api import Client, Connection, connect
from ansible_collections.homelab.pve.plugins.module_utils.tasks import wait_for_task

from lab.api.serving import ServedLab

from .inventory import MODULES, SEEN, never_seen, undeclared

Result = dict[str, Any]


UNNAMED = "403 Permission check failed. The module's documentation says which privileges it needs, and where."
"""The end of a message about privileges that Proxmox VE doesn't name."""


def denied(privilege: str, path: str) -> str:
    """The end of a message about a privilege that is missing: what Proxmox VE said, and what to do."""
    unsure = " Proxmox VE says the same of what does not exist." if path.count("/") > 1 else ""
    return (
        f"403 Permission check failed ({path}, {privilege.replace(' or ', '|')}). Grant {privilege} on {path} to the "
        f"user, and to the token if it has privilege separation.{unsure}"
    )


def hidden(vmid: int) -> str:
    """The message about a guest that the login may not see."""
    return (
        f"The guest with vmid {vmid} is hidden from the login. Grant VM.Audit on /vms/{vmid} to the user, and to the "
        "token if it has privilege separation."
    )


@contextmanager
def _own_process() -> Iterator[None]:
    """A module is a process of its own: it knows nothing of another's warnings, nor of Ansible's plugins.

    Where a test imported one of them, Ansible would show a module's warnings instead of returning them.
    """
    unwarned = patch.dict(ansible_warnings._global_warnings, clear=True)
    with unwarned, patch.object(ansible_internal, "is_controller", False):
        yield


@dataclass
class Modules:
    """Calls modules by name and checks what they promise."""

    lab: ServedLab
    capsys: pytest.CaptureFixture[str]
    connected: bool = True
    """Whether the modules are told how the API is reached."""

    def run(self, name: str, /, *, check: bool = False, **options: Any) -> Result:
        """The result of one call, a failure included. An option that is None is not given, the connection's too."""
        self.lab.clear_requests()
        main: Callable[[], None] = importlib.import_module(f"{MODULES}.{name}").main
        connection = self.lab.options() if self.connected else {}
        given = {**connection, **options, "_ansible_check_mode": check}
        arguments = {option: value for option, value in given.items() if value is not None}
        with patch_module_args(arguments), _own_process(), pytest.raises(SystemExit):
            main()
        assert undeclared(name, self.lab.requests()) == []
        result: Result = json.loads(self.capsys.readouterr().out)
        result.pop("invocation", None)
        # Newer releases of ansible-core hand warnings over as objects.
        if "warnings" in result:
            result["warnings"] = [
                item["event"]["msg"] if isinstance(item, dict) else item for item in result["warnings"]
            ]
        return result

    def ok(self, name: str, /, *, check: bool = False, **options: Any) -> Result:
        """The result of a call that has to succeed."""
        result = self.run(name, check=check, **options)
        assert not result.get("failed"), result["msg"]
        return result

    def message(self, name: str, /, **options: Any) -> str:
        """The message of a call that has to fail without writing anything, in check mode or not."""
        messages = []
        for check in (True, False):
            result = self.run(name, check=check, **options)
            assert result.get("failed"), result
            assert self.lab.writes() == []
            messages.append(result["msg"])
        assert messages[0] == messages[1]
        return str(messages[1])

    def converge(self, name: str, /, **options: Any) -> Result:
        """Check mode, the real run, and both again: the first two agree, the last two do nothing. The real result."""
        predicted = self.ok(name, check=True, **options)
        assert self.lab.writes() == [], "check mode wrote"
        real = self.ok(name, **options)
        assert (predicted["changed"], predicted["diff"]) == (real["changed"], real["diff"])
        assert predicted["plan"] == real["plan"]
        assert real["changed"], real["plan"]
        self.unchanged(name, **options)
        return real

    def unchanged(self, name: str, /, **options: Any) -> Result:
        """A call that finds everything as wished, in check mode and for real: no change and not one write."""
        for check in (True, False):
            result = self.ok(name, check=check, **options)
            assert not result["changed"], result["diff"]
            assert self.lab.writes() == []
        return result

    def limited(self, privileges: Mapping[str, Sequence[str]]) -> Modules:
        """The modules with a token that has exactly these privileges, by path: ``{"/vms/100": ["VM.Audit"]}``.

        As on a node, what is granted on a path holds below it too, until a path below is named: that replaces it.
        """
        client = connect(Connection.from_params(self.lab.options()))
        try:
            token = _limited_token(client, f"limited-{secrets.token_hex(4)}@pve", privileges)
        finally:
            client.close()
        return Modules(replace(self.lab, token_id=token["full-tokenid"], token_secret=token["value"]), self.capsys)

    def refusals(self, privileges: Mapping[str, Sequence[str]], name: str, /, **options: Any) -> dict[str, str]:
        """By `PRIVILEGE on PATH`: the message of a call that has all privileges but this one, and has to fail."""
        messages = {}
        for path, names in privileges.items():
            for missing in names:
                left = {**privileges, path: [other for other in names if other != missing]}
                result = self.limited(left).run(name, **options)
                assert result.get("failed"), f"{name} does not need {missing} on {path}"
                messages[f"{missing} on {path}"] = str(result["msg"])
        return messages

    def container(self, vmid: int = 200, **values: Any) -> None:
        """Make a container, by default a stopped one named `ct`, with a card on the bridge."""
        template = "vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"
        path = self.lab.api.file_path("local", template)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        known = {"hostname": "ct", "rootfs": "local-lvm:4", "net0": "name=eth0,bridge=vmbr0,ip=10.99.0.21/24"}
        params = {"vmid": vmid, "ostemplate": f"local:{template}", **known, **values}
        client = connect(Connection.from_params(self.lab.options()))
        try:
            wait_for_task(client, client.post(f"/nodes/{self.lab.node}/lxc", params), 60)
        finally:
            client.close()


def _limited_token(client: Client, userid: str, privileges: Mapping[str, Sequence[str]]) -> Result:
    """A privilege-separated token of a new administrator, and a role for each path."""
    client.post("/access/users", {"userid": userid})
    client.put("/access/acl", {"path": "/", "users": userid, "roles": "Administrator"})
    token: Result = client.post(f"/access/users/{userid}/token/exact", {"privsep": True})
    for index, (path, names) in enumerate(privileges.items()):
        role = f"{userid.partition('@')[0]}-{index}"
        client.post("/access/roles", {"roleid": role, "privs": ",".join(names)})
        client.put("/access/acl", {"path": path, "tokens": token["full-tokenid"], "roles": role})
    return token


def hurried(lab: ServedLab) -> ServedLab:
    """The lab, whose nodes need not take the seconds that a name which is not found takes."""
    lab.clock.rate = 100
    return lab


@pytest.fixture
def modules(lab_api: ServedLab, capsys: pytest.CaptureFixture[str]) -> Modules:
    """The collection's modules, connected to a lab API of this test's own."""
    return Modules(hurried(lab_api), capsys)


@pytest.fixture
def here(modules: Modules) -> Modules:
    """The same, not connected: for modules that use no API."""
    return replace(modules, connected=False)


@pytest.fixture
def cluster(lab_cluster_api: ServedLab, capsys: pytest.CaptureFixture[str]) -> Modules:
    """The same, connected to father of the cluster father, mother and son."""
    return Modules(hurried(lab_cluster_api), capsys)


ALL_OF_IT = Path(__file__).parent


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands over what it has seen; the whole run fails for endpoints that modules name and never write to."""
    handed = getattr(session.config, "workeroutput", None)
    if handed is not None:
        handed["writes"] = sorted(SEEN)
        return
    complete = [Path(argument).resolve() for argument in session.config.args] == [ALL_OF_IT]
    unseen = never_seen() if complete and session.exitstatus == pytest.ExitCode.OK else []
    if unseen:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
        for name, endpoint in unseen:
            reporter.write_line(f"module {name} declares {endpoint}, and no test has seen it write there", red=True)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker has seen."""
    SEEN.update((name, endpoint) for name, endpoint in getattr(node, "workeroutput", {}).get("writes", ()))
