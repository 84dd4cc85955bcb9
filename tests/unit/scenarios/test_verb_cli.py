"""The commands of the table: what becomes of their words, of the user's settings, and of what they find."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scenarios.cli import main
from scenarios.report import PhaseReport, RunReport
from scenarios.tables import cell
from scenarios.values import Json
from scenarios.verb import Input, Table, Verb
from scenarios.verb_cli import command, placed, shown

from .test_report import STARTED

FOUND = Verb("thing-list", "List", group="thing", table=Table("things", ("id", "on", "tags", "note"), "No things."))
MADE = Verb("thing-make", "Make", group="thing", result="{name}: {tags}, {ip}")
ROWS: list[Json] = [
    {"id": 1, "on": True, "tags": ["a", "b"], "note": None, "other": "x"},
    {"id": 22, "on": False, "tags": [], "note": ""},
]


def report(**outputs: Json) -> RunReport:
    return RunReport("r", "thing", "h", STARTED, phases=[PhaseReport("thing", "Thing", outputs=dict(outputs))])


def test_a_table_leaves_out_what_no_row_has(capsys: pytest.CaptureFixture[str]) -> None:
    shown(FOUND, as_json=False)(report(things=ROWS))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["id  on   tags", "1   yes  a, b", "22"]


def test_rows_as_json_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    shown(FOUND, as_json=True)(report(things=ROWS))
    assert json.loads(capsys.readouterr().out) == ROWS


@pytest.mark.parametrize(("as_json", "said"), [(False, "No things.\n"), (True, "[]\n")])
def test_nothing_found(as_json: bool, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown(FOUND, as_json=as_json)(report(things=[]))
    assert capsys.readouterr().out == said


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ({"name": "web", "tags": ["a", "b"], "ip": "192.0.2.1"}, "web: a, b, 192.0.2.1\n"),
        ({"name": "web", "tags": ["a"], "ip": ""}, "web: a\n"),
    ],
    ids=["all", "without address"],
)
def test_the_result_in_a_line(outputs: dict[str, Json], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown(MADE, as_json=False)(report(**outputs))
    assert capsys.readouterr().out == said


def test_long_cells_are_whole_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    shown(FOUND, as_json=False)(report(things=[{"id": "x" * 300}]))
    assert "x" * 300 in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "yes"), (False, ""), (0, "0"), (1.5, "1.5"), (["a", 1], "a\n1"), ("t", "t")],
)
def test_cells(value: Json, text: str) -> None:
    assert cell(value) == text


@pytest.mark.parametrize(
    ("settings", "wanted", "inputs"),
    [
        ({}, {"thing": "thing_defaults"}, {}),
        ({"thing.a": 1, "thing.b": 2}, {"thing.a": "thing_a", "thing.b": "b"}, {"thing_a": 1, "b": 2}),
        (
            {"thing.a": 1, "thing.b": 2},
            {"thing": "thing_defaults", "thing.a": "thing_a", "thing.b": "b"},
            {"thing_defaults": {"a": 1, "b": 2}},
        ),
        ({"thing.a": 1}, {"other": "o", "thing.a": "a"}, {"a": 1}),
    ],
    ids=["none", "each its own", "a section", "another section"],
)
def test_settings_become_inputs(settings: dict[str, Json], wanted: dict[str, str], inputs: dict[str, Json]) -> None:
    assert placed(settings, wanted) == inputs


def test_flags_are_without_the_groups_prefix() -> None:
    inputs = (
        Input("thing_name", "str", "name", required=True, positional=True),
        Input("thing_id", "int", "number", flag="number"),
        Input("wait_timeout", "int", "seconds"),
        Input("thing_start", "bool", "start"),
        Input("thing_defaults", "dict", "rest", hidden=True),
    )
    made = command(Verb("thing-make", "Make", inputs=inputs, group="thing"))
    own = [param for param in made.params if (param.name or "").startswith("input_")]
    assert made.name == "make"
    assert [param.opts + param.secondary_opts for param in own] == [
        ["input_thing_name"], ["--number"], ["--wait-timeout"], ["--start", "--no-start"],
    ]  # fmt: skip


CREATE = ("container", "create", "web", "--host", "father", "--dry-run")


def planned(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main([*CREATE, *words]) == 0
    return capsys.readouterr().out.splitlines()[1].partition(" would run ")[2]


def test_settings_of_containers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert planned(capsys) == 'playbooks/container-create.yml container_name="web"'
    former = tmp_path / "home" / ".pve-lxc" / "config.yaml"
    former.parent.mkdir(parents=True)
    former.write_text("container: {cores: 2, memory: 2048}\n", encoding="utf-8")
    settings = tmp_path / "config" / "homelab-pve" / "config.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text("container: {cores: 4}\n", encoding="utf-8")
    assert planned(capsys, "--cores", "1", "--no-start", "--tags", "a,b") == (
        'playbooks/container-create.yml container_defaults={"cores": 4, "memory": 2048} container_name="web" '
        'container_cores=1 container_tags=["a", "b"] container_start=false'
    )


def test_a_wrong_setting_is_wrong_usage(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    settings = tmp_path / "config" / "homelab-pve" / "config.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text("container:\n  core: 4\n", encoding="utf-8")
    assert main(CREATE) == 2
    problem = f"{settings}:2: 'container.core' is no setting. Did you mean 'cores'? Known: authorized_keys, "
    assert problem in capsys.readouterr().err
