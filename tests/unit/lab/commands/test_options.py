# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading command lines after a schema."""

from __future__ import annotations

import pytest

from lab.commands.options import Properties, UsageError, Values, read

PROPERTIES: Properties = {
    "vmid": {"type": "integer"},
    "disk": {"type": "string"},
    "size": {"type": "string", "optional": 1},
    "purge": {"type": "boolean", "optional": 1},
    "protection": {"type": "boolean", "optional": 1},
    "forceStop": {"type": "boolean", "optional": 1},
    "memory": {"type": "string", "optional": 1},
    "tags": {"type": "string", "format": "pve-tag-list", "optional": 1},
    "ssh": {"type": "array", "optional": 1},
    "net[n]": {"type": "string", "optional": 1},
    "extra-args": {"type": "array", "optional": 1},
}


@pytest.mark.parametrize(
    ("line", "words", "wanted"),
    [
        ("100 --purge", ("vmid",), {"vmid": "100", "purge": 1}),
        ("100 --purge 0", ("vmid",), {"vmid": "100", "purge": 0}),
        ("100 --purge=no --memory=64", ("vmid",), {"vmid": "100", "purge": 0, "memory": "64"}),
        ("100 -memory 64", ("vmid",), {"vmid": "100", "memory": "64"}),
        ("100 --MEM 64", ("vmid",), {"vmid": "100", "memory": "64"}),
        ("100 --forcestop yes", ("vmid",), {"vmid": "100", "forceStop": 1}),
        ("100 --purge --memory 64", ("vmid",), {"vmid": "100", "purge": 1, "memory": "64"}),
        ("100 --memory -5", ("vmid",), {"vmid": "100", "memory": "-5"}),
        ("100 --net7 virtio", ("vmid",), {"vmid": "100", "net7": "virtio"}),
        ("100 --tags a --tags b", ("vmid",), {"vmid": "100", "tags": "a,b"}),
        ("100 --ssh a --ssh b", ("vmid",), {"vmid": "100", "ssh": ["a", "b"]}),
        ("100 scsi0 1G", ("vmid", "disk", "size"), {"vmid": "100", "disk": "scsi0", "size": "1G"}),
        ("100 scsi0", ("vmid", "disk", "size"), {"vmid": "100", "disk": "scsi0"}),
        ("100 -- ls -l", ("vmid", "extra-args"), {"vmid": "100", "extra-args": ["ls", "-l"]}),
        ("100 101 102", "tags", {"tags": "100,101,102"}),
    ],
)
def test_a_command_line_becomes_parameters(line: str, words: tuple[str, ...] | str, wanted: Values) -> None:
    assert read(line.split(), PROPERTIES, words) == wanted


@pytest.mark.parametrize(
    ("line", "complaint", "warning"),
    [
        ("", "not enough arguments", ""),
        ("100 101", "too many arguments", ""),
        ("100 --frob 1", "unable to parse option", "Unknown option: frob\n"),
        ("100 -5", "unable to parse option", "Unknown option: 5\n"),
        ("100 --p", "unable to parse option", "Option p is ambiguous (protection, purge)\n"),
        ("100 --memory", "unable to parse option", "Option memory requires an argument\n"),
        ("100 --purge maybe", "unable to parse boolean option", ""),
        ("100 --frob --grob", "unable to parse option", "Unknown option: frob\nUnknown option: grob\n"),
    ],
)
def test_what_cannot_be_read_is_refused_in_the_words_of_getopt(
    line: str, complaint: str, warning: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError) as raised:
        read(line.split(), PROPERTIES, ("vmid",))
    assert (str(raised.value), capsys.readouterr().err) == (complaint, warning)


@pytest.mark.parametrize(("line", "asked"), [("100", ""), ("100 --disk given", "given"), ("100 --disk", "")])
def test_a_parameter_that_must_be_there_is_asked_for(line: str, asked: str) -> None:
    given: list[str] = []

    def ask(value: str) -> str:
        given.append(value)
        return "answered"

    assert read(line.split(), PROPERTIES, ("vmid",), {"disk": ask})["disk"] == "answered"
    assert given == [asked]
