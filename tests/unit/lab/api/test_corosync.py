# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""corosync.conf: its text, who may join, who may leave."""

from __future__ import annotations

import json

import pytest

from lab.api.corosync import Corosync, CorosyncError, Member


def three() -> Corosync:
    """The recorded cluster."""
    names = ("father", "mother", "son")
    members = {name: Member(number, 1, {0: f"10.77.0.{number + 1}"}) for number, name in enumerate(names, 1)}
    return Corosync("lab", 3, members=members)


FILE = """\
logging {
  debug: off
  to_syslog: yes
}

nodelist {
  node {
    name: father
    nodeid: 1
    quorum_votes: 1
    ring0_addr: 10.77.0.2
  }
  node {
    name: mother
    nodeid: 2
    quorum_votes: 1
    ring0_addr: 10.77.0.3
  }
  node {
    name: son
    nodeid: 3
    quorum_votes: 1
    ring0_addr: 10.77.0.4
  }
}

quorum {
  provider: corosync_votequorum
}

totem {
  cluster_name: lab
  config_version: 3
  interface {
    linknumber: 0
  }
  ip_version: ipv4-6
  link_mode: passive
  secauth: on
  token_coefficient: 125
  version: 2
}

"""


def test_the_file_is_as_recorded() -> None:
    assert three().text() == FILE


def test_a_change_is_counted_and_changes_the_digest() -> None:
    config = three()
    before = config.digest()
    config.add("uncle", Member(config.free_id(), 1, {0: "10.77.0.5"}))
    assert (config.version, config.members["uncle"].nodeid) == (4, 4)
    assert config.digest() != before
    assert config.remove("10.77.0.3") == "mother"
    assert (config.version, config.free_id()) == (5, 2)


@pytest.mark.parametrize(
    ("name", "links", "refused"),
    [
        ("ghost", {0: "10.77.0.4"}, "corosync: address '10.77.0.4' already used on link ring0_addr by node 'son'"),
        ("son", {0: "10.77.0.4"}, "can't add existing node 'son'"),
        ("ghost", {}, "corosync: link 0 exists in cluster config but wasn't specified for new node"),
        (
            "ghost",
            {0: "10.77.0.9", 1: "10.78.0.9"},
            "corosync: link 1 specified for new node doesn't exist in cluster config",
        ),
    ],
    ids=["address", "exists", "link-missing", "link-beyond"],
)
def test_a_node_that_cannot_be_added(name: str, links: dict[int, str], refused: str) -> None:
    config = three()
    with pytest.raises(CorosyncError) as raised:
        config.add(name, Member(9, 1, links))
    assert str(raised.value) == refused
    assert config == three()


def test_a_node_that_is_not_there_cannot_be_removed() -> None:
    with pytest.raises(CorosyncError) as raised:
        three().remove("ghost")
    assert str(raised.value) == "Node/IP: ghost is not a known host of the cluster."


def test_it_survives_being_saved() -> None:
    config = three()
    config.priorities[0] = 20
    assert Corosync.load(json.loads(json.dumps(config.document()))) == config
    assert config.totem()["interface"] == {"0": {"linknumber": "0", "knet_link_priority": "20"}}
