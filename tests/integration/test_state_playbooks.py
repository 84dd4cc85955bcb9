"""The playbooks of documents as AWX runs them: answers of a survey are texts, documents may be given inline."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.api.serving import ServedLab
from scenarios import paths, runner
from scenarios.runner import FAILED, SUCCESSFUL
from tests.integration.lab_driver import LONGEST_RUN

Play = Callable[..., tuple[str, dict[str, Any]]]

BASE = "groups: [{groupid: operators}]\n"
TEMPLATE = "pools: [{poolid: '{{ pool_name }}', comment: '${secret:comment}'}]\n"


@pytest.fixture
def play(lab_api: ServedLab, tmp_path: Path) -> Play:
    """Runs a playbook on an API of this process: how it ended, and what it published."""
    hosts = tmp_path / "hosts.json"
    hosts.write_text(json.dumps({"all": {"hosts": {"pve": {"pve_api": lab_api.options()}}}}), encoding="utf-8")

    def run(name: str, **given: Any) -> tuple[str, dict[str, Any]]:
        playbook = paths.repository() / "playbooks" / f"state-{name}.yml"
        deadline = time.monotonic() + LONGEST_RUN
        request = runner.PlayRequest(
            playbook, (str(hosts),), {"target": "pve", **given}, deadline, log=tmp_path / "log"
        )
        result = runner.play(request, lambda: False, lambda _task: None, lambda _text: None)
        assert result.status == SUCCESSFUL or result.summary.failures, (tmp_path / "log").read_text(encoding="utf-8")
        return result.status, result.summary.outputs

    return run


def test_answers_of_a_survey(play: Play, tmp_path: Path) -> None:
    (tmp_path / "base.yml").write_text(BASE, encoding="utf-8")
    (tmp_path / "pools.yml.j2").write_text(TEMPLATE, encoding="utf-8")
    (tmp_path / "pools.vars.yml").write_text("pool_name: lab\nstate_secrets: {comment: between us}\n", encoding="utf-8")
    answers = {
        "state_files": f"{tmp_path}/base.yml, {tmp_path}/pools.yml.j2",
        "state_vars_files": f"{tmp_path}/pools.vars.yml",
        "state_document": "users: [{userid: op@pve, groups: [operators], user_password: five-and-more}]",
        "state_only": "groups,pools,users",
        "state_prune": "",
        "state_max_parallel": "",
        "state_max_delete_percent": "",
        "state_all": "false",
        "state_allow_delete": "false",
    }
    status, planned = play("plan", **answers)
    assert status == SUCCESSFUL
    assert [(each["kind"], each["action"]) for each in planned["state_actions"]] == [
        ("groups", "create"),
        ("pools", "create"),
        ("users", "create"),
    ]
    assert "between us" not in json.dumps(planned)

    beside = {name: answers[name] for name in ("state_max_delete_percent", "state_all", "state_allow_delete")}
    status, kept = play("checkpoint", **{name: answers[name] for name in answers if name not in beside})
    creations = [(each["kind"], each["id"]) for each in kept["state_checkpoint"]["creations"]]
    assert (status, creations) == (SUCCESSFUL, [("groups", "operators"), ("pools", "lab"), ("users", "op@pve")])

    journal = tmp_path / "journal.jsonl"
    status, applied = play("apply", **answers, state_journal=str(journal))
    assert (status, applied["state_errors"], applied["state_changed"]) == (SUCCESSFUL, [], True)
    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    assert [line["event"] for line in lines].count("ended") == 3

    status, verified = play("verify", **answers)
    assert (status, verified["state_changed"], verified["state_actions"]) == (SUCCESSFUL, False, [])
    assert play("verify", **{**answers, "state_all": "true"})[1]["state_actions"] != []


def test_what_fails_is_published_too(play: Play) -> None:
    status, told = play("plan", state_document={"pools": [{"poolid": "a", "commment": "x"}]})
    assert status == FAILED
    assert (told["state_changed"], told["state_actions"], told["state_summary"]) == (False, [], {})
    assert "pools[0].commment: " in told["state_errors"][0]


def test_the_secret_of_a_new_token_is_in_no_artifact(play: Play) -> None:
    status, told = play("apply", state_document={"tokens": [{"userid": "root@pam", "tokenid": "new"}]})
    assert status == SUCCESSFUL
    (token,) = told["state_actions"]
    assert (token["id"], token["action"], token["told"]) == ("root@pam!new", "create", {})
    assert told["state_warnings"] == [
        "The secret of root@pam!new is not shown here. "
        "With secret_path in the document it gets into a file when it is made."
    ]


def test_an_export_and_the_figures(play: Play) -> None:
    status, exported = play("export", state_only="storage", state_max_parallel="")
    assert (status, list(exported["state_document"])) == (SUCCESSFUL, ["version", "storage"])
    status, figures = play("metrics")
    assert status == SUCCESSFUL
    assert {"node", "qemu", "storage"} <= {row["type"] for row in figures["state_resources"]}
