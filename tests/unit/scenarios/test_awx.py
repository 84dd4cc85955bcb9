"""Playbooks as job templates of AWX: each input is asked for, in a form whose answer the playbook understands."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from scenarios.awx import TARGET, playbook, question
from scenarios.cli import main
from scenarios.state_verbs import STATE_VERBS
from scenarios.values import Json
from scenarios.verb import Input

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "examples" / "awx" / "state.yml"
NAMES = tuple(verb.name for verb in STATE_VERBS if not verb.hidden)


@pytest.mark.parametrize(
    ("asked", "kind", "choices", "default"),
    [
        (Input("a", "int", "a", default=8), "integer", [], 8),
        (Input("a", "bool", "a", default=True), "multiplechoice", ["true", "false"], "true"),
        (Input("a", "bool", "a"), "multiplechoice", ["true", "false"], ""),
        (Input("a", "str", "a", choices=("x", "y"), default="x"), "multiplechoice", ["x", "y"], "x"),
        (Input("a", "dict", "a"), "textarea", [], ""),
        (Input("a", "list", "a", default=[]), "text", [], ""),
        (Input("a", "range", "a", default=[100, 199]), "text", [], "100,199"),
        (Input("a", "path", "a"), "text", [], ""),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_a_question(asked: Input, kind: str, choices: list[Json], default: Json) -> None:
    told = question(asked)
    assert (told["type"], told["choices"], told["default"]) == (kind, choices, default)


def test_a_list_is_answered_with_commas() -> None:
    assert question(Input("a", "list", "names"))["question_description"] == "names; commas between"


@pytest.mark.parametrize("verb", STATE_VERBS, ids=lambda verb: verb.name)
def test_everything_is_asked_for(capsys: pytest.CaptureFixture[str], verb: object) -> None:
    name, inputs = verb.name, verb.inputs  # type: ignore[attr-defined]
    assert main(["awx", name]) == 0
    (play,) = yaml.safe_load(capsys.readouterr().out)
    made = play["tasks"][0]["awx.awx.job_template"]
    assert (ROOT / made["playbook"]).is_file()
    expected = [TARGET.name, *(each.name for each in inputs if not each.hidden)]
    assert [asked["variable"] for asked in made["survey_spec"]["spec"]] == expected


def test_an_unknown_playbook(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["awx", "state-plann"]) == 2
    assert "state-plan" in capsys.readouterr().err


def test_the_shipped_ones_are_current() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == playbook(NAMES), f"run: ./run.sh awx {' '.join(NAMES)}"
