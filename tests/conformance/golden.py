# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays what a real Proxmox VE was asked, and compares what the lab answers.

A transcript is a list of requests with status, reason and body, in order. What differs from run to run anywhere
(times, ids, MAC addresses, sizes of the machine's own disks) is replaced by its kind before two answers are compared.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from lab.api.serving import ServedLab

TOKEN_ID = "root@pam!gold"
TOKEN_SECRET = "00000000-0000-0000-0000-000000000001"
ROOT_PASSWORD = "root-password"

UPID = re.compile(r"UPID:[^\s/\"]+:")
# What no two runs have in common, wherever it stands in a text.
KINDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (UPID, "<upid>"),
    (re.compile(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}"), "<fingerprint>"),
    (re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}"), "<mac>"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9} [+-]\d{4}"), "<time>"),
    (re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}"), "<time>"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"(?<=-)\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d(?=\.)"), "<time>"),
    (re.compile(r"creation-qemu=[\d.]+,ctime=\d+"), "<meta>"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "<sha1>"),
    (re.compile(r"UPID:\S+"), "<upid>"),
    (re.compile(r"\$5\$[^\s$]+\$[./0-9A-Za-z]{43}"), "<crypt>"),
    (re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n"), "<certificate>"),
    (re.compile(r"(?<=\.conf\.tmp\.)\d+"), "<pid>"),
    (re.compile(r" at /usr/share/perl5/\S+ line \d+\."), ""),
)
# Fields whose value is the machine's, not the API's.
MEASURED = frozenset(
    {
        "avail", "cpu", "ctime", "digest", "disk", "diskread", "diskwrite", "elapsed", "endtime", "level", "mem",
        "memhost", "netin", "netout", "password", "pid", "pstart", "repoid", "running-machine", "running-qemu",
        "snaptime", "starttime", "ticket", "time", "total", "uptime", "used", "used_fraction", "value_of_token",
        "version", "release", "CSRFPreventionToken", "localtime", "next-run", "notafter", "notbefore", "serverid",
        "timestamp", "uid", "utc", "wait", "idle",
    }
)  # fmt: skip
# What was done on the node itself, between two requests, and the lock that a command leaves a guest with.
COMMAND = "COMMAND"
ARCHIVE = re.compile(r"(vzdump-(?:lxc|qemu)-\d+)-\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
RACE = re.compile(r"C-race-[a-z-]*(qemu|lxc|three|node)$")
# Errors whose delay is the cluster's and not the machine's.
WAITING = frozenset({500, 595, 596})
MAINTENANCE = re.compile(r"ha-manager crm-command node-maintenance (?P<verb>enable|disable) (?P<node>\S+)")
LOCK_COMMANDS = (
    re.compile(r"(?:qm|pct) set (?P<vmid>\d+) --lock (?P<lock>\w+)"),
    re.compile(r"(?:qm|pct) unlock (?P<vmid>\d+)(?P<lock>)"),
    re.compile(r'sh -c sed -i "1i lock: (?P<lock>\w+)" /etc/pve/(?:lxc|qemu-server)/(?P<vmid>\d+)\.conf'),
)
SETS = frozenset({"content", "privs"})
# The files of the recorded uploads, by the name of the request: file name, bytes.
UPLOADS: Mapping[str, tuple[str, int]] = {
    "upload-iso": ("up.iso", 4096),
    "upload-bad-ext": ("up.txt", 4096),
    "upload-bad-content": ("up.iso", 4096),
    "upload-bad-checksum": ("up.iso", 4096),
}
# A recorded address where nobody listens -> one on this machine that is asked in its place.
NOBODY = ("10.77.0.1:1", "127.0.0.1:1")
# What a journal says is the node's own; every line of it counts as one.
LINES = ("/syslog", "/journal")
# Objects that tell about the machine, and texts that come from Debian's packages: only their kinds are compared.
MACHINE = frozenset({"cpuinfo", "memory", "rootfs", "swap", "current-kernel", "loadavg"})
PACKAGED = frozenset({"Description", "Title"})


@dataclass(frozen=True)
class Step:
    """One recorded request with its answer."""

    seq: int
    name: str
    method: str
    path: str
    auth: str
    status: int
    reason: str
    body: Any
    params: Mapping[str, Any]
    json_body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    # The node that was reached, "json" or "extjs", and the seconds it took.
    door: str = ""
    form: str = "json"
    elapsed: float = 0.0

    @property
    def is_upload(self) -> bool:
        """Whether a form with a file is sent."""
        return self.path.endswith("/upload")

    @property
    def is_playable(self) -> bool:
        """A command has no answer; uploads were recorded without their bodies, so only known ones can be sent."""
        return self.method != COMMAND and (not self.is_upload or self.name in UPLOADS)


def steps(path: Path) -> Iterator[Step]:
    """The requests of a transcript."""
    for item in json.loads(path.read_text(encoding="utf-8")):
        if "cli" in item:
            yield Step(item["seq"], item["name"] or "", COMMAND, " ".join(item["cli"]), "", 0, "", None, {})
            continue
        yield Step(
            item["seq"],
            item["name"] or "",
            item["method"],
            item["path"],
            item["auth"],
            # Nobody answered: a connection was refused.
            item.get("status_code", 0),
            item.get("reason", ""),
            item.get("body", item.get("body_text")),
            item.get("params") or {},
            item.get("json_body"),
            item.get("request_headers") or {},
            item.get("asked_node") or "",
            item.get("base", "").rpartition("/")[2] or "json",
            item.get("elapsed") or 0.0,
        )


def winners_first(recorded: Iterable[Step]) -> list[Step]:
    """The steps in an order that gives the same answers when they are sent one after the other.

    Those of a race were sent at once; the one that won it stands first here.
    """
    groups = itertools.groupby(recorded, key=lambda step: step.name)
    return [
        step
        for name, group in groups
        for step in (sorted(group, key=lambda step: step.status) if RACE.match(name) else group)
    ]


@dataclass(frozen=True)
class Answer:
    """What the lab said to one step, and how long it took on its clock."""

    status: int
    reason: str
    body: Any
    elapsed: float = 0.0


class Player:
    """Sends the steps of one transcript to a lab, with the identities they were recorded with."""

    def __init__(self, lab: ServedLab) -> None:
        self.lab = lab
        self.upids: dict[str, str] = {}
        self.uuids: dict[str, str] = {}
        self.archives: dict[str, str] = {}
        self.made_token = ""
        self.digests: dict[str, str] = {}
        self.sessions: dict[str, requests.Session] = {}

    def session(self, auth: str) -> requests.Session:
        """A session logged in as the transcript's identity of that name."""
        if auth not in self.sessions:
            self.sessions[auth] = self._login(auth)
        if auth == "tok":
            # The token a transcript made itself; it may have been made anew since.
            self.sessions[auth].headers["Authorization"] = f"PVEAPIToken={self.made_token}"
        return self.sessions[auth]

    def _login(self, auth: str) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self.lab.ca_path)
        if auth == "token":
            session.headers["Authorization"] = f"PVEAPIToken={TOKEN_ID}={TOKEN_SECRET}"
        elif auth not in ("none", "tok"):
            self._ticket(session, auth)
        return session

    def _ticket(self, session: requests.Session, auth: str) -> None:
        logins = {
            "alice": ("alice@pve", "newsecret1"),
            "dev": ("dev@pve", "devdev1234"),
            "admin": ("admin@pve", "adminadmin1"),
        }
        user, password = logins.get(auth, ("root@pam", ROOT_PASSWORD))
        values = {"username": user, "password": password}
        url = f"{self.login_url(auth)}/api2/json/access/ticket"
        data = session.post(url, data=values, timeout=10).json()["data"]
        session.headers["Cookie"] = f"PVEAuthCookie={data['ticket']}"
        if auth != "root-nocsrf":
            session.headers["CSRFPreventionToken"] = data["CSRFPreventionToken"]

    def ask(self, method: str, path: str, values: Mapping[str, Any]) -> Answer:
        """A request of our own, as root, to bring a node into the state it was recorded in."""
        return self._send(Step(0, "", method, path, "token", 0, "", None, values))

    def play(self, step: Step, *, at_once: bool = False) -> Answer:
        """Send one step; a step that recorded the end of a task waits for it.

        Whoever recorded a transcript waited for the HA manager, unless it was sent ``at_once``.
        """
        if not at_once:
            self.lab.call(self.lab.api.manager_now())
        answer = self._send(step)
        while step.name == "task-status-final" and _task_status(answer) == "running":
            answer = self._send(step)
        self._learn(step, answer.body)
        return answer

    def command(self, step: Step) -> None:
        """Do what a recorded command did, where it matters for the answers that follow."""
        found = next(filter(None, (pattern.fullmatch(step.path) for pattern in LOCK_COMMANDS)), None)
        if found:
            self.lab.call(self._set_lock(int(found["vmid"]), found["lock"]))
        if asked := MAINTENANCE.fullmatch(step.path):
            self.lab.call(self._ask_maintenance(asked["node"], wanted=asked["verb"] == "enable"))

    async def _ask_maintenance(self, node: str, *, wanted: bool) -> None:
        self.lab.api.ask_maintenance(node, wanted=wanted)

    async def _set_lock(self, vmid: int, lock: str | None) -> None:
        if lock:
            self.lab.api.snapshot_lock(vmid, lock)
        else:
            self.lab.api.unlock(vmid)

    def login_url(self, auth: str) -> str:
        """Where an identity logs in: with several nodes, each may have a place of its own."""
        return self.lab.url

    def url_of(self, step: Step) -> str:
        """The node that a step reached."""
        return self.lab.at(step.door).url if step.door in self.lab.api.nodes else self.lab.url

    def _send(self, step: Step) -> Answer:
        path = UPID.sub(lambda found: self.upids.get(found[0], found[0]), step.path)
        path = UUID.sub(lambda found: self.uuids.get(found[0], found[0]), path)
        path = self._with_archives(path)
        given = {
            key: self.digests.get(value, value) if key == "digest" else self._with_archives(value)
            for key, value in step.params.items()
        }
        values: dict[str, Any] = {"params" if step.method in ("GET", "DELETE") else "data": there(given)}
        if step.json_body is not None:
            values = {"json": step.json_body}
        if step.is_upload:
            values = {"files": form(step)}
        url = f"{self.url_of(step)}/api2/{step.form}{path}"
        session = self.session(step.auth)
        begun = self.lab.api.clock.monotonic()
        try:
            response = session.request(step.method, url, headers=dict(step.headers), timeout=10, **values)
        except requests.ConnectionError:
            return Answer(0, "", None)
        elapsed = self.lab.api.clock.monotonic() - begun
        text = response.text.replace(NOBODY[1], NOBODY[0])
        body = json.loads(text) if "json" in response.headers.get("Content-Type", "") else text
        return Answer(response.status_code, response.reason, body, elapsed)

    def _learn(self, step: Step, answered: Any) -> None:
        """Remember which of our tasks stands for which recorded one."""
        recorded = step.body
        if isinstance(recorded, dict) and isinstance(answered, dict):
            old, new = recorded.get("data"), answered.get("data")
            # Whoever made a token goes on with its secret; the new one after a change of it was not used.
            if step.method == "POST" and isinstance(new, dict) and "full-tokenid" in new:
                self.made_token = f"{new['full-tokenid']}={new['value']}"
            if isinstance(old, dict) and isinstance(new, dict) and "digest" in old and "digest" in new:
                self.digests[old["digest"]] = new["digest"]
            if isinstance(old, str) and isinstance(new, str) and UPID.fullmatch(old) and UPID.fullmatch(new):
                self.upids[old] = new
            if isinstance(old, list) and isinstance(new, list):
                self._learn_ids(old, new)
                self._learn_archives(old, new)

    def _with_archives(self, value: Any) -> Any:
        """A text with our names of the archives that it names."""
        if not isinstance(value, str):
            return value
        return ARCHIVE.sub(lambda found: self.archives.get(found[0], found[0]), value)

    def _learn_archives(self, recorded: list[Any], answered: list[Any]) -> None:
        """Remember which of our archives stands for which recorded one: the logs name them."""
        self.archives |= dict(zip(created(recorded), created(answered), strict=False))

    def _learn_ids(self, recorded: list[Any], answered: list[Any]) -> None:
        """Remember which of our items stands for which recorded one, where both have ids that the node made up."""
        made_up = [item for item in answered if isinstance(item, dict) and UUID.fullmatch(str(item.get("id")))]
        for item in recorded:
            if isinstance(item, dict) and UUID.fullmatch(str(item.get("id"))):
                same = next((other for other in made_up if comparable(other) == comparable(item)), None)
                self.uuids |= {item["id"]: same["id"]} if same else {}


def there(values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a request, with nobody's address on this machine."""
    return {key: value.replace(*NOBODY) if isinstance(value, str) else value for key, value in values.items()}


def form(step: Step) -> list[tuple[str, tuple[str | None, Any]]]:
    """The fields of an upload, in the order they were recorded in, and its file."""
    name, size = UPLOADS[step.name]
    fields = [(key, (None, value)) for key, value in step.params.items()]
    return [*fields, ("filename", (name, bytes(size)))]


def created(log: list[Any]) -> list[str]:
    """The names of the archives that a task's log says it made."""
    lines = (str(line.get("t")) for line in log if isinstance(line, dict))
    return [found[0] for line in lines if "creating vzdump archive" in line and (found := ARCHIVE.search(line))]


def _task_status(answer: Answer) -> str:
    data = answer.body.get("data") if isinstance(answer.body, dict) else None
    return str(data.get("status")) if isinstance(data, dict) else ""


def text(value: str) -> str:
    """A text with everything that changes from run to run replaced."""
    for pattern, kind in KINDS:
        value = pattern.sub(kind, value)
    return value


def kind(value: Any) -> str:
    """What stands for a measured value."""
    return "number" if isinstance(value, int | float) else type(value).__name__


def comparable(value: Any, name: str = "") -> Any:
    """A value with what is measured replaced by its type, and lists that are sets sorted."""
    if isinstance(value, dict) and name == "results":
        # What a node's HA manager did last, by ids of its own: how long it remembers that differs.
        return "results"
    if isinstance(value, dict | list) and name in MACHINE:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {key: type(item).__name__ for key, item in items}
    if isinstance(value, dict):
        return comparable_object(value)
    if isinstance(value, list):
        return sorted((comparable(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return comparable_value(value, name)


def comparable_object(value: Mapping[str, Any]) -> dict[str, Any]:
    """An object; of an archive the size is measured, of a storage and a node what the machine has."""
    archive = ARCHIVE.search(f"{value.get('volid')} {value.get('path')}")
    capacity = ("maxdisk", "maxmem", "maxcpu") if value.get("type") in ("storage", "node") else ()
    measured = {*capacity, *(("size",) if archive else ())}
    return {key: "number" if key in measured else comparable(item, key) for key, item in value.items()}


def comparable_value(value: Any, name: str) -> Any:
    """A single value of a field."""
    if name in PACKAGED:
        return "text"
    if (name in MEASURED or name.startswith("pressure")) and value is not None:
        return kind(value)
    if isinstance(value, str):
        return sorted(value.split(",")) if name in SETS else text(value)
    return value


def of_step(step: Step, body: Any) -> Any:
    """The part of a body that a step is compared by."""
    data = body.get("data") if isinstance(body, dict) else None
    if step.name == "task-status-first" and isinstance(data, dict):
        # Whether the task had ended by then is a matter of speed.
        body = {"data": {key: value for key, value in data.items() if key not in ("status", "exitstatus")}}
    elif step.path == "/cluster/log" and isinstance(data, list):
        # How much a cluster has logged before is a matter of its age; each entry has the same names.
        body = {"data": sorted({key for item in data for key in item})}
    elif step.path.endswith("/log") and isinstance(data, list) and data:
        # Of a log the verdict counts: what the tools of a real node print on the way is theirs.
        body = {"data": [data[-1].get("t")]}
    elif step.path.endswith("/rrddata") and isinstance(data, list):
        # How far back the figures go is a matter of how long the node has been up: all of their names count.
        body = {"data": sorted({key for item in data for key in item})}
    elif step.path.endswith("/report") and isinstance(data, str):
        body = {"data": "text"}
    elif step.path.endswith(LINES) and isinstance(data, list):
        body = {**body, "data": [sorted(line) if isinstance(line, dict) else "line" for line in data]}
    return comparable(body)


def difference(step: Step, answer: Answer) -> str | None:
    """What the lab's answer has otherwise than the recorded one, values included; None when they agree."""
    if (step.status, text(step.reason)) != (answer.status, text(answer.reason)):
        return f"{step.status} {text(step.reason).strip()} | {answer.status} {text(answer.reason).strip()}"
    wanted, found = of_step(step, step.body), of_step(step, answer.body)
    if wanted != found:
        return f"{_first(wanted, found)}"
    return None if in_time(step, answer) else f"{step.elapsed:.0f} s | {answer.elapsed:.0f} s"


def in_time(step: Step, answer: Answer) -> bool:
    """Whether the lab took as long, on its clock, for an answer that is a node's that does not answer.

    How long a machine works is its own; that a request took too long is seen by whoever waits for it.
    """
    waited = step.status in WAITING and step.elapsed >= 1
    return not waited or answer.elapsed >= step.elapsed * 0.9


def summary(difference: str) -> str:
    """A difference without values of bodies, which may differ from run to run: two statuses, or a place in the body."""
    return difference.partition(": ")[0] if difference.startswith((".", "[", ":")) else difference


def _first(wanted: Any, found: Any, where: str = "") -> str:
    """Where two bodies begin to differ."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted({*wanted, *found}):
            if wanted.get(key, _MISSING) != found.get(key, _MISSING):
                return _first(wanted.get(key, _MISSING), found.get(key, _MISSING), f"{where}.{key}")
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for place, (old, new) in enumerate(zip(wanted, found, strict=True)):
            if old != new:
                return _first(old, new, f"{where}[{place}]")
    return f"{where}: {str(wanted)[:200]} | {str(found)[:200]}"


_MISSING = "<missing>"
