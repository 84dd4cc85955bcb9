"""Carrying out plans: claims, failures, and beginning again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import perform, reconcile
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    BOUND,
    Bound,
    Claim,
    Debris,
    Plan,
    Resource,
    Step,
    Until,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    HomelabPveError,
    OutcomeUnknownError,
    PveError,
    RefusedError,
    StepFailedError,
    TaskFailedError,
)

UPID = "UPID:father:00002177:00059C28:6B003611:qmstart:100:root@pam:"
TAKEN = PveError("POST", "/things", 500, "thing 1 already exists")
CHANGED = PveError("PUT", "/things/1", 500, "checksum mismatch (file change by other user?)")
MOVED = PveError("PUT", "/x", 500, "Configuration file 'nodes/father/qemu-server/104.conf' does not exist")
LOST = OutcomeUnknownError("father", 8006, "the connection broke")
BAD = PveError("PUT", "/things/1", 500, "no")


@dataclass
class Fake(Client):
    """A client that writes down writes and fails when told."""

    failures: dict[int, HomelabPveError] = field(default_factory=dict)
    sent: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    reads: int = 0
    retries: int = 2

    def get(self, path: str, params: Any = None) -> Any:
        """Count."""
        self.reads += 1
        return self.reads

    def request(self, method: str, path: str, params: Any = None, _patience: float = 0.0) -> Any:
        """Note the write, and fail if its number is listed."""
        self.sent.append((method, path, dict(params or {})))
        if len(self.sent) in self.failures:
            raise self.failures[len(self.sent)]
        return None


CLAIM = Claim("id", (1, 2, 3), "already exists")
CREATE = Step("POST", "/things", {"id": Bound("id"), "name": "x"}, "create thing {id}", CLAIM)
SETTING = Step("PUT", "/things/{id}", {"a": 1}, "set a of thing {id}")
START = Step("POST", "/things/{id}/start", {}, "start thing {id}")
ALONE = Step("POST", "/things/1/start", {}, "start thing 1")


def resource(*steps: Step, once: bool = False) -> Resource:
    """Plans these steps, ``once``: only from the first look."""
    return Resource(
        kind="thing",
        options={},
        describe=lambda read, wish: (read.get("/things"), wish.get(BOUND)),
        plan=lambda wish, state: Plan(() if once and state[0] > 1 else steps, reason="as wished"),
        result=lambda state: {"state": state},
    )


def go(client: Fake, made: Resource, *, dry_run: bool = False) -> Any:
    return reconcile(made, {}, client, dry_run=dry_run, timeout=1)


def test_a_dry_run_writes_nothing() -> None:
    client = Fake()
    outcome = go(client, resource(CREATE), dry_run=True)
    assert (outcome.changed, client.sent, client.reads) == (True, [], 1)


def test_an_empty_plan_changes_nothing() -> None:
    client = Fake()
    assert not go(client, resource()).changed
    assert (client.sent, client.reads) == ([], 1)


def test_a_claimed_id_reaches_the_later_steps_and_the_last_read() -> None:
    client = Fake(failures={1: TAKEN, 2: TAKEN})
    outcome = go(client, resource(CREATE, SETTING))
    assert client.sent == [
        ("POST", "/things", {"id": 1, "name": "x"}),
        ("POST", "/things", {"id": 2, "name": "x"}),
        ("POST", "/things", {"id": 3, "name": "x"}),
        ("PUT", "/things/3", {"a": 1}),
    ]
    assert outcome.state == (2, {"id": 3})


def test_when_all_candidates_are_taken_the_last_refusal_is_told() -> None:
    client = Fake(failures={1: TAKEN, 2: TAKEN, 3: TAKEN})
    with pytest.raises(StepFailedError, match=r"^Cannot create thing 3: POST /things: 500 thing 1 already exists"):
        go(client, resource(CREATE))


def test_another_refusal_of_a_claim_is_no_conflict() -> None:
    client = Fake(failures={1: BAD})
    with pytest.raises(StepFailedError):
        go(client, resource(CREATE))
    assert len(client.sent) == 1


def test_a_failure_names_what_was_done_and_what_not() -> None:
    with pytest.raises(StepFailedError) as caught:
        go(Fake(failures={2: BAD}), resource(CREATE, SETTING, START))
    error = caught.value
    assert (error.step, error.cause, error.done, error.left) == (
        "set a of thing 1", BAD, ("create thing 1",), ("start thing 1",),
    )  # fmt: skip


def test_what_was_done_is_told_even_if_it_cannot_be_seen() -> None:
    class Blind(Fake):
        """Sees nothing after its first look."""

        def get(self, path: str, params: Any = None) -> Any:
            """Fail from the second time on."""
            if super().get(path, params) > 1:
                raise BAD

    with pytest.raises(StepFailedError) as caught:
        go(Blind(), resource(CREATE))
    assert str(caught.value) == f"Cannot see what became of it: {BAD}\nAlready done: create thing 1."


@pytest.mark.parametrize("trouble", [CHANGED, MOVED, LOST], ids=lambda error: type(error).__name__)
def test_an_outdated_view_is_taken_anew(trouble: HomelabPveError) -> None:
    client = Fake(failures={1: trouble})
    assert go(client, resource(ALONE)).changed
    assert (len(client.sent), client.reads) == (2, 3)


def test_after_a_lost_answer_nothing_is_done_twice() -> None:
    client = Fake(failures={1: LOST})
    outcome = go(client, resource(ALONE, once=True))
    assert (outcome.changed, outcome.state, len(client.sent)) == (True, (2, None), 1)


def test_a_snapshot_under_way_is_waited_for() -> None:
    client = Fake(failures={1: TaskFailedError(UPID, "VM is locked (snapshot)")})
    assert go(client, resource(ALONE)).changed
    assert len(client.sent) == 2


def test_advice_of_the_step_stands_beside_what_proxmox_said() -> None:
    told = replace(SETTING, path="/things/1", reason="set a", advice={"other": "Not this.", "no\\.$": "Ask nicely."})
    with pytest.raises(StepFailedError) as caught:
        go(Fake(failures={1: BAD}), resource(told, START))
    assert str(caught.value) == "Cannot set a: PUT /things/1: 500 no.\nAsk nicely.\nNot done: start thing ?."


def test_not_for_ever() -> None:
    client = Fake(failures={1: CHANGED, 2: CHANGED, 3: CHANGED})
    with pytest.raises(StepFailedError, match="checksum mismatch"):
        go(client, resource(ALONE))
    assert len(client.sent) == 3


def test_a_task_that_waited_for_a_lock_in_vain_is_started_again() -> None:
    locked = TaskFailedError(UPID, "can't lock file '/var/lock/qemu-server/lock-104.conf' - got timeout")
    client = Fake(failures=dict.fromkeys(range(1, 6), locked))
    assert go(client, resource(ALONE)).changed
    assert len(client.sent) == 6
    with pytest.raises(StepFailedError):
        go(Fake(failures={1: TaskFailedError(UPID, "no space left")}), resource(ALONE))


def test_a_lock_is_waited_for_as_long_as_a_task() -> None:
    locked = TaskFailedError(UPID, "can't lock file '/var/lock/qemu-server/lock-104.conf' - got timeout")
    brief = replace(ALONE, timeout=0.1)
    client = Fake(failures=dict.fromkeys(range(1, 100), locked))
    with pytest.raises(StepFailedError, match="can't lock file"):
        go(client, resource(brief))
    assert 1 < len(client.sent) < 100


def test_a_guest_that_is_being_made_is_waited_for() -> None:
    locked = PveError("PUT", "/things/1", 500, "VM is locked (clone)")
    client = Fake(failures=dict.fromkeys(range(1, 6), locked))
    assert go(client, resource(ALONE)).changed
    assert len(client.sent) == 6
    with pytest.raises(StepFailedError):
        go(Fake(failures={1: PveError("PUT", "/things/1", 500, "VM is locked (backup)")}), resource(ALONE))


def test_what_an_answer_began_is_waited_for() -> None:
    step = replace(START, path="/things/1/start", follow=lambda _read, answer, timeout: (answer, timeout), timeout=7)
    outcome = reconcile(resource(step), {}, Fake(), dry_run=False, timeout=1)
    assert outcome.answers == ((None, 7),)


def test_what_must_not_be_done_twice_is_not() -> None:
    client = Fake(failures={1: LOST})
    with pytest.raises(StepFailedError, match=r"^Cannot start thing 1: "):
        reconcile(resource(replace(ALONE, once=True)), {}, client, dry_run=False, timeout=1)
    assert len(client.sent) == 1


def test_what_is_only_asked_for_is_waited_for() -> None:
    looks = iter((None, None, True))
    step = replace(ALONE, until=Until(lambda _read: next(looks), "never"))
    assert go(Fake(), resource(step)).changed
    assert list(looks) == []


def test_what_is_asked_for_in_vain_is_said() -> None:
    step = replace(ALONE, until=Until(lambda _read: None, "It is not so within {timeout} s."), timeout=0.1)
    with pytest.raises(StepFailedError, match=r"^Cannot start thing 1: It is not so within 0\.1 s\.$"):
        go(Fake(), resource(step))


def test_a_task_on_the_wrong_node_is_planned_anew() -> None:
    gone = TaskFailedError(UPID, "Configuration file 'nodes/father/qemu-server/104.conf' does not exist")
    client = Fake(failures={1: gone})
    assert go(client, resource(ALONE)).changed
    assert len(client.sent) == 2


NOT_FORKED = PveError("POST", "/things", 500, "got no worker upid - start worker failed")
REMOVE = Step("DELETE", "/things/{id}", {}, "remove thing {id}")
HALF = Debris("start worker failed", lambda _read, _id: (REMOVE,), "thing {id} is half-made")
CAREFUL = replace(CREATE, claim=Claim("id", (1, 2), "already exists|start worker failed", HALF))


def test_what_a_failed_creation_leaves_behind_is_removed_before_the_next_attempt() -> None:
    client = Fake(failures={1: NOT_FORKED})
    outcome = go(client, resource(CAREFUL))
    assert [(verb, path) for verb, path, _ in client.sent] == [
        ("POST", "/things"),
        ("DELETE", "/things/1"),
        ("POST", "/things"),
    ]
    assert (client.sent[-1][2]["id"], outcome.warnings) == (1, ())


def test_what_can_not_be_removed_is_told_and_another_id_is_taken() -> None:
    client = Fake(failures={1: NOT_FORKED, 2: BAD})
    outcome = go(client, resource(CAREFUL))
    assert (client.sent[-1][2]["id"], outcome.warnings) == (2, ("thing 1 is half-made",))


def test_the_last_id_fails_as_it_failed() -> None:
    client = Fake(failures={1: NOT_FORKED, 2: BAD, 3: NOT_FORKED, 4: BAD})
    with pytest.raises(StepFailedError, match="start worker failed"):
        go(client, resource(CAREFUL))


def test_what_was_foretold_gives_way_to_what_became_of_it() -> None:
    made = resource(ALONE)
    made = replace(made, plan=lambda wish, state: replace(resource(ALONE).plan(wish, state), extra={"pending": ["a"]}))
    assert go(Fake(), made, dry_run=True).plan.extra == {"pending": ["a"]}
    assert go(Fake(), made).plan.extra == {}


def test_a_claim_without_an_answer_is_made_again_with_the_same_id() -> None:
    client = Fake(failures={1: LOST})
    assert go(client, resource(CREATE)).changed
    assert [params["id"] for _verb, _path, params in client.sent] == [1, 1]


def test_a_claim_that_was_carried_out_late_is_not_made_twice() -> None:
    """The second request finds the id taken, by the first one: it is looked for until it can be seen."""
    client = Fake(failures={1: LOST, 2: TAKEN, 3: TAKEN})
    made = resource(CREATE)
    late = replace(made, plan=lambda wish, state: Plan(() if state[0] > 3 else (CREATE,), reason="as wished"))
    outcome = go(client, late)
    assert (outcome.changed, outcome.state) == (True, (4, None))
    assert [params["id"] for _verb, _path, params in client.sent] == [1, 1, 1]


def test_what_cannot_be_made_out_yet_is_looked_at_again() -> None:
    def plan(_wish: Any, state: Any) -> Plan:
        if state[0] == 2:
            raise RefusedError("there is nothing of it but a lock")
        return Plan((CREATE,) if state[0] == 1 else (), reason="as wished")

    client = Fake(failures={1: LOST, 2: TAKEN})
    assert go(client, replace(resource(), plan=plan)).changed
    assert [params["id"] for _verb, _path, params in client.sent] == [1, 1]
    with pytest.raises(RefusedError):
        go(Fake(failures={1: CHANGED}), replace(resource(), plan=plan))


def test_steps_of_no_resource_are_carried_out_once() -> None:
    steps = [Step("POST", "/a", {"x": True}, "do a"), Step("POST", "/b", {}, "do b"), Step("POST", "/c", {}, "do c")]
    client = Fake()
    assert perform(client, steps, 1) == (None, None, None)
    assert [path for _verb, path, _params in client.sent] == ["/a", "/b", "/c"]
    failing = Fake(failures={2: MOVED})
    with pytest.raises(StepFailedError, match=r"(?s)Cannot do b: .*Already done: do a.*Not done: do c"):
        perform(failing, steps, 1)
    assert len(failing.sent) == 2


def test_a_task_of_many_parts_says_what_became_of_them_and_is_not_begun_anew() -> None:
    log = ["part 1 failed", *(f"line {number}" for number in range(20)), "VM is locked (snapshot)"]
    client = Fake(failures={1: TaskFailedError(UPID, "job errors", log)})
    step = replace(ALONE, parts=lambda lines: f"Of {len(lines)}: {lines[0]}.", advice={"job errors": "Look at it."})
    with pytest.raises(StepFailedError) as caught:
        go(client, resource(step))
    assert str(caught.value).endswith("  VM is locked (snapshot)\nOf 22: part 1 failed.\nLook at it.")
    assert len(client.sent) == 1
