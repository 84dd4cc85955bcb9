# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that copy the volumes of a guest to another node (API schema: ``/cluster/replication``).

Parameters of the schema that are no options: ``source`` is PVE's own note of the node the guest was on; ``remove_job``
is what a removal writes into the job.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    DESCRIPTION,
    NUMBER,
    Json,
    matching,
    truth,
    within,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    BOUND,
    Field,
    Options,
    Plan,
    Reader,
    Step,
    Until,
    Values,
    parsed,
    url,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError, RefusedError, TaskFailedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.calendar import check_schedule
from ansible_collections.homelab.pve.plugins.module_utils.resources.presence import check_guests
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

ID = Field(
    "id", matching(r"[1-9]\d{2,8}-\d{1,9}", "the id of a replication job: a vmid, '-' and a number, such as 100-0")
)
SCHEDULE = "*/15"
FIELDS: tuple[Field, ...] = (
    Field("target", create_only=True),
    Field("schedule", default=SCHEDULE),
    Field("rate", within(NUMBER, 1)),
    Field("comment", DESCRIPTION),
    Field("disable", BOOLEAN, default=False),
)
REMOVAL = ("force", "keep")
"""Options of a removal, which are PVE's parameters of it."""

ADVICE: Values = {
    "missing replicate feature on volume": (
        "Its storage can't be replicated: move the volume to a ZFS pool that the target has, too, or set replicate=0 "
        "on the disk."
    ),
    "No replicatable volumes found": "The guest has no volume on a ZFS pool that is to be replicated.",
    "to target '.*' already exists": "Change that job; the module replication_info lists the jobs.",
}

SECTION = Section(
    kind="replication job",
    keys=("id",),
    collection="/cluster/replication",
    item="/cluster/replication/{}",
    missing=r"no such replication job '",
    fields=FIELDS,
    key_params={"id": "id"},
    required=("target",),
    options={
        "force": {"type": "bool", "default": False},
        "keep": {"type": "bool", "default": False},
        "schedule_now": {"type": "bool", "default": False},
        "wait_timeout": {"type": "float", "default": 900},
    },
    advice=ADVICE,
    result=lambda have: {name: have.get(name) for name in ("id", "guest", "source")},
)


@dataclass(frozen=True)
class Found:
    """A job, None when there is none, the node its guest is on, and when it last ran, in seconds since 1970."""

    row: Values | None
    node: str = ""
    last_try: int = 0


def describe(read: Reader, wish: Values) -> Found:
    """The job. Raises RefusedError for a guest or a target that isn't there, ConfigError for a wrong schedule."""
    vmid = int(str(parsed((ID,), wish)["id"]).partition("-")[0])
    row: Values | None = SECTION.describe(read, wish)
    if wish["state"] == "absent" or BOUND in wish:
        return Found(row)
    if row and row.get("remove_job"):
        raise RefusedError(
            f"Replication job {wish['id']} is being removed. Run again when it is gone, or remove it at once (state: "
            "absent and force: true)."
        )
    if wish.get("schedule") and wish["schedule"] != (row or {}).get("schedule", SCHEDULE):
        check_schedule(read, wish["schedule"])
    if row is None:
        return Found(None, _source(read, wish, vmid))
    return Found(row, *_last_run(read, wish, row, vmid))


def _source(read: Reader, wish: Values, vmid: int) -> str:
    """The node of the guest, which is not the target's."""
    node = str(check_guests(read, [vmid])[vmid]["node"])
    target = wish.get("target")
    known = sorted(str(row["node"]) for row in read.get("/nodes"))
    others = ", ".join(name for name in known if name != node) or "none"
    if target == node:
        raise RefusedError(
            f"Cannot replicate the guest with vmid {vmid} to {target}: it is on that node. The other nodes are "
            f"{others}."
        )
    if target and target not in known:
        raise RefusedError(
            f"Cannot replicate the guest with vmid {vmid} to {target}: there is no such node. The other nodes are "
            f"{others}."
        )
    return node


def _last_run(read: Reader, wish: Values, row: Values, vmid: int) -> tuple[str, int]:
    """Where the job runs and when it last did; only read for one that is to run now."""
    if not wish.get("schedule_now"):
        return "", 0
    node = str(check_guests(read, [vmid])[vmid]["node"])
    return node, _time(read.get(url("/nodes/{}/replication/{}/status", node, row["id"])))


def _time(status: Values) -> int:
    return int(status.get("last_try") or 0)


def plan(wish: Values, have: Found) -> Plan:
    """As any section; a removal is waited for, and so is a run."""
    made = SECTION.plan(wish, have.row)
    steps = tuple(_completed(step, wish) for step in made.steps)
    if wish["state"] == "absent" or not wish.get("schedule_now"):
        return replace(made, steps=steps)
    return replace(made, steps=(*steps, _run(wish, have)), after={**made.after, "run": "once more"})


def _completed(step: Step, wish: Values) -> Step:
    """A creation says the only type there is; a removal is over when the job is gone."""
    if step.verb == "POST":
        return replace(step, params={**step.params, "type": "local"})
    if step.verb == "DELETE":
        params = {name: True for name in REMOVAL if wish.get(name)}
        return replace(step, params=params, until=_gone(wish))
    return step


def _gone(wish: Values) -> Until:
    return Until(
        lambda read: True if SECTION.describe(read, wish) is None else None,
        f"Replication job {wish['id']} is still there after {{timeout}} s: it goes when its guest's node and the "
        "target have cleaned up. Where one of them is gone for good, set force.",
    )


def _run(wish: Values, have: Found) -> Step:
    base = url("/nodes/{}/replication/{}", have.node, wish["id"])

    def seen(read: Reader) -> Json:
        status = read.get(f"{base}/status")
        if _time(status) <= have.last_try or status.get("pid"):
            return None
        if status.get("error"):
            raise TaskFailedError(str(wish["id"]), str(status["error"]), _log(read, base))
        return True

    return Step(
        "POST",
        f"{base}/schedule_now",
        {},
        f"run replication job {wish['id']} on {have.node}",
        once=True,
        until=Until(
            seen,
            f"Replication job {wish['id']} has not run within {{timeout}} s. The module replication_info tells how "
            "it is.",
        ),
    )


def _log(read: Reader, base: str) -> tuple[str, ...]:
    lines = read.get(f"{base}/log", {"limit": 0}) or []
    return tuple(str(line["t"]) for line in lines if line.get("t"))


def result(have: Found) -> dict[str, Json]:
    """The module's return value."""
    return {"job": SECTION.shown(have.row)[SECTION.kind]} if have.row else {}


REPLICATION_JOB = replace(
    SECTION.resource(),
    describe=describe,
    plan=plan,
    result=result,
    rules={"mutually_exclusive": [("force", "keep")]},
    writes=(*SECTION.resource().writes, "POST /nodes/{}/replication/{}/schedule_now"),
)

INFO_OPTIONS: Options = {
    "id": {"type": "str"},
    "guest": {"type": "int"},
    "source": {"type": "str"},
    "target": {"type": "str"},
}
FIGURES = ("last_sync", "last_try", "next_sync", "duration", "fail_count", "error")
"""What a node tells of its jobs: times in seconds since 1970, a duration in seconds."""


def info(read: Reader, wish: Values) -> dict[str, Json]:
    """Answer of the module replication_info: the jobs that meet every criterion, by id, and how their last run went."""
    rows = [SECTION.shown(row)[SECTION.kind] | _marks(row) for row in read.get(SECTION.collection)]
    found = [row for row in rows if all(wish.get(name) in (None, row.get(name)) for name in INFO_OPTIONS)]
    runs: dict[str, Values] = {}
    warnings: list[str] = []
    for node in sorted({str(row["source"]) for row in found if row["source"]}):
        try:
            runs |= {str(run["id"]): run for run in read.get(url("/nodes/{}/replication", node))}
        except PveError as error:
            warnings.append(f"How the replication jobs of node {node} are can't be told: {error}")
    jobs = [{**row, **_figures(runs.get(str(row["id"])))} for row in sorted(found, key=_order)]
    return {"changed": False, "jobs": jobs, "warnings": warnings}


def _marks(row: Values) -> dict[str, Json]:
    return {"removing": bool(row.get("remove_job")), "disable": truth(row.get("disable") or 0)}


def _order(row: Values) -> tuple[int, ...]:
    return tuple(int(part) for part in str(row["id"]).split("-"))


def _figures(run: Values | None) -> dict[str, Json]:
    known = run or {}
    return {"running": bool(known.get("pid")), **{name: known.get(name) for name in FIGURES}}
