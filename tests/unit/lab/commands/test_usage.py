# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding commands by their words, and usage texts."""

from __future__ import annotations

import pytest

from lab.commands import usage
from lab.commands.command import Alias, Command, Tree
from lab.commands.options import Properties
from lab.commands.tree import complete, find, in_order
from tests.node_commands import NodeCommands

START, STATUS, CLONE = Command("POST", "/start"), Command("GET", "/status"), Command("POST", "/clone")
TREE: Tree = {
    "start": START,
    "status": STATUS,
    "stop": Command(),
    "disk": {"move": Command(section="B"), "scan": Command(section="A")},
    "clone": CLONE,
    "move": Alias("disk move"),
    "zap": Command(section="A"),
}
PROPERTIES: Properties = {
    "vmid": {"type": "integer", "minimum": 100, "maximum": 999},
    "newid": {"type": "integer", "optional": 1},
    "ids": {"type": "string", "format": "pve-vmid-list"},
    "mode": {"type": "string", "enum": ["stop", "snapshot"], "default": "snapshot", "optional": 1},
    "net[n]": {
        "type": "string",
        "optional": 1,
        "format": {
            "model": {"type": "string", "default_key": 1, "enum": ["a", "b", "c", "d"]},
            "firewall": {"type": "boolean", "optional": 1},
            "queues": {"type": "integer", "optional": 1},
        },
    },
}


@pytest.mark.parametrize(
    ("words", "name", "left"),
    [
        ("start 100", "qm start", ["100"]),
        ("disk move 100", "qm disk move", ["100"]),
        ("move 100 x", "qm disk move", ["100", "x"]),
        ("d sc", "qm disk scan", []),
        ("cl 1", "qm clone", ["1"]),
    ],
)
def test_words_lead_to_a_command(words: str, name: str, left: list[str]) -> None:
    found = find("qm", TREE, words.split())
    assert isinstance(found.target, Command)
    assert (found.name, found.arguments) == (name, left)


def test_words_that_lead_nowhere() -> None:
    assert find("qm", TREE, ["st"]).target is None
    assert find("qm", TREE, ["disk", "frob"]).name == "qm disk frob"
    assert find("qm", TREE, ["disk"]).target == TREE["disk"]
    assert complete(TREE, "mov") == "mov"


def test_groups_come_first_then_sections() -> None:
    assert [name for name in in_order(TREE) if name != "move"] == ["disk", "zap", "clone", "start", "status", "stop"]


def test_a_short_usage() -> None:
    assert usage.short("qm x", PROPERTIES, ("vmid", "newid")) == "qm x <vmid> [<newid>] --ids <string> [OPTIONS]\n"
    assert usage.short("vzdump", PROPERTIES, ("ids",), {"vmid"}) == "vzdump {<ids>} [OPTIONS]\n"
    assert usage.short("qm y", {}, ()) == "qm y \n"
    assert usage.short("qm y", {}, (), formats=True) == "qm y  [FORMAT_OPTIONS]\n"


def test_a_long_usage() -> None:
    assert usage.long("qm x", PROPERTIES, ("vmid",), {"newid", "ids"}) == (
        "USAGE: qm x <vmid> [OPTIONS]\n\n"
        "  <vmid>     <integer> (100 - 999)\n\n"
        "  --mode     <snapshot | stop>   (default=snapshot)\n\n"
        "  --net[n]   [model=]<enum> [,firewall=<1|0>] [,queues=<integer>]\n\n"
    )


def test_help_names_every_command_by_its_section(run: NodeCommands) -> None:
    lines = run("pvesm", "help").out.splitlines()
    assert lines[:3] == ["USAGE: pvesm <COMMAND> [ARGS] [OPTIONS]", "", "       pvesm scan cifs <server> [OPTIONS]"]
    assert lines[-1] == "       pvesm help [<extra-args>] [OPTIONS]"
    assert "       pvesm alloc <storage> <vmid> <filename> <size> [OPTIONS]" in lines


@pytest.mark.parametrize(
    "name", ["ha-manager", "pct", "pve-firewall", "pveam", "pvecm", "pvenode", "pvesubscription", "pveum", "qm"]
)
def test_every_command_explains_itself(run: NodeCommands, name: str) -> None:
    said = run(name)
    assert (said.code, said.out) == (255, "")
    assert said.err.startswith(f"ERROR: no command specified\nUSAGE: {name} <COMMAND> [ARGS] [OPTIONS]\n\n")
    verbose = run(name, "help", "--verbose")
    assert (verbose.code, verbose.err) == (0, "")
    assert verbose.out.count("USAGE: ") == said.err.count(f"       {name} ") + 1


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("qm frob", "ERROR: unknown command 'qm frob'\nUSAGE: qm <COMMAND> [ARGS] [OPTIONS]\n"),
        ("qm disk", "ERROR: incomplete command 'qm disk'\nUSAGE: qm <COMMAND> [ARGS] [OPTIONS]\n"),
        ("qm clone", "400 not enough arguments\nqm clone <vmid> <newid> [OPTIONS]\n"),
        ("qm start 1 2", "400 too many arguments\nqm start <vmid> [OPTIONS]\n"),
        ("qm list --frob 1", "Unknown option: frob\n400 unable to parse option\nqm list  [OPTIONS]\n"),
        (
            "qm start abc",
            "400 Parameter verification failed.\nvmid: type check ('integer') failed - got 'abc'\n"
            "qm start <vmid> [OPTIONS]\n",
        ),
        ("pveum user list --output-format xml", "400 Parameter verification failed.\noutput-format: value 'xml'"),
        ("vzdump", "400 Parameter verification failed.\nvmid: property is missing\nvzdump {<vmid>} [OPTIONS]\n"),
    ],
)
def test_a_wrong_command_line_is_answered_with_the_usage(run: NodeCommands, line: str, wanted: str) -> None:
    said = run(*line.split())
    assert (said.code, said.out) == (255, "")
    assert said.err.startswith(wanted)
