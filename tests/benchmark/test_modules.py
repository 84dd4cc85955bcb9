"""What the comparison plays and says. Its figures are measured by hand: `./run.sh bench --only modules`."""

from __future__ import annotations

from multiprocessing import Pipe
from typing import Any

import pytest

from tests.benchmark import modules
from tests.benchmark.__main__ import chosen, parse
from tests.benchmark.api import FIRST_VMID, Api, Count, running
from tests.benchmark.modules import JOBS, Job, Way, compared, each, existing, known_guests, numbered, our_converge

JOB = Job("look at {} VMs", 0.5, 1 / 20, existing, (Way("theirs", our_converge), Way("ours", our_converge)))


@pytest.fixture
def api() -> Api:
    return Api(8006, "ca.pem", "secret", Pipe()[0])


def test_each_way_is_about_the_same_vms(api: Api) -> None:
    looped = each(3, {}, register="x")
    assert (looped, numbered()) == (
        {"loop": [0, 1, 2], "register": "x"},
        {"name": "vm{{ item }}", "vmid": f"{{{{ {FIRST_VMID} + item }}}}"},
    )
    assert known_guests(2) == [{"name": "vm0", "vmid": FIRST_VMID}, {"name": "vm1", "vmid": FIRST_VMID + 1}]
    for way in [way for job in JOBS for way in job.ways]:
        tasks: list[dict[str, Any]] = way.tasks(api, 7)
        (options, *_) = [value for task in tasks for name, value in task.items() if "." in name]
        assert len(options.get("guests") or tasks[0]["loop"]) == 7


def test_the_first_way_sets_the_others_aim(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter([10.0, 20.0, 30.0, 0.4, 0.5, 0.6])
    monkeypatch.setattr(modules, "once", lambda *_: (next(taken), Count(102, 0)))
    theirs, ours = compared(JOB, 100, 3)
    assert (theirs.name, theirs.median, theirs.aim) == ("look at 50 VMs: theirs (102 requests, 0 writes)", 20.0, None)
    assert (ours.median, ours.aim) == (0.5, 1.0)


def test_a_way_that_fails_says_why_and_the_others_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def once(_job: Job, way: Way, _count: int) -> tuple[float, Count]:
        if way.name == "theirs":
            raise RuntimeError("skipped, it can't be installed")
        return 0.5, Count(1, 0)

    monkeypatch.setattr(modules, "once", once)
    theirs, ours = compared(JOB, 100, 1)
    assert (theirs.median, theirs.problem) == (None, "skipped, it can't be installed")
    assert (ours.median, ours.aim) == (0.5, None)


def test_the_size_can_be_chosen() -> None:
    (case,) = chosen(parse(["--only", "modules", "--vms", "5"]))
    assert case.measure.keywords == {"size": 5}  # type: ignore[attr-defined]
    assert [case.name for case in chosen(parse([]))][-1] == "modules"


def test_the_api_counts_and_can_be_slow() -> None:
    with running() as api:
        existing(api, 2)
        assert str(api.count()) == "2 requests, 2 writes"
        api.slow_down(0.0)
        assert modules.floor(api, 2) > 0
        assert api.count() == Count(2, 0)
