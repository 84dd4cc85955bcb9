# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same request by way of proxmoxer and HTTPS, and by way of ``pvesh`` on the node: the same answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from proxmoxer import ProxmoxAPI
from proxmoxer.core import ResourceException

from lab.api.fake import pve_schema
from lab.api.serving import ServedLab
from tests.node_commands import NodeCommands

from .test_refusals import stateful

# What is there after a lab began, and what is made here.
NAMES = {
    "node": "father", "vmid": "9001", "storage": "local", "userid": "root@pam", "realm": "pam", "roleid": "PVEAdmin",
    "iface": "vmbr0", "service": "cron", "poolid": "equal", "groupid": "equal", "tokenid": "homelab",
}  # fmt: skip
# Measured, or different with each question.
VOLATILE = re.compile(
    r"cpu|cpuinfo|uptime|time|localtime|mem|memory|loadavg|wait|idle|swap|used|avail|free|digest|timestamp|data|t|n|"
    r"current-kernel|rootfs|ksm|starttime|pid|pstart|upid|status|lrm_status|crm_.*|.*time|fence.*|quorum|netin|netout|disk.*|"
    r"meta|smbios1|vmgenid"
)
REFUSED: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("GET", "/nodes/father/qemu/999/config", {}),
    ("GET", "/nodes/father/storage/nope/status", {}),
    ("GET", "/access/users/nobody@pve", {}),
    ("POST", "/pools", {"poolid": "equal"}),
    ("PUT", "/nodes/father/qemu/9001/config", {"cores": "0"}),
    ("DELETE", "/cluster/backup/nope", {}),
    ("POST", "/nodes/father/qemu", {"vmid": "9001"}),
)
VERBS = {"GET": "get", "POST": "create", "PUT": "set", "DELETE": "delete"}


@pytest.fixture
def proxmox(lab_api: ServedLab) -> ProxmoxAPI:
    """proxmoxer, logged in as root with a password: a token of root may less than root, whom pvesh is."""
    return ProxmoxAPI(
        lab_api.host, port=lab_api.port, user=lab_api.user, password=lab_api.password, verify_ssl=str(lab_api.ca_path)
    )


@pytest.fixture
def run(
    lab_api: ServedLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> NodeCommands:
    """Runs a command line on the node."""
    return NodeCommands(lab_api.at, tmp_path, monkeypatch, capsys)


def readable() -> Iterator[str]:
    """Every path that can be read without a parameter of its own."""
    for method, template in stateful():
        schema = (pve_schema.load().paths[template][method].get("parameters") or {}).get("properties", {})
        names = re.findall(r"\{([\w-]+)\}", template)
        needed = {name for name, rule in schema.items() if not rule.get("optional")}
        if method == "GET" and set(names) <= set(NAMES) and needed <= set(names) and "/agent/" not in template:
            yield template.format(**{name: NAMES[name] for name in names})


def lasting(data: Any) -> Any:
    """Data without what changes from one question to the next."""
    if isinstance(data, dict):
        return {key: lasting(value) for key, value in data.items() if not VOLATILE.fullmatch(key)}
    return [lasting(item) for item in data] if isinstance(data, list) else data


def over_https(proxmox: ProxmoxAPI, method: str, path: str, values: dict[str, str]) -> tuple[bool, Any]:
    """Whether a request was carried out, and its data or the reasons why not."""
    verb = {"GET": "get", "POST": "post", "PUT": "put", "DELETE": "delete"}[method]
    try:
        return True, getattr(proxmox(path), verb)(**values)
    except ResourceException as error:
        return False, list((error.errors or {}).values()) or [error.content.strip()]


def over_pvesh(run: NodeCommands, method: str, path: str, values: dict[str, str]) -> tuple[bool, Any]:
    """The same by way of pvesh."""
    words = [word for name, value in values.items() for word in (f"--{name}", value)]
    done = run("pvesh", VERBS[method], path, *words, "--output-format", "json")
    return done.code == 0, json.loads(done.out or "null") if done.code == 0 else done.err


def test_what_is_read_is_the_same_over_https_and_on_the_node(
    lab_api: ServedLab, proxmox: ProxmoxAPI, run: NodeCommands
) -> None:
    over_https(proxmox, "POST", "/pools", {"poolid": "equal", "comment": "ä=b, c"})
    over_https(proxmox, "POST", "/access/groups", {"groupid": "equal"})
    paths = sorted(readable())
    different = []
    for path in paths:
        ours, theirs = over_https(proxmox, "GET", path, {}), over_pvesh(run, "GET", path, {})
        if ours[0] != theirs[0] or (ours[0] and lasting(ours[1]) != lasting(theirs[1])):
            different.append(f"{path}: {str(lasting(ours[1]))[:300]} | {str(lasting(theirs[1]))[:300]}")
    assert len(paths) > 90
    assert not different, "\n".join(different)


@pytest.mark.parametrize("which", range(len(REFUSED)))
def test_what_is_refused_is_refused_in_the_same_words(proxmox: ProxmoxAPI, run: NodeCommands, which: int) -> None:
    over_https(proxmox, "POST", "/pools", {"poolid": "equal"})
    method, path, values = REFUSED[which]
    carried_out, reasons = over_https(proxmox, method, path, values)
    done, complaint = over_pvesh(run, method, path, values)
    assert (carried_out, done) == (False, False)
    assert reasons
    assert not [reason for reason in reasons if reason not in complaint], (reasons, complaint)


def test_what_is_written_one_way_is_read_the_other(proxmox: ProxmoxAPI, run: NodeCommands) -> None:
    assert over_pvesh(run, "POST", "/pools", {"poolid": "one", "comment": "ä=b, 'c'"})[0]
    assert over_https(proxmox, "GET", "/pools", {"poolid": "one"})[1][0]["comment"] == "ä=b, 'c'"
    assert over_https(proxmox, "PUT", "/nodes/father/qemu/9001/config", {"description": "1\n2"})[0]
    assert over_pvesh(run, "GET", "/nodes/father/qemu/9001/config", {})[1]["description"] == "1\n2"
