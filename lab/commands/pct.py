# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pct (PVE/CLI/pct.pm of pve-container); what it does inside a container is in :mod:`lab.commands.containers`."""

from __future__ import annotations

from lab.commands import client, container_files, containers, guest_text, passwords, qm_own
from lab.commands.command import Alias, Answered, Command, Tree, by_task, lines, own
from lab.commands.containers import INSIDE
from lab.commands.options import Values

LXC = "/nodes/{node}/lxc"
CT = LXC + "/{vmid}"
SECTION = "PVE::API2::LXC"
VMID = {"type": "integer", "format": "pve-vmid", "minimum": 100, "maximum": 999999999}
FLAG = {"type": "boolean", "optional": 1}


def _of(method: str, path: str, *words: str, section: str = SECTION, **more: object) -> Command:
    return Command(method, path, words, section=section, **more)  # type: ignore[arg-type]


def _task(method: str, path: str, *words: str, section: str = SECTION) -> Command:
    return _of(method, path, *words, section=section, show=by_task)


def ct_table(answered: Answered) -> str:
    """``pct list``; nothing without a container."""
    rows = sorted(answered.data, key=lambda row: int(row["vmid"]))
    head = "{:<10} {:<10} {:<12} {:<20}".format("VMID", "Status", "Lock", "Name")
    body = [
        f"{row['vmid']:<10} {row['status']:<10} {row.get('lock') or '':<12} {row.get('name', ''):<20}" for row in rows
    ]
    return lines([head, *body]) if rows else ""


def status(values: Values) -> str:
    """``pct status``: one line, or with ``--verbose`` all there is."""
    data = client.call("GET", f"/nodes/{client.node()}/lxc/{values['vmid']}/status/current")
    if not values.get("verbose"):
        return f"status: {data.get('status') or 'unknown'}\n"
    return lines([f"{key}: {data[key]}" for key in sorted(data) if key != "cpu" and data[key] is not None])


def unlock(values: Values) -> None:
    """``pct unlock``."""
    client.local("unlock", {"kind": "lxc", "vmid": values["vmid"], "node": client.node()})


def rescan(values: Values) -> str:
    """``pct rescan``: volumes that no configuration names become unused ones."""
    client.local("rescan", {"kind": "lxc", "node": client.node(), **values})
    return qm_own.rescanned(values)


def read_keys(values: Values) -> Values:
    """On the command line ``--ssh-public-keys`` names a file."""
    if "ssh-public-keys" in values:
        values["ssh-public-keys"] = passwords.of_file(str(values["ssh-public-keys"]))
    return values


def _created(fixed: dict[str, object]) -> Command:
    return Command(
        "POST",
        LXC,
        ("vmid", "ostemplate"),
        by_task,
        fixed=fixed,
        prepare=read_keys,
        ask={"password": passwords.confirmed},
        section=SECTION,
    )


PCT: Tree = {
    **containers.INSIDE,
    **container_files.OUTSIDE,
    "list": _of("GET", LXC, show=ct_table),
    "config": _of("GET", CT + "/config", "vmid", show=guest_text.config, section=f"{SECTION}::Config"),
    "set": _of("PUT", CT + "/config", "vmid", section=f"{SECTION}::Config"),
    "pending": _of("GET", CT + "/pending", "vmid", show=guest_text.pending),
    "resize": _of("PUT", CT + "/resize", "vmid", "disk", "size"),
    "create": _created({}),
    "restore": _created({"restore": 1}),
    "destroy": _task("DELETE", CT, "vmid"),
    "clone": _task("POST", CT + "/clone", "vmid", "newid"),
    "migrate": _task("POST", CT + "/migrate", "vmid", "target"),
    "remote-migrate": _task("POST", CT + "/remote_migrate", "vmid", "target-vmid", "target-endpoint"),
    "move-volume": _task("POST", CT + "/move_volume", "vmid", "volume", "storage", "target-vmid", "target-volume"),
    "move_volume": Alias("move-volume"),
    "template": _of("POST", CT + "/template", "vmid"),
    **{
        name: _task("POST", f"{CT}/status/{name}", "vmid", section=f"{SECTION}::Status")
        for name in ("start", "stop", "shutdown", "reboot", "suspend", "resume")
    },
    "snapshot": _task("POST", CT + "/snapshot", "vmid", "snapname", section=f"{SECTION}::Snapshot"),
    "delsnapshot": _task("DELETE", CT + "/snapshot/{snapname}", "vmid", "snapname", section=f"{SECTION}::Snapshot"),
    "rollback": _task("POST", CT + "/snapshot/{snapname}/rollback", "vmid", "snapname", section=f"{SECTION}::Snapshot"),
    "listsnapshot": _of("GET", CT + "/snapshot", "vmid", show=guest_text.snapshot_tree, section=f"{SECTION}::Snapshot"),
    "status": own(status, ("vmid",), vmid=VMID, verbose=FLAG),
    "unlock": own(unlock, ("vmid",), vmid=VMID),
    "rescan": own(rescan, vmid={**VMID, "optional": 1}, dryrun={**FLAG, "default": 0}),
    **INSIDE,
}
