"""What the benchmark of documents plays and says. Its figures are measured by hand: `./run.sh bench --only state`."""

from __future__ import annotations

from multiprocessing import Pipe

import pytest

from tests.benchmark import state
from tests.benchmark.api import Api, Count, running
from tests.benchmark.figures import Figure
from tests.benchmark.modules import existing
from tests.benchmark.state import JOBS, cost, document, figure, whole


def test_each_job_is_played_with_a_module() -> None:
    api = Api(8006, "ca.pem", "secret", Pipe()[0])
    assert [name for job in JOBS for task in job.tasks(api) for name in task if "." in name] == [
        "homelab.pve.state",
        "homelab.pve.state",
        "homelab.pve.state_info",
        "community.proxmox.proxmox_kvm",
    ]


def test_a_plan_has_seconds_beyond_an_empty_play(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "once", lambda _job: (3.0, Count(1005, 0)))
    found = figure(JOBS[0], 2, 1.5)
    assert (found.samples, found.aim) == ((3.0, 3.0), state.SECONDS_AIM + 1.5)
    assert found.name.endswith("(1005 requests, 0 writes)")


def test_a_job_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def once(_job: state.Job) -> tuple[float, Count]:
        raise RuntimeError("no room")

    monkeypatch.setattr(state, "once", once)
    assert figure(JOBS[0], 2, 1.5).problem == "no room"


def test_the_others_loop_is_extrapolated_without_the_start_of_ansible() -> None:
    part = Figure("some", (1.5 + 0.8 * state.THEIRS,))
    assert whole(part, 1.5).samples == pytest.approx((1.5 + 0.8 * state.GUESTS,))


def test_a_plan_of_what_is_there_changes_nothing_and_takes_memory() -> None:
    with running() as api:
        existing(api, 2)
        memory, seconds = cost(api, "state", {"document": document(2), "_ansible_check_mode": True})
        assert memory > 1
        assert seconds > 0
        assert api.count().writes == 2  # those that made them
