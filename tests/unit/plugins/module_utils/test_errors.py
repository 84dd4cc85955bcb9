"""What errors say."""

from __future__ import annotations

import pytest
from ansible_collections.homelab.pve.plugins.module_utils import errors
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    CertificateError,
    CommandError,
    CommandTimeoutError,
    ConfigError,
    ConnectionError,
    FindingsError,
    HomelabPveError,
    HostNotFoundError,
    PermissionDeniedError,
    PveError,
    PVENotFoundError,
    StepFailedError,
    TaskFailedError,
    TaskTimeoutError,
)

UPID = "UPID:father:00002177:00059C28:6B003611:qmstart:100:root@pam:"
PVE = PveError(
    "POST", "/storage", 400, "Parameter verification failed.", errors={"path": "invalid format -\n absolute\n"}
)


def denied(why: str) -> PermissionDeniedError:
    return PermissionDeniedError("GET", "/x", 403, "", message=f"Permission check failed{why}\n")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConfigError("wrong"), "wrong"),
        (ConfigError("wrong", "a.yml", 3), "a.yml:3: wrong"),
        (HostNotFoundError("x", ["son", "father"]), "Host 'x' is not known. Known hosts: father, son."),
        (HostNotFoundError("x"), "Host 'x' is not known. Known hosts: none."),
        (
            ConnectionError("father", 8006, "Connection refused"),
            "Cannot reach father port 8006: Connection refused. "
            "Check that the host is up and that the address and port are right.",
        ),
        (CertificateError("a", 1, "expired", "Renew it."), "Cannot reach a port 1: expired. Renew it."),
        (
            PVENotFoundError("son", "pvesh"),
            "'pvesh' was not found on son. Check that Proxmox VE is installed there.",
        ),
        (CommandError(["qm", "start"], "son", 2, "no such VM\n"), "'qm' on son ended with exit status 2: no such VM"),
        (CommandError(["qm"], "son", 1, ""), "'qm' on son ended with exit status 1: (nothing on stderr)"),
        (CommandTimeoutError(["qm"], "son", 1.5), "'qm' on son did not end within 1.5 s and was stopped."),
        (PVE, "POST /storage: 400 Parameter verification failed (path: invalid format - absolute)."),
        (PveError("GET", "/x", 500, "got no worker"), "GET /x: 500 got no worker."),
        (
            denied(""),
            "GET /x: 403 Permission check failed. "
            "The module's documentation says which privileges it needs, and where.",
        ),
        (
            denied(" (/vms, VM.Audit)"),
            "GET /x: 403 Permission check failed (/vms, VM.Audit). "
            "Grant VM.Audit on /vms to the user, and to the token if it has privilege separation.",
        ),
        (
            denied(" (/vms/1, VM.Snapshot|VM.Snapshot.Rollback)"),
            "GET /x: 403 Permission check failed (/vms/1, VM.Snapshot|VM.Snapshot.Rollback). "
            "Grant VM.Snapshot or VM.Snapshot.Rollback on /vms/1 to the user, and to the token if it has privilege "
            "separation. Proxmox VE says the same of what does not exist.",
        ),
        (
            denied(" (user != root@pam)"),
            "GET /x: 403 Permission check failed (user != root@pam). "
            "Only root@pam may do this, with its password: no API token may.",
        ),
        (
            denied(" (URI '/x' not available with API token, need proper ticket.\n)"),
            "GET /x: 403 Permission check failed (URI '/x' not available with API token, need proper ticket. ). "
            "No API token may do this: set user and password instead.",
        ),
        (TaskFailedError(UPID, "no such VM\n"), f"The task failed: no such VM ({UPID})"),
        (
            TaskFailedError(UPID, "bad", [f"line {number}" for number in range(12)]),
            f"The task failed: bad ({UPID})\nIts last log lines:" + "".join(f"\n  line {n}" for n in range(2, 12)),
        ),
        (
            TaskTimeoutError(UPID, 5, ["copying 10%"]),
            f"The task {UPID} is still running after 5 s. It last said: copying 10%.",
        ),
        (TaskTimeoutError(UPID, 5), f"The task {UPID} is still running after 5 s. It has not logged anything yet."),
        (StepFailedError("start vm 1", PVE, [], []), f"Cannot start vm 1: {PVE}"),
        (
            StepFailedError("start vm 1", PVE, ["make it"], ["tag it", "go"]),
            f"Cannot start vm 1: {PVE}\nAlready done: make it.\nNot done: tag it, go.",
        ),
        (FindingsError("two failed", {"failures": []}), "two failed"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_text(error: HomelabPveError, text: str) -> None:
    assert str(error) == text


def test_the_tree_is_drawn_as_it_is() -> None:
    classes = [item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, HomelabPveError)]
    drawn = {line.strip("│├└─ ").split()[0]: line for line in (errors.__doc__ or "").splitlines() if line.strip()}
    assert {item.__name__ for item in classes} == {name for name in drawn if name.endswith("Error")}
