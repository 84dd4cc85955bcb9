# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""qm (PVE/CLI/qm.pm of qemu-server)."""

from __future__ import annotations

from urllib.parse import quote

from lab.commands import guest_text, passwords, qm_own
from lab.commands.command import Alias, Answered, Command, Tree, as_line, by_task, lines, own, refusing
from lab.commands.guest_agent import agent_result, guest_cmd, guest_exec
from lab.commands.options import Values

GIB, MIB = 1024**3, 1024**2
QEMU = "/nodes/{node}/qemu"
VM = QEMU + "/{vmid}"
SECTION, AGENT = "PVE::API2::Qemu", "PVE::API2::Qemu::Agent"
VMID = {"type": "integer", "format": "pve-vmid", "minimum": 100, "maximum": 999999999}
FLAG = {"type": "boolean", "optional": 1}
TEXT = {"type": "string"}
TEXT_OR_NOT = {"type": "string", "optional": 1}


def _of(method: str, path: str, *words: str, **more: object) -> Command:
    return Command(method, path, words, section=SECTION, **more)  # type: ignore[arg-type]


def _task(method: str, path: str, *words: str) -> Command:
    return _of(method, path, *words, show=by_task)


def vm_table(answered: Answered) -> str:
    """``qm list``; nothing without a VM."""
    rows = sorted(answered.data, key=lambda row: int(row["vmid"]))
    head = "{:>10} {:<20} {:<10} {:<10} {:>12} {:<10}".format(
        "VMID", "NAME", "STATUS", "MEM(MB)", "BOOTDISK(GB)", "PID"
    )
    body = [
        f"{row['vmid']:>10} {row.get('name', ''):<20} {row.get('qmpstatus') or row['status']:<10} "
        f"{int(row.get('maxmem') or 0) // MIB:<10} {int(row.get('maxdisk') or 0) / GIB:>12.2f} "
        f"{row.get('pid') or 0:<10}"
        for row in rows
    ]
    return lines([head, *body]) if rows else ""


def read_keys(values: Values) -> Values:
    """On the command line ``--sshkeys`` names a file; the API takes its content, URL-encoded."""
    if "sshkeys" in values:
        values["sshkeys"] = quote(passwords.of_file(str(values["sshkeys"])), safe="")
    return values


def changed(answered: Answered) -> str:
    """``qm set`` says what it changes (update_vm in PVE/API2/Qemu.pm)."""
    values = {name: value for name, value in read_keys(dict(answered.values)).items() if name not in ("vmid", "digest")}
    told = " ".join(f"-{name} {'<hidden>' if name == 'cipassword' else values[name]}" for name in sorted(values))
    return f"update VM {answered.values['vmid']}: {told}\n"


def _configured(command: Command) -> Command:
    return Command(**{**vars(command), "prepare": read_keys, "ask": {"cipassword": passwords.confirmed}})


NO_QEMU = "not in the lab, whose VMs have no QEMU"

QM: Tree = {
    "list": _of("GET", QEMU, show=vm_table),
    "create": _configured(_task("POST", QEMU, "vmid")),
    "destroy": _task("DELETE", VM, "vmid"),
    "clone": _task("POST", VM + "/clone", "vmid", "newid"),
    "migrate": _task("POST", VM + "/migrate", "vmid", "target"),
    "remote-migrate": _task("POST", VM + "/remote_migrate", "vmid", "target-vmid", "target-endpoint"),
    "set": _configured(_of("PUT", VM + "/config", "vmid", show=changed)),
    "config": _of("GET", VM + "/config", "vmid", show=guest_text.config),
    "pending": _of("GET", VM + "/pending", "vmid", show=guest_text.pending),
    "snapshot": _task("POST", VM + "/snapshot", "vmid", "snapname"),
    "delsnapshot": _task("DELETE", VM + "/snapshot/{snapname}", "vmid", "snapname"),
    "listsnapshot": _of("GET", VM + "/snapshot", "vmid", show=guest_text.snapshot_tree),
    "rollback": _task("POST", VM + "/snapshot/{snapname}/rollback", "vmid", "snapname"),
    "template": _of("POST", VM + "/template", "vmid"),
    **{
        name: _task("POST", f"{VM}/status/{name}", "vmid")
        for name in ("start", "stop", "reset", "shutdown", "reboot", "suspend", "resume")
    },
    "sendkey": _of("PUT", VM + "/sendkey", "vmid", "key"),
    "status": own(qm_own.status, ("vmid",), vmid=VMID, verbose=FLAG),
    "showcmd": own(qm_own.showcmd, ("vmid",), vmid=VMID, pretty={**FLAG, "default": 0}, snapshot=TEXT_OR_NOT),
    "wait": own(qm_own.wait, ("vmid",), vmid=VMID, timeout={"type": "integer", "minimum": 1, "optional": 1}),
    "unlock": own(qm_own.unlock, ("vmid",), vmid=VMID),
    "monitor": own(qm_own.monitor, ("vmid",), vmid=VMID),
    "terminal": own(
        qm_own.terminal,
        ("vmid",),
        vmid=VMID,
        iface={"type": "string", "optional": 1, "enum": ["serial0", "serial1", "serial2", "serial3"]},
        escape={"type": "string", "optional": 1, "default": "^O"},
    ),
    "vncproxy": own(qm_own.vncproxy, ("vmid",), vmid=VMID),
    "nbdstop": own(refusing(NO_QEMU), ("vmid",), vmid=VMID),
    "mtunnel": own(refusing(NO_QEMU)),
    "enroll-efi-keys": own(refusing(NO_QEMU), ("vmid",), vmid=VMID),
    "importovf": own(
        refusing(NO_QEMU),
        ("vmid", "manifest", "storage"),
        vmid=VMID,
        manifest=TEXT,
        storage=TEXT,
        dryrun=FLAG,
        format=TEXT_OR_NOT,
    ),
    "import": own(refusing(NO_QEMU), ("vmid", "source"), vmid=VMID, source=TEXT, storage=TEXT),
    "importdisk": Alias("disk import"),
    "move-disk": Alias("disk move"),
    "move_disk": Alias("disk move"),
    "rescan": Alias("disk rescan"),
    "resize": Alias("disk resize"),
    "unlink": Alias("disk unlink"),
    "agent": Alias("guest cmd"),
    "disk": {
        "import": own(
            qm_own.import_disk,
            ("vmid", "source", "storage"),
            vmid=VMID,
            source=TEXT,
            storage=TEXT,
            format={"type": "string", "enum": ["raw", "qcow2", "vmdk"], "optional": 1},
            target_disk=TEXT_OR_NOT,
        ),
        "move": _task("POST", VM + "/move_disk", "vmid", "disk", "storage"),
        "rescan": own(qm_own.rescan, vmid={**VMID, "optional": 1}, dryrun={**FLAG, "default": 0}),
        "resize": _of("PUT", VM + "/resize", "vmid", "disk", "size"),
        "unlink": _of("PUT", VM + "/unlink", "vmid"),
    },
    "guest": {
        "cmd": own(guest_cmd, ("vmid", "command"), vmid=VMID, command={"type": "string"}),
        "passwd": Command(
            "POST",
            VM + "/agent/set-user-password",
            ("vmid", "username"),
            ask={"password": passwords.confirmed},
            section=AGENT,
        ),
        "exec": own(
            guest_exec,
            ("vmid", "extra-args"),
            vmid=VMID,
            synchronous={**FLAG, "default": 1},
            timeout={"type": "integer", "minimum": 0, "optional": 1, "default": 30},
            pass_stdin={**FLAG, "default": 0},
            extra_args={"type": "array", "optional": 1},
        ),
        "exec-status": Command("GET", VM + "/agent/exec-status", ("vmid", "pid"), agent_result, section=AGENT),
    },
    "cloudinit": {
        "dump": _of("GET", VM + "/cloudinit/dump", "vmid", "type", show=as_line),
        "pending": _of("GET", VM + "/cloudinit", "vmid", show=guest_text.pending),
        "update": _of("PUT", VM + "/cloudinit", "vmid"),
    },
}

# The whole of qmrestore: the archive comes first on the command line.
QMRESTORE = Command(
    "POST",
    QEMU,
    ("archive", "vmid"),
    by_task,
    properties={"archive": {"type": "string", "maxLength": 255}},
)
