# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of a lab: who they are, and that a lab stays what it was made with."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import booted, control, father, lan
from lab.errors import LabError
from lab.guests.host import announcement
from lab.members import FATHER, MEMBERS, Plan, kept, settle


def test_nodes_differ_in_everything() -> None:
    assert (FATHER.name, FATHER.address, FATHER.mac) == ("father", "10.99.0.2", "02:99:00:00:00:02")
    for facts in ("name", "address", "mac", "vmid"):
        assert len({getattr(member, facts) for member in MEMBERS}) == len(MEMBERS)


def test_a_new_lab_has_one_node_and_says_nothing_of_it(tmp_path: Path) -> None:
    assert kept(tmp_path) is None
    assert settle(tmp_path, None) == Plan()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("made", [Plan(3), Plan(2, standalone=True)], ids=str)
def test_a_lab_comes_up_as_it_was_made(tmp_path: Path, made: Plan) -> None:
    assert settle(tmp_path, made) == made
    assert settle(tmp_path, None) == made
    assert settle(tmp_path, made) == made
    with pytest.raises(LabError, match=rf"was made with {made}, not with 4 nodes\. Forget it .*lab reset"):
        settle(tmp_path, Plan(4))


def test_a_lab_of_one_node_is_not_made_larger(tmp_path: Path) -> None:
    (tmp_path / "nodes" / "father").mkdir(parents=True)
    assert settle(tmp_path, None) == settle(tmp_path, Plan(1)) == Plan()
    with pytest.raises(LabError, match="made with one node, not with 3 nodes"):
        settle(tmp_path, Plan(3))


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (Plan(3), {"father": ["father", "mother", "son"]}),
        (Plan(2, standalone=True), {"father": ["father"], "mother": ["mother"]}),
    ],
    ids=str,
)
def test_nodes_share_an_api_when_they_share_a_cluster(
    tmp_path: Path, plan: Plan, expected: dict[str, list[str]]
) -> None:
    assert booted.clusters(tmp_path, plan) == expected
    (tmp_path / "site.json").write_text('{"father": ["father", "mother"]}', encoding="utf-8")
    assert booted.clusters(tmp_path, plan) == {"father": ["father", "mother"]}


def test_nodes_know_one_another_and_are_known(tmp_path: Path) -> None:
    assert "10.99.0.4 son.lab.internal son\n" in father.hosts(MEMBERS[:3])
    assert "--host-record=mother,mother.lab.internal,10.99.0.3" in lan.dnsmasq_command(tmp_path, MEMBERS[:2])
    assert control.locate("son", "", MEMBERS[:3]) == control.locate("10.99.0.4", "", MEMBERS[:3])
    with pytest.raises(LabError, match=r"Known: father, mother$"):
        control.locate("son", "", MEMBERS[:2])


def test_nodes_have_loopback_addresses_of_their_own(tmp_path: Path) -> None:
    assert len({lan.loopback_address(tmp_path, 0, member) for member in MEMBERS}) == len(MEMBERS)


def test_ssh_finds_every_node_by_name(tmp_path: Path) -> None:
    (tmp_path / "ssh").mkdir()
    father.write_ssh_config(tmp_path, dict(zip(MEMBERS, ("127.0.0.1:22", "127.0.0.2:2222"), strict=False)))
    blocks = father.ssh_config(tmp_path).read_text(encoding="utf-8").split("Host ")
    assert [block.split()[0] for block in blocks[1:]] == ["father", "mother"]
    assert "HostName 127.0.0.2\n  Port 2222\n" in blocks[2]
    assert "HostKeyAlias 10.99.0.3\n" in blocks[2]


def test_a_card_announces_itself_to_all() -> None:
    frame = announcement("bc:24:11:00:00:01")
    own = bytes.fromhex("bc2411000001")
    assert (frame[:6], frame[6:12], frame[12:14], len(frame)) == (b"\xff" * 6, own, b"\x80\x35", 60)
    assert frame.count(own) == 3
