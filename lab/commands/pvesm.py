# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pvesm (PVE/CLI/pvesm.pm of pve-storage)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from lab.commands import client, passwords
from lab.commands.client import CommandError
from lab.commands.command import Alias, Answered, Command, Show, Tree, formatted, lines, own, refusing
from lab.commands.options import Values

KIB = 1024
# Version and age of the storage plugins' interface (APIVER, APIAGE of PVE/Storage.pm, PVE 9).
API_VERSION, API_AGE = 15, 6
NODE = "/nodes/{node}"
STORAGES = NODE + "/storage"
CONTENT = STORAGES + "/{storage}/content"
VOLUME = {"type": "string", "format": "pve-volume-id"}
TEXT, TEXT_OR_NOT = {"type": "string"}, {"type": "string", "optional": 1}
FLAG = {"type": "boolean", "optional": 1}
# Volumes on their way from one of PVE's programs to another; the lab moves them itself.
STREAM: Mapping[str, Mapping[str, Any]] = {
    "volume": TEXT,
    "format": TEXT,
    "filename": TEXT,
    "base": TEXT_OR_NOT,
    "snapshot": TEXT_OR_NOT,
    "with_snapshots": FLAG,
}
NO_STREAMS = "not in the lab, which moves volumes itself"
KEEPS = ("keep-all", "keep-last", "keep-hourly", "keep-daily", "keep-weekly", "keep-monthly", "keep-yearly")


def status_table(answered: Answered) -> str:
    """``pvesm status``: sizes in KiB."""
    rows = sorted(answered.data, key=lambda row: str(row["storage"]))
    width = max([len(row["storage"]) for row in rows] + [0]) + 1
    head = ("Name", "Type", "Status", "Total (KiB)", "Used (KiB)", "Available (KiB)", "%")
    shown = "{:<{width}} {:>10} {:>10} {:>15} {:>15} {:>15} {:>8}"
    return lines([shown.format(*cells, width=width) for cells in (head, *map(_status_cells, rows))])


def _status_cells(row: Mapping[str, Any]) -> tuple[object, ...]:
    total, used, free = (int(row.get(key) or 0) for key in ("total", "used", "avail"))
    state = ("active" if row.get("active") else "inactive") if row.get("enabled") else "disabled"
    share = f"{100 * used / total if total else 0:7.2f}%" if row.get("enabled") else "N/A"
    return (row["storage"], row["type"], state, total // KIB, used // KIB, free // KIB, share)


def content_table(answered: Answered) -> str:
    """``pvesm list``: what belongs to a guest first, then the rest by format."""
    rows: list[Mapping[str, Any]] = answered.data
    name = max([len(row["volid"]) for row in rows] + [0])
    size = max(len(str(max([int(row.get("size") or 0) for row in rows] + [0]))), 1)
    shown = f"{{:<{name}}} {{:<7}} {{:<9}} {{:>{size}}}"
    owned = [row for row in rows if row.get("vmid")]
    others = sorted((row for row in rows if not row.get("vmid")), key=lambda row: str(row["format"]))
    texts = ((row["volid"], row["format"], row["content"], row.get("size", "-")) for row in (*owned, *others))
    cells = [shown.format(*text) for text in texts]
    numbers = [f" {int(row['vmid'])}" for row in owned] + [""] * len(others)
    head = shown.format("Volid", "Format", "Type", "Size") + " VMID"
    return lines([head, *(f"{line}{number}" for line, number in zip(cells, numbers, strict=True))])


def pairs(first: str, second: str) -> Show:
    """A table of two columns without a header."""

    def show(answered: Answered) -> str:
        width = max([len(row[first]) for row in answered.data] + [0])
        return lines([f"{row[first]:<{width}} {row.get(second, '')}" for row in answered.data])

    return show


def names(key: str) -> Show:
    """One value of each row."""
    return lambda answered: lines([row[key] for row in answered.data])


def storage_of(volume: str) -> str:
    """The storage of a volume id. Raises CommandError with PVE's words."""
    storage, separator, name = volume.partition(":")
    if not (separator and name):
        raise CommandError(f"unable to parse volume ID '{volume}'")
    return storage


def in_storage(values: Values) -> Values:
    """The storage a volume id names, when it is not given."""
    return {"storage": storage_of(str(values["volume"])), **values}


def path(values: Values) -> str:
    """``pvesm path``."""
    volume = str(values["volume"])
    data = client.call("GET", f"/nodes/{client.node()}/storage/{storage_of(volume)}/content/{volume}")
    return lines([data["path"]])


def extract_config(values: Values) -> str:
    """``pvesm extractconfig``: the configuration that an archive holds."""
    return lines([client.call("GET", f"/nodes/{client.node()}/vzdump/extractconfig", {"volume": values["volume"]})])


def prune(values: Values) -> str:
    """``pvesm prune-backups``: with ``--dry-run`` only what would go."""
    dry = values.pop("dry-run", 0)
    kept = ",".join(f"{name}={values.pop(name)}" for name in KEEPS if name in values)
    given = {**values, **({"prune-backups": kept} if kept else {})}
    place = f"/nodes/{client.node()}/storage/{given.pop('storage')}/prunebackups"
    if dry:
        return _preview(client.call("GET", place, given))
    client.call("DELETE", place, given)
    return ""


def _preview(found: list[Mapping[str, Any]]) -> str:
    if not found:
        return "No backups found\n"
    rows = sorted(found, key=lambda row: (int(row.get("vmid") or 0), int(row["ctime"])))
    width = max(len(row["volid"]) for row in rows) + 1
    note = (
        "NOTE: this is only a preview and might not be what a subsequent",
        "prune call does if backups are removed/added in the meantime.",
        "",
    )
    cells = [("Backup", "Backup-ID", "Prune-Mark")]
    cells += [(row["volid"], _backup_id(row), row["mark"]) for row in rows]
    return lines([*note, *(f"{one:<{width}} {two:>15} {three:>10}" for one, two, three in cells)])


def _backup_id(row: Mapping[str, Any]) -> str:
    return f"{row['type']}/{row['vmid']}" if row.get("vmid") else str(row["type"])


def read_files(values: Values) -> Values:
    """Keys that the command line names by their files."""
    for name, make in FILES.items():
        if name in values:
            values[name] = make(str(values[name]))
    return values


FILES = {
    "encryption-key": lambda name: name if name == "autogen" else passwords.of_file(name),
    "master-pubkey": lambda name: base64.b64encode(passwords.of_file(name).encode()).decode(),
    "keyring": passwords.of_file,
}


def _scan(kind: str, *words: str, show: Show, **more: object) -> Command:
    section = "PVE::API2::Storage::Scan"
    return Command("GET", f"{NODE}/scan/{kind}", words, show, section=section, **more)  # type: ignore[arg-type]


def _configured(method: str, place: str, *words: str) -> Command:
    return Command(
        method,
        place,
        words,
        prepare=read_files,
        ask={"password": passwords.once},
        section="PVE::API2::Storage::Config",
    )


PVESM: Tree = {
    "add": _configured("POST", "/storage", "type", "storage"),
    "set": _configured("PUT", "/storage/{storage}", "storage"),
    "remove": Command("DELETE", "/storage/{storage}", ("storage",), section="PVE::API2::Storage::Config"),
    "status": Command("GET", STORAGES, (), status_table, section="PVE::API2::Storage::Status"),
    "list": Command("GET", CONTENT, ("storage",), content_table, section="PVE::API2::Storage::Content"),
    "alloc": Command(
        "POST",
        CONTENT,
        ("storage", "vmid", "filename", "size"),
        lambda answered: f"successfully created '{answered.data}'\n",
        section="PVE::API2::Storage::Content",
    ),
    "free": Command(
        "DELETE", CONTENT + "/{volume}", ("volume",), prepare=in_storage, section="PVE::API2::Storage::Content"
    ),
    "scan": {
        "nfs": _scan("nfs", "server", show=pairs("path", "options")),
        "cifs": _scan("cifs", "server", show=pairs("share", "description"), ask={"password": passwords.once}),
        "iscsi": _scan("iscsi", "portal", show=pairs("target", "portal")),
        "lvm": _scan("lvm", show=names("vg")),
        "lvmthin": _scan("lvmthin", "vg", show=names("lv")),
        "pbs": _scan("pbs", "server", "username", show=formatted, formats=True, ask={"password": passwords.once}),
        "zfs": _scan("zfs", show=names("pool")),
    },
    **{f"{kind}scan": Alias(f"scan {kind}") for kind in ("nfs", "cifs", "iscsi", "lvm", "lvmthin", "zfs")},
    "path": own(path, ("volume",), volume=VOLUME),
    "extractconfig": own(extract_config, ("volume",), volume=TEXT),
    "export": own(refusing(NO_STREAMS), ("volume", "format", "filename"), **STREAM, snapshot_list=TEXT_OR_NOT),
    "import": own(
        refusing(NO_STREAMS),
        ("volume", "format", "filename"),
        **STREAM,
        allow_rename=FLAG,
        delete_snapshot=TEXT_OR_NOT,
    ),
    "apiinfo": own(lambda _values: lines([f"APIVER {API_VERSION}", f"APIAGE {API_AGE}"])),
    "prune-backups": own(
        prune,
        ("storage",),
        storage={"type": "string", "format": "pve-storage-id"},
        dry_run=FLAG,
        type={"type": "string", "optional": 1, "enum": ["qemu", "lxc"]},
        vmid={"type": "integer", "format": "pve-vmid", "optional": 1},
        keep_all=FLAG,
        **{name.replace("-", "_"): {"type": "integer", "minimum": 0, "optional": 1} for name in KEEPS[1:]},
    ),
}
