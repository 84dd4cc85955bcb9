"""Actions: what a playbook is given, what is made of what it published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scenarios.actions import (
    ActionResult,
    AnsiblePlaybookAction,
    Binding,
    CleanupInnerVMsAction,
    DestroyDiscoveredVMsAction,
    DiscoverVMsAction,
    HostText,
    InventoryVar,
    Ref,
    RunConfig,
    by_ssh,
    wire,
)
from scenarios.context import Context
from scenarios.events import Failure, Summary
from scenarios.runner import FAILED, STOPPED, SUCCESSFUL, TIMED_OUT, PlayRequest, PlayResult
from scenarios.values import Json
from tests.unit.scenarios.things import MAKE, MAKING, USING


def unsafe(text: str) -> dict[str, str]:
    return {"__ansible_unsafe": text}


def published(**outputs: Any) -> PlayResult:
    return PlayResult(SUCCESSFUL, Summary(outputs=outputs, changed=2))


@dataclass
class Playbooks:
    """Answers each run with the next result, and remembers what was asked."""

    results: list[PlayResult]
    asked: list[PlayRequest] = field(default_factory=list)

    def config(self, **given: Json) -> RunConfig:
        return RunConfig("father", given, self.play, self.request, Path("/repository"))

    def play(self, request: PlayRequest) -> PlayResult:
        self.asked.append(request)
        return self.results[len(self.asked) - 1]

    @staticmethod
    def request(playbook: Path, variables: Mapping[str, Json], timeout: float) -> PlayRequest:
        return PlayRequest(playbook, ("hosts.yml",), variables, timeout, limit=f"limit of the phase: {timeout:g} s")


def context(**values: Json) -> Context:
    return Context("father", "thing", values=values)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, 7),
        (True, True),
        (None, None),
        ("text", unsafe("text")),
        ("{{ lookup('pipe', 'id') }}", unsafe("{{ lookup('pipe', 'id') }}")),
        ([1, "a", {"b": "c"}], [1, unsafe("a"), {"b": unsafe("c")}]),
        (InventoryVar("nested_pve_template"), "{{ nested_pve_template }}"),
        (InventoryVar("nested_pve_template", optional=True), "{{ nested_pve_template | default('', true) }}"),
    ],
)
def test_only_our_own_words_are_templates(value: Json | InventoryVar, expected: Json) -> None:
    assert wire(value) == expected


def test_inputs_come_from_the_table_the_context_and_the_command_line() -> None:
    playbooks = Playbooks([published(id=1), published(id=1)])
    MAKING.action.run(playbooks.config(label="mine", unrelated="x"), context())
    USING.action.run(playbooks.config(), context(thing_id=5, thing_mac="aa"))
    assert [request.variables for request in playbooks.asked] == [
        {"size": 3, "label": unsafe("mine"), "target": unsafe("father")},
        {"id": 5, "mac": unsafe("aa"), "target": unsafe("father")},
    ]
    assert playbooks.asked[0].playbook == Path("/repository/playbooks/make.yml")


def test_the_command_line_wins() -> None:
    playbooks = Playbooks([published(id=1)])
    result = MAKING.action.run(playbooks.config(size=9), context())
    assert playbooks.asked[0].variables["size"] == 9
    assert result == ActionResult(True, "", 2, {"thing_id": 1, "thing_size": 9})


def test_a_missing_input_fails_without_running_anything() -> None:
    playbooks = Playbooks([])
    result = USING.action.run(playbooks.config(), context())
    assert result == ActionResult(False, "the input 'id' is missing: the context has no 'thing_id'")


def test_a_phase_runs_on_the_host_that_an_earlier_one_found() -> None:
    """Variables of the inventory are those of the host the run is about, and the found one is in the inventory."""
    inputs: dict[str, Binding] = {"size": InventoryVar("usual_size"), "label": HostText("on-{host}")}
    action = AnsiblePlaybookAction("make", MAKE, inputs, target=Ref("added"))
    playbooks = Playbooks([published(id=1), published(id=1)])
    assert action.run(playbooks.config(), context(added="other")).success
    (asked,) = playbooks.asked
    assert asked.variables == {
        "size": '{{ hostvars["father"].usual_size }}',
        "label": unsafe("on-father"),
        "target": unsafe("other"),
    }
    assert asked.inventory == ("hosts.yml", "/repository/inventory/ssh_hosts.yml")
    assert asked.environment == {"PVE_TRANSPORT": "ssh"}
    action.run(playbooks.config(), context(added="father"))
    assert playbooks.asked[1].variables["size"] == "{{ usual_size }}"
    assert (playbooks.asked[1].inventory, playbooks.asked[1].environment) == (("hosts.yml",), {})


def test_the_shipped_inventory_has_the_found_host_already() -> None:
    request = PlayRequest(Path("make.yml"), ("/repository/inventory",), {}, 1.0)
    assert by_ssh(request, Path("/repository")).inventory == ("/repository/inventory",)


@pytest.mark.parametrize(
    ("target", "result"),
    [
        (Ref("added"), ActionResult(False, "the input 'target' is missing: the context has no 'added'")),
        (Ref("added", optional=True), ActionResult(True, "the context has no 'added': nothing to do")),
    ],
    ids=["needed", "optional"],
)
def test_nothing_runs_without_the_host(target: Ref, result: ActionResult) -> None:
    action = AnsiblePlaybookAction("make", MAKE, {}, target=target)
    assert action.run(Playbooks([]).config(), context()) == result


def test_a_default_stands_in_for_what_the_context_has_not() -> None:
    action = AnsiblePlaybookAction("make", MAKE, {"size": Ref("thing_size", default=5)})
    playbooks = Playbooks([published(id=1), published(id=1)])
    for values in ({}, {"thing_size": 7}):
        action.run(playbooks.config(), context(**values))
    assert [request.variables["size"] for request in playbooks.asked] == [5, 7]


@pytest.mark.parametrize(("host", "name"), [("pve1", "x-pve1"), ("2001:db8::1", "x-2001-db8-1"), ("ä", "x--")])
def test_a_text_that_tells_hosts_apart(host: str, name: str) -> None:
    assert HostText("x-{host}").of(host) == name


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (published(), "playbooks/make.yml did not publish 'id' with set_stats; it published nothing"),
        (published(ids=1, x=2), "playbooks/make.yml did not publish 'id' with set_stats; it published ids, x"),
        (published(id="7"), "playbooks/make.yml published id='7', expected a whole number"),
        (PlayResult(SUCCESSFUL, Summary(no_hosts=True)), "playbooks/make.yml matched no host of the inventory"),
        (PlayResult(TIMED_OUT, Summary(task="Clone")), "timed out while task 'Clone' ran (limit of the phase: 600 s)"),
        (PlayResult(TIMED_OUT, Summary()), "timed out (limit of the phase: 600 s)"),
        (PlayResult(STOPPED, Summary(task="Clone")), "interrupted while task 'Clone' ran"),
        (
            PlayResult(FAILED, Summary(failures=[Failure("Clone", "father", "full")])),
            "task 'Clone' failed on father: full",
        ),
        (PlayResult(FAILED, Summary(), "ERROR! no such file"), "playbooks/make.yml: ERROR! no such file"),
        (PlayResult(FAILED, Summary()), "playbooks/make.yml: ansible-playbook failed"),
    ],
)
def test_failures(result: PlayResult, message: str) -> None:
    outcome = MAKING.action.run(Playbooks([result]).config(), context())
    assert (outcome.success, outcome.message) == (False, message)


def test_what_a_failed_playbook_published_is_kept() -> None:
    failed = PlayResult(FAILED, Summary(outputs={"id": 4}, failures=[Failure("Clone", "father", "full", True)]))
    outcome = MAKING.action.run(Playbooks([failed]).config(), context())
    assert outcome.context_updates == {"thing_id": 4}
    assert outcome.unreachable == {"father"}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (ActionResult(True, changed=0), False),
        (ActionResult(True, changed=1), True),
        (ActionResult(False, changed=0), True),
    ],
)
def test_pins_are_worthless_once_a_guest_was_built(result: ActionResult, expected: bool) -> None:
    assert MAKING.action.replaces_guests(result) is expected
    assert USING.action.replaces_guests(result) is False


VM: dict[str, Json] = {"vmid": 99900, "name": "nested-pve", "status": "running", "node": "father"}


def test_discovery_by_pattern_and_range() -> None:
    playbooks = Playbooks([published(discovered_vms=[VM])])
    result = DiscoverVMsAction("discover").run(playbooks.config(), context(inner_vmid=1, inner_name="other"))
    assert playbooks.asked[0].variables == {
        "name_pattern": unsafe("nested-pve*"),
        "vmid_range": [99900, 99999],
        "target": unsafe("father"),
    }
    assert result.context_updates == {"discovered_vms": [VM]}


def test_discovery_falls_back_to_the_context() -> None:
    playbooks = Playbooks([published(discovered_vms=[]), published(discovered_vms=[VM])])
    result = DiscoverVMsAction("discover").run(playbooks.config(), context(inner_vmid=99900, inner_name="my[vm]"))
    assert playbooks.asked[1].variables["name_pattern"] == unsafe("my[[]vm]")
    assert playbooks.asked[1].variables["vmid_range"] == [99900, 99900]
    assert result.context_updates == {"discovered_vms": [VM]}


@pytest.mark.parametrize("values", [{}, {"inner_vmid": 99900}, {"inner_name": "x"}])
def test_discovery_without_anything_to_fall_back_to(values: dict[str, Json]) -> None:
    playbooks = Playbooks([published(discovered_vms=[])])
    assert DiscoverVMsAction("discover").run(playbooks.config(), context(**values)).success
    assert len(playbooks.asked) == 1


def test_a_failed_discovery_is_not_an_empty_one() -> None:
    playbooks = Playbooks([PlayResult(FAILED, Summary(failures=[Failure("Look", "father", "timed out", True)]))])
    result = DiscoverVMsAction("discover").run(playbooks.config(), context(inner_vmid=99900, inner_name="x"))
    assert not result.success
    assert len(playbooks.asked) == 1


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (CleanupInnerVMsAction("cleanup"), "No nested node to clean up"),
        (DestroyDiscoveredVMsAction("destroy"), "No VMs to destroy"),
    ],
)
def test_without_guests_there_is_nothing_to_do(action: AnsiblePlaybookAction, message: str) -> None:
    assert action.run(Playbooks([]).config(), context(discovered_vms=[])) == ActionResult(True, message)


def test_destroying_passes_the_guests_and_adopt_on() -> None:
    playbooks = Playbooks([published(destroyed_vms=[VM])])
    DestroyDiscoveredVMsAction("destroy", force_stop=True).run(
        playbooks.config(adopt=True), context(discovered_vms=[VM])
    )
    assert playbooks.asked[0].variables == {
        "discovered_vms": [{key: wire(value) for key, value in VM.items()}],
        "stop_timeout": 0,
        "adopt": True,
        "target": unsafe("father"),
    }


def test_an_optional_input_the_context_lacks_is_left_out() -> None:
    playbooks = Playbooks([published(id=1)])
    action = AnsiblePlaybookAction("make", MAKE, {"label": Ref("nowhere", optional=True)})
    action.run(playbooks.config(), context())
    assert playbooks.asked[0].variables == {"target": unsafe("father")}
