# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's transports https, ssh and local, on the lab's node: the same answers to the same requests.

Local is the collection on the node itself: it and proxmoxer are copied there, and asking.py asks with its client, whose
pvesh is the one on the node's path.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import proxmoxer
import pytest
from ansible_collections.homelab.pve.plugins import module_utils
from ansible_collections.homelab.pve.plugins.module_utils.api import Connection, connect
from ansible_collections.homelab.pve.plugins.module_utils.apply import reconcile
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import VM

from lab import control, father
from tests.conformance.test_equality import REFUSED, lasting, readable

from . import asking
from .conftest import Stand
from .test_executor import FATHER

pytestmark = pytest.mark.lab
COPY = "/root/asking"
COLLECTION = "ansible_collections/homelab/pve/plugins/module_utils"
LOCAL = Connection(transport="local")
# A machine of each transport's own, so that all can talk at once: the number that stands for 99700 in the calls.
VMIDS = {"https": "99701", "ssh": "99702", "local": "99703"}
AREA = re.compile(r"/nodes/father/[^/]+|/[^/]+(?:/[^/]+)?")
Call = tuple[str, str, dict[str, Any]]

POOL, USER, MACHINE = "/pools/own-99700", "/access/users/own-99700@pve", "/nodes/father/qemu/99700"
CHANGES: tuple[Call, ...] = (
    ("POST", "/pools", {"poolid": "own-99700", "comment": "-ä=b, 'c' \"$HOME\"\n\\n"}),
    ("GET", POOL, {}),
    ("PUT", "/pools", {"poolid": "own-99700", "comment": ""}),
    ("GET", "/pools", {"poolid": "own-99700"}),
    ("DELETE", POOL, {}),
    ("DELETE", POOL, {}),
    ("POST", "/access/users", {"userid": "own-99700@pve", "enable": False, "email": "nobody"}),
    ("POST", "/access/users", {"userid": "own-99700@pve", "enable": False, "expire": 0}),
    ("GET", USER, {}),
    ("DELETE", USER, {}),
    ("POST", "/nodes/father/qemu", {"vmid": 99700, "name": "own-99700", "description": "1\n2 ž", "tags": "b;a"}),
    ("PUT", f"{MACHINE}/config", {"cores": 2, "delete": "tags"}),
    ("PUT", f"{MACHINE}/config", {"cores": 0}),
    ("GET", f"{MACHINE}/config", {}),
    ("DELETE", f"{MACHINE}/snapshot/nope", {}),
    ("DELETE", MACHINE, {}),
    ("GET", f"{MACHINE}/config", {}),
)
READ: tuple[Call, ...] = (
    ("GET", "/version", {}),
    ("GET", "/access/permissions", {}),
    ("GET", "/nodes/father/status", {}),
    ("GET", "/cluster/resources", {"type": "vm"}),
    ("GET", "/cluster/resources", {"type": "bogus"}),
    ("GET", "/nodes/father/qemu/9000/config", {}),
    ("GET", "/nodes/father/qemu/9000/status/current", {}),
)
# Refused by pvesh itself, which has its own words.
OWN_WORDS: tuple[Call, ...] = (("GET", "/version", {"bogus": 1}), ("POST", "/version", {}), ("GET", "/nope", {}))


def areas() -> Iterator[Call]:
    """A path that can be read in each area of the API."""
    first = {AREA.match(path)[0]: path for path in sorted(readable(), reverse=True)}  # type: ignore[index]
    return (("GET", path, {}) for path in sorted(first.values()))


def connections(stand: Stand) -> dict[str, Connection]:
    """A connection for each transport that reaches father from here."""
    folder = father.ssh_key(stand.status.state_dir).parent
    token = json.loads(father.token_file(stand.status.state_dir).read_text(encoding="utf-8"))
    https = Connection(
        host=FATHER,
        token_id=token["id"],
        token_secret=token["secret"],
        ca_path=str(stand.status.state_dir / "ca.pem"),
    )
    ssh = Connection(
        host=FATHER,
        transport="ssh",
        ssh_key_path=str(folder / "id_ed25519"),
        ssh_known_hosts=str(folder / "known_hosts"),
    )
    return {"https": https, "ssh": ssh}


def packed() -> bytes:
    """The collection's own code, proxmoxer and asking.py as an archive."""
    folders = {COLLECTION: module_utils.__path__[0], "proxmoxer": proxmoxer.__path__[0]}
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w:gz") as archive:
        for name, folder in folders.items():
            for source in sorted(Path(folder).rglob("*.py")):
                archive.add(source, f"{name}/{source.relative_to(folder)}")
        archive.add(asking.__file__, "asking.py")
    return memory.getvalue()


def on_father(command: str, given: bytes) -> bytes:
    """What a command on father prints when it is given something to read."""
    return subprocess.run(control.ssh_command("father", [command]), input=given, capture_output=True, check=True).stdout


@dataclass
class Transports:
    """A way to ask over each transport; two calls at a time where one client does it for both."""

    connections: dict[str, Connection]
    threads: ThreadPoolExecutor = field(repr=False)

    def ask(self, way: str, calls: Sequence[Call]) -> list[Any]:
        """The answers to calls that are asked one after the other."""
        if way == "local":
            return in_father(calls)
        return self.threads.submit(asking.answers, asdict(self.connections[way]), calls).result()

    def read(self, way: str, calls: Sequence[Call]) -> list[Any]:
        """The answers to calls whose order does not matter."""
        with closing(connect(self.connections[way])) as client:
            return list(self.threads.map(lambda call: asking.answer(client, *call), calls))


def in_father(calls: Sequence[Call]) -> list[Any]:
    """The answers over the transport local."""
    asked = json.dumps({"connection": asdict(LOCAL), "calls": calls})
    answers: list[Any] = json.loads(on_father(f"PYTHONPATH={COPY} python3 {COPY}/asking.py", asked.encode()))
    return answers


@pytest.fixture(scope="module")
def transports(stand: Stand) -> Iterator[Transports]:
    """Every transport; father has a pool that is called equal."""
    on_father(f"mkdir {COPY} && tar -xzf - -C {COPY}", packed())
    with ThreadPoolExecutor(2, initializer=control.enter_network) as threads:
        made = Transports(connections(stand), threads)
        made.ask("https", [("POST", "/pools", {"poolid": "equal"})])
        yield made


def named(way: str, calls: Sequence[Call]) -> list[Call]:
    """Calls about what is a transport's own."""
    renamed: list[Call] = json.loads(json.dumps(calls).replace("99700", VMIDS[way]))
    return renamed


def comparable(way: str, answers: list[Any]) -> list[Any]:
    """Answers with the number all share, and without what is different each time."""
    found: list[Any] = lasting(json.loads(json.dumps(answers).replace(VMIDS[way], "99700")))
    return found


def differing(calls: Sequence[Call], one: list[Any], other: list[Any]) -> str:
    """A line for each call that was answered differently."""
    pairs = zip(calls, one, other, strict=True)
    return "\n".join(f"{call}:\n  {here}\n  {there}" for call, here, there in pairs if here != there)


def test_each_area_reads_the_same_over_https_and_ssh(transports: Transports) -> None:
    calls = list(areas())
    over_https, over_ssh = (lasting(transports.read(way, calls)) for way in ("https", "ssh"))
    assert len(calls) > 60
    assert not differing(calls, over_https, over_ssh)


@pytest.mark.parametrize("calls", [(*READ, *REFUSED), CHANGES], ids=["nothing changes", "changes"])
def test_a_talk_is_the_same_over_https_ssh_and_on_the_node(transports: Transports, calls: Sequence[Call]) -> None:
    with ThreadPoolExecutor(len(VMIDS)) as talks:
        told = dict(zip(VMIDS, talks.map(lambda way: transports.ask(way, named(way, calls)), VMIDS), strict=True))
    over = {way: comparable(way, answers) for way, answers in told.items()}
    assert not differing(calls, over["https"], over["ssh"])
    assert not differing(calls, over["ssh"], over["local"])


def test_what_pvesh_does_not_know_is_refused_like_over_https(transports: Transports) -> None:
    def gist(way: str) -> list[tuple[int, list[str]]]:
        return [(answer["refused"], sorted(answer["complaints"])) for answer in transports.ask(way, OWN_WORDS)]

    assert gist("https") == gist("ssh") == [(400, ["bogus"]), (501, []), (501, [])]


def test_a_vm_is_declared_over_ssh(stand: Stand) -> None:
    """Made over SSH, found as wished over HTTPS, removed over SSH."""
    defaults = {name: spec.get("default") for name, spec in VM.options.items()}
    wish = {**defaults, "name": "over-ssh", "vmid": 99710, "clone": "debian-12", "cores": 2, "tags": ["b", "a"]}

    def declare() -> list[bool]:
        reach = {way: connect(connection) for way, connection in connections(stand).items()}
        turns = [("ssh", wish), ("https", wish), ("ssh", wish), ("ssh", {**wish, "state": "absent"})]
        return [reconcile(VM, each, reach[way], dry_run=False, timeout=60).changed for way, each in turns]

    assert stand.in_lab(declare) == [True, False, False, True]
