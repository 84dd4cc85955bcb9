"""Module guest_file against the lab's API."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from .conftest import Modules

AGENT = "/nodes/father/qemu/210/agent"
WHERE = "vm 210 (web) on father"
READ = f"Cannot read /etc/x in {WHERE}: GET {AGENT}/file-read: 500"
PART = "/etc/.x.4074fa01.part"


@pytest.fixture
def web(modules: Modules) -> Modules:
    """A running VM with an agent."""
    modules.ok("vm", name="web", vmid=210, clone="debian-12", state="started")
    return modules


def attributes(web: Modules, path: str = "/etc/x") -> str:
    """Mode, owner and group of a file of the guest."""
    return str(web.ok("guest_exec", vmid=210, argv=["stat", "-c", "%a %U %G", path])["stdout"])


def read(web: Modules, path: str = "/etc/x") -> str:
    """Content of a text file of the guest."""
    return str(web.ok("guest_file", vmid=210, path=path, state="read")["content"])


def test_a_file_is_made_changed_and_removed(web: Modules) -> None:
    made = web.converge("guest_file", name="web", path="/etc/x", content="one\n")
    assert made["plan"] == [f"make /etc/x in {WHERE}", f"write 4 bytes to /etc/x in {WHERE}"]
    assert made["diff"] == {"before": "", "after": "one\n", "before_header": "/etc/x", "after_header": "/etc/x"}
    assert (made["size"], made["sha256"]) == (4, hashlib.sha256(b"one\n").hexdigest())
    assert (made["file"], made["vmid"], made["name"], made["node"]) == ("/etc/x", 210, "web", "father")
    assert attributes(web) == "644 root root"

    changed = web.converge("guest_file", vmid=210, path="/etc/x", content="zw\u00f6lf \u20ac\n")
    assert changed["plan"] == [f"write 11 bytes to /etc/x in {WHERE}"]
    assert (changed["diff"]["before"], changed["diff"]["after"]) == ("one\n", "zw\u00f6lf \u20ac\n")
    assert read(web) == "zw\u00f6lf \u20ac\n"

    gone = web.converge("guest_file", vmid=210, path="/etc/x", state="absent")
    assert (gone["plan"], gone["size"], gone["sha256"]) == ([f"remove /etc/x in {WHERE}"], None, None)
    assert web.unchanged("guest_file", vmid=210, path="/etc/x", state="absent")["plan"] == [
        f"there is no /etc/x in {WHERE}"
    ]


def test_requests(web: Modules) -> None:
    web.ok("guest_file", vmid=210, path="/etc/x", content="1")
    web.ok("guest_file", vmid=210, path="/etc/x", content="1")
    assert [record.path.rpartition("/")[2] for record in web.lab.requests()] == ["resources", "file-read"]
    web.ok("guest_file", vmid=210, path="/etc/x", content="2")
    paths = [record.path.rpartition("/")[2] for record in web.lab.requests()]
    assert paths == ["resources", "file-read", "file-write", "file-read"]


def test_owner_and_mode_of_a_new_file(web: Modules) -> None:
    web.converge("guest_file", vmid=210, path="/etc/x", content="1", mode="0600", owner="www-data", group="daemon")
    assert attributes(web) == "600 www-data daemon"


@pytest.mark.parametrize(
    ("options", "steps", "after"),
    [
        ({"mode": "0640"}, [f"set the mode of /etc/x in {WHERE} to 0640"], "640 root root"),
        ({"owner": "daemon"}, [f"give /etc/x in {WHERE} to daemon"], "644 daemon root"),
        ({"group": "daemon"}, [f"give /etc/x in {WHERE} to :daemon"], "644 root daemon"),
        ({"owner": "daemon", "group": "daemon"}, [f"give /etc/x in {WHERE} to daemon:daemon"], "644 daemon daemon"),
        ({"mode": "agent"}, [], "644 root root"),
        ({}, [], "644 root root"),
    ],
)
def test_owner_and_mode_of_an_existing_file(
    web: Modules, options: dict[str, Any], steps: list[str], after: str
) -> None:
    web.ok("guest_file", vmid=210, path="/etc/x", content="1")
    changed = web.converge("guest_file", vmid=210, path="/etc/x", content="2", **options)
    assert changed["plan"] == [*steps, f"write 1 bytes to /etc/x in {WHERE}"]
    assert attributes(web) == after


def test_without_programs_in_the_guest(web: Modules) -> None:
    web.lab.api.inject({"kind": "block-agent", "vmid": 210, "commands": ["guest-exec", "guest-exec-status"]})
    web.converge("guest_file", vmid=210, path="/etc/x", content="1", mode="agent")
    web.lab.api.heal()
    assert attributes(web) == "666 root root"


@pytest.mark.parametrize("content", [b"", b"\n", bytes(range(256)), "\u00fc".encode("latin-1")], ids=str)
def test_any_bytes(web: Modules, content: bytes) -> None:
    given = base64.b64encode(content).decode()
    web.ok("guest_file", vmid=210, path="/etc/x", content="something else")
    web.converge("guest_file", vmid=210, path="/etc/x", content=given, encoding="base64")
    result = web.unchanged("guest_file", vmid=210, path="/etc/x", state="read", encoding="base64")
    assert (result["content"], result["encoding"], result["size"]) == (given, "base64", len(content))


def test_bytes_that_are_no_text_are_returned_in_base64(web: Modules) -> None:
    web.ok("guest_file", vmid=210, path="/etc/x", content="/A==", encoding="base64")
    result = web.ok("guest_file", vmid=210, path="/etc/x", state="read")
    assert (result["content"], result["encoding"]) == ("/A==", "base64")


def test_a_large_file(web: Modules, tmp_path: Path) -> None:
    source = tmp_path / "large"
    source.write_bytes(bytes(range(256)) * 400)
    made = web.converge("guest_file", vmid=210, path="/etc/x", src=str(source), mode="0600")
    assert made["plan"] == [
        f"make /etc/x in {WHERE}",
        f"make the temporary file {PART} in {WHERE}",
        "append bytes 1 to 43200 to it",
        "append bytes 43201 to 86400 to it",
        "append bytes 86401 to 102400 to it",
        "copy it over /etc/x",
        "remove the temporary file",
    ]
    assert made["diff"]["after"] == f"(102400 bytes, sha256 {made['sha256']})\n"
    assert made["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert attributes(web) == "600 root root"
    assert web.unchanged("guest_file", vmid=210, path=PART, state="absent")

    source.write_bytes(bytes(50000))
    web.converge("guest_file", vmid=210, path="/etc/x", src=str(source))
    assert attributes(web) == "600 root root"


def test_what_an_interrupted_run_left_is_no_harm(web: Modules, tmp_path: Path) -> None:
    web.ok("guest_file", vmid=210, path=PART, content="left over")
    source = tmp_path / "large"
    source.write_bytes(bytes(50000))
    web.converge("guest_file", vmid=210, path="/etc/x", src=str(source))


def test_a_lost_answer_is_no_harm(web: Modules) -> None:
    web.ok("guest_file", vmid=210, path="/etc/x", content="1")
    web.lab.api.inject(
        {"kind": "fail", "method": "POST", "path": f"{AGENT}/file-write", "status": 596, "message": "lost", "times": 1}
    )
    assert web.ok("guest_file", vmid=210, path="/etc/x", content="2")["changed"]
    assert read(web) == "2"


def test_a_file_that_is_not_there_cannot_be_read(web: Modules) -> None:
    assert web.message("guest_file", vmid=210, path="/etc/x", state="read") == (
        f"There is no file /etc/x in {WHERE}. Check the path."
    )


def test_a_file_that_is_too_large_cannot_be_read(web: Modules) -> None:
    web.lab.call(web.lab.api.driver.write_file(210, "/etc/x", bytes(16 * 1024 * 1024)))
    assert web.message("guest_file", vmid=210, path="/etc/x", state="read") == (
        f"/etc/x in {WHERE} has 16777216 bytes or more, which Proxmox VE does not read. Copy it over SSH."
    )
    assert web.converge("guest_file", vmid=210, path="/etc/x", content="1")["size"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"path": "/etc"},
            f"Cannot read /etc in {WHERE}: GET {AGENT}/file-read: 500 Agent error: failed to read file: Is a "
            "directory.\nThe path is a folder's: give that of a file.",
        ),
        (
            {"path": "/no/x", "mode": "agent"},
            f"Cannot write 1 bytes to /no/x in {WHERE}: POST {AGENT}/file-write: 500 Agent error: failed to open file "
            "'/no/x' (mode: 'wb'): No such file or directory.\nCheck that the folder exists in the guest.",
        ),
        (
            {"path": "/no/x"},
            f"Cannot make /no/x in {WHERE}: 'install' on {WHERE} ended with exit status 1: "
            "install: No such file or directory\nNot done: write 1 bytes to /no/x in vm 210 (web) on father.",
        ),
        (
            {"path": "/etc/x", "owner": "nobody"},
            f"Cannot make /etc/x in {WHERE}: 'install' on {WHERE} ended with exit status 1: "
            "install: invalid user 'nobody'\nNot done: write 1 bytes to /etc/x in vm 210 (web) on father.",
        ),
    ],
)
def test_what_the_guest_refuses(web: Modules, options: dict[str, Any], message: str) -> None:
    assert web.run("guest_file", vmid=210, content="1", **options)["msg"] == message


def test_a_guest_that_is_off(modules: Modules) -> None:
    modules.ok("vm", name="web", vmid=210, clone="debian-12")
    assert modules.message("guest_file", vmid=210, path="/etc/x", content="1") == (
        f"{READ} VM 210 is not running.\nStart it first (module vm, state: started)."
    )


def test_an_agent_that_may_not_touch_files(web: Modules) -> None:
    web.lab.api.inject({"kind": "block-agent", "vmid": 210, "commands": ["guest-file-open"]})
    assert web.message("guest_file", vmid=210, path="/etc/x", content="1") == (
        f"{READ} Agent error: Command guest-file-open has been disabled: the command is not allowed.\n"
        "The agent's own configuration in the guest forbids it, as Red Hat's images do: allow it in "
        "/etc/sysconfig/qemu-ga or /etc/qemu/qemu-ga.conf there, and restart qemu-guest-agent."
    )


def test_what_reads_back_differently_is_told(web: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    async def half(vmid: int, path: str, content: bytes) -> None:
        await written(vmid, path, content[: len(content) // 2])

    written = web.lab.api.driver.write_file
    monkeypatch.setattr(web.lab.api.driver, "write_file", half)
    assert web.run("guest_file", vmid=210, path="/etc/x", content="1234")["msg"] == (
        f"Cannot see what became of it: /etc/x in {WHERE} reads back differently: expected 4 bytes, found 2 bytes. "
        "Check that its file system has room, and that nothing else writes to it.\n"
        f"Already done: make /etc/x in {WHERE}, write 4 bytes to /etc/x in {WHERE}."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vmid": 210}, "missing required arguments: path"),
        ({"path": "/etc/x", "content": "1"}, "one of the following is required: vmid, name"),
        (
            {"vmid": 210, "path": "/etc/x"},
            "state is present but any of the following are missing: content, src",
        ),
        (
            {"vmid": 210, "path": "/etc/x", "content": "1", "src": "/x"},
            "parameters are mutually exclusive: content|src",
        ),
        (
            {"vmid": 210, "path": "etc/x", "content": "1"},
            "Option 'path': 'etc/x' is not the absolute path of a file in the guest, as /etc/motd is.",
        ),
        (
            {"vmid": 210, "path": "/etc/", "content": "1"},
            "Option 'path': '/etc/' is not the absolute path of a file in the guest, as /etc/motd is.",
        ),
        (
            {"vmid": 210, "path": "/etc/x", "content": "1", "state": "read"},
            "Option 'content' is for state: present. Leave it out for state: read.",
        ),
        (
            {"vmid": 210, "path": "/etc/x", "mode": "0600", "state": "absent"},
            "Option 'mode' is for state: present. Leave it out for state: absent.",
        ),
        (
            {"vmid": 210, "path": "/etc/x", "content": "1", "mode": 0o644},
            "Option 'mode' is the number 420: YAML reads 0644 as 420. Put it in quotes: '0644'.",
        ),
        (
            {"vmid": 210, "path": "/etc/x", "content": "1", "mode": "u=rw"},
            "Option 'mode': 'u=rw' is not a mode such as '0644', nor 'agent'.",
        ),
        (
            {"vmid": 210, "path": "/etc/x", "content": "1", "mode": "agent", "group": "root"},
            "Option 'group' needs a program in the guest, which mode: agent forbids.",
        ),
        (
            {"vmid": 210, "path": "/etc/x", "content": "1", "owner": ""},
            "Option 'owner' is empty. Name an account of the guest, or leave the option out.",
        ),
        (
            {"vmid": 210, "path": "/etc/x", "content": "1", "wait_timeout": -1},
            "Option 'wait_timeout' is -1; it has to be 0 or more.",
        ),
        (
            {"vmid": 210, "path": "/etc/x", "content": "%", "encoding": "base64"},
            "Option 'content' is not base64, as encoding: base64 says: Only base64 data is allowed.",
        ),
        (
            {"vmid": 210, "path": "/etc/x", "src": "/nowhere/x"},
            "Option 'src': cannot read /nowhere/x: No such file or directory.",
        ),
        (
            {"vmid": 210, "path": "/etc/x", "content": "x" * 43201, "mode": "agent"},
            "The content for /etc/x has 43201 bytes. More than 43200 bytes need a shell in the guest, which mode: "
            "agent forbids. Give a mode such as '0644'.",
        ),
        (
            {"vmid": 210, "path": "/etc/x", "content": "x" * 16777216},
            "The content for /etc/x has 16777216 bytes. Proxmox VE reads less than 16777216 bytes of a guest's file, "
            "so more could not be compared. Let the guest fetch it, or copy it over SSH.",
        ),
        (
            {"vmid": 4711, "path": "/etc/x", "content": "1"},
            "There is no guest with vmid 4711. Check the vmid.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_input(web: Modules, options: dict[str, object], message: str) -> None:
    assert web.message("guest_file", **options) == message


AUDIT, READS, WRITES = "VM.Audit", "VM.GuestAgent.FileRead", "VM.GuestAgent.FileWrite"
ALL = "VM.GuestAgent.Unrestricted"
FILE: dict[str, Any] = {"vmid": 210, "path": "/etc/x", "content": "1"}


@pytest.mark.parametrize(
    ("privileges", "options"),
    [
        ([AUDIT, READS, WRITES], {"mode": "agent"}),
        ([AUDIT, ALL], {}),
        ([AUDIT, ALL], {"mode": "0600", "owner": "daemon"}),
        ([AUDIT, ALL], {"content": "x" * 43201}),
    ],
)
def test_least_privileges(web: Modules, privileges: list[str], options: dict[str, Any]) -> None:
    limited = web.limited({"/vms/210": privileges})
    limited.converge("guest_file", **{**FILE, **options})
    for index, missing in enumerate(privileges):
        web.run("guest_file", vmid=210, path="/etc/x", state="absent")
        fewer = web.limited({"/vms/210": [*privileges[:index], *privileges[index + 1 :]]})
        message = fewer.run("guest_file", **{**FILE, **options})["msg"]
        assert missing in message
        assert fewer.lab.writes() == []


def test_least_privileges_to_read_and_remove(web: Modules) -> None:
    web.ok("guest_file", **FILE)
    assert web.limited({"/vms/210": [AUDIT, READS]}).ok("guest_file", vmid=210, path="/etc/x", state="read")
    assert (
        "VM.GuestAgent.Unrestricted"
        in web.limited({"/vms/210": [AUDIT, READS, WRITES]}).run("guest_file", vmid=210, path="/etc/x", state="absent")[
            "msg"
        ]
    )
    assert web.limited({"/vms/210": [AUDIT, ALL]}).ok("guest_file", vmid=210, path="/etc/x", state="absent")["changed"]
