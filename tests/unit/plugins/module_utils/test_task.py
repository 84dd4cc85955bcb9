"""Planning the end of a task. Pure."""

from __future__ import annotations

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.task import TASK

from .resources.reading import Table

UPID = "UPID:father:00002177:00059C28:6B003611:qmstart:104:root@pam!gold:"
PATH = "/nodes/father/tasks/UPID%3Afather%3A00002177%3A00059C28%3A6B003611%3Aqmstart%3A104%3Aroot%40pam%21gold%3A"
WISH = {"upid": UPID, "state": "stopped"}
ROW = {"upid": UPID, "node": "father", "type": "qmstart", "id": "104", "user": "root@pam", "starttime": 1795177966}


def table(status: str, **more: str) -> Table:
    return Table({f"{PATH}/status": {**ROW, "status": status, **more}})


@pytest.mark.parametrize(
    ("answer", "steps"),
    [
        (table("running"), [("DELETE", PATH, {})]),
        (table("stopped", exitstatus="OK"), []),
        (table("stopped", exitstatus="unexpected status"), []),
    ],
    ids=["runs", "ended well", "failed"],
)
def test_steps(answer: Table, steps: list[object]) -> None:
    made = TASK.plan(WISH, TASK.describe(answer, WISH))
    assert [(step.verb, step.path, dict(step.params)) for step in made.steps] == steps
    assert answer.asked == [f"{PATH}/status"]


def test_the_end_is_waited_for() -> None:
    (step,) = TASK.plan(WISH, TASK.describe(table("running"), WISH)).steps
    assert step.until
    assert step.until.seen(table("running")) is None
    assert step.until.seen(table("stopped", exitstatus="received interrupt"))


def test_refusals() -> None:
    with pytest.raises(ConfigError, match="'x' is no id of a task"):
        TASK.describe(Table({}), {"upid": "x"})
    unknown = PveError("GET", f"{PATH}/status", 400, "Parameter verification failed.", errors={"upid": "no such task"})
    with pytest.raises(RefusedError, match="There is no task UPID:father:"):
        TASK.describe(Table({f"{PATH}/status": unknown}), WISH)
