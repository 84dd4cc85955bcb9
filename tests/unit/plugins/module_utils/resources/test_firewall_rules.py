"""Planning a list of firewall rules. Pure."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import Step
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_rules import (
    FIELDS,
    Planned,
    planned,
    present,
    wished,
)
from hypothesis import given
from hypothesis import strategies as st

PATH = "/cluster/firewall/rules"
Rule = dict[str, Any]


def rule(port: object, **more: Any) -> Rule:
    return {"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": str(port), "enable": True, **more}


def rows(rules: Iterable[Rule]) -> list[Rule]:
    """The rules as Proxmox VE answers them."""
    return [{**row, "enable": int(row["enable"]), "pos": pos, "digest": "d"} for pos, row in enumerate(rules)]


def planned_for(have: Sequence[Rule], wish: Sequence[Rule], key: str = "content", *, merge: bool = False) -> Planned:
    return planned(PATH, rows(have), wished(wish, "cluster", key), key=key, merge=merge)


def played(have: Sequence[Rule], steps: Sequence[Step]) -> list[Rule]:
    """The rules after the steps, as Proxmox VE carries them out (PVE::API2::Firewall::Rules)."""
    there = rows(have)
    for step in steps:
        if step.verb == "POST":
            there.insert(0, dict(step.params))
        else:
            change(there, step.verb, int(step.path.rpartition("/")[2]), dict(step.params))
    return present({**spelt(row), "pos": pos} for pos, row in enumerate(there))


def change(there: list[Rule], verb: str, pos: int, params: Rule) -> None:
    if verb == "DELETE":
        del there[pos]
    elif "moveto" in params:
        before = [row for index, row in enumerate(there) if index < params["moveto"] and index != pos]
        after = [row for index, row in enumerate(there) if index >= params["moveto"] and index != pos]
        there[:] = [*before, there[pos], *after]
    else:
        gone = params.pop("delete", "").split(",")
        there[pos] = {name: value for name, value in {**there[pos], **params}.items() if name not in gone}


def ports(text: str) -> list[Rule]:
    return [rule(port) for port in text]


def shown(rules: Iterable[Rule]) -> str:
    return "".join(item["dport"] for item in rules)


@pytest.mark.parametrize("have", ["1234", "12345", "51234", "12", "", "5678", "152637"])
def test_moves_are_as_few_as_can_be(have: str) -> None:
    for order in permutations("1234"):
        found = planned_for(ports(have), ports("".join(order)))
        assert shown(played(ports(have), found.steps)) == "".join(order)
        moves = [step for step in found.steps if "moveto" in step.params]
        assert len(moves) == len(order) - longest_rising(places(have, order))


def places(have: str, order: Sequence[str]) -> list[int]:
    """Where the rules of an order stand before anything is moved: new ones on top, or in place of surplus ones."""
    surplus = [have.index(port) for port in have if port not in order]
    taken = iter(surplus)
    new = [port for port in order if port not in have]
    known = dict(zip(new, taken, strict=False))
    on_top = [port for port in new if port not in known]
    spot = {**{port: place + len(on_top) for place, port in enumerate(have)}}
    spot |= {port: place + len(on_top) for port, place in known.items()}
    return [on_top.index(port) if port in on_top else spot[port] for port in order]


def longest_rising(numbers: list[int]) -> int:
    sizes = range(len(numbers), 0, -1)
    return next((size for size in sizes for some in combinations(numbers, size) if list(some) == sorted(some)), 0)


@pytest.mark.parametrize(
    ("have", "wish", "merged"),
    [
        ("12", "3", "312"), ("12", "13", "132"), ("12", "31", "312"), ("12", "21", "21"), ("123", "31", "321"),
        ("12", "", "12"), ("", "12", "12"), ("1234", "4152", "41532"), ("1231", "31", "321"),
    ],
)  # fmt: skip
def test_merging(have: str, wish: str, merged: str) -> None:
    assert shown(played(ports(have), planned_for(ports(have), ports(wish), merge=True).steps)) == merged


RULES = st.builds(
    rule,
    st.sampled_from("1234567"),
    enable=st.booleans(),
    comment=st.sampled_from(["", "a", "b", "c", "d"]),
    log=st.sampled_from(["nolog", "info"]),
    macro=st.sampled_from(["", "SSH"]),
)


def different(rules: list[Rule], key: str) -> list[Rule]:
    """The rules without those that can't be told from an earlier one."""
    found: list[Rule] = []
    for item in rules:
        try:
            wished([*found, item], "cluster", key)
        except ConfigError:
            continue
        found.append(item)
    return found


@given(st.lists(RULES, max_size=8), st.lists(RULES, max_size=8), st.sampled_from(["content", "comment"]), st.booleans())
def test_any_list_becomes_any_other(have: list[Rule], wish: list[Rule], key: str, merge: bool) -> None:
    wanted = wished(different(wish, key), "cluster", key)
    found = planned_for(have, wanted, key, merge=merge)
    after = played(have, found.steps)
    assert after == [spelt(item) for item in found.rules]
    assert in_order(wanted, found.rules)
    foreign = [item for item in present(rows(have)) if known_by(item, key) not in [known_by(w, key) for w in wanted]]
    assert in_order(foreign, found.rules) if merge else list(found.rules) == wanted
    assert planned_for(after, wanted, key, merge=merge).steps == ()


def in_order(some: Iterable[Rule], rules: Iterable[Mapping[str, Any]]) -> bool:
    """Whether some are all among the rules, in their order."""
    rest = iter(rules)
    return all(item in rest for item in some)


def known_by(item: Rule, key: str) -> Any:
    what = ("dport", "macro") if key == "content" else ("comment",)
    return [item.get(name) for name in what]


def spelt(item: Mapping[str, Any]) -> Rule:
    """The rule with its macro's name as Proxmox VE spells it."""
    return {name: value.upper() if name == "macro" else value for name, value in item.items()}


@pytest.mark.parametrize(
    ("have", "wish", "expected"),
    [
        ("12", [rule(1), rule(2)], []),
        ("1", [rule(1, log="nolog", comment="")], []),
        (
            "1",
            [rule(1, comment="x", enable=False)],
            [("PUT", f"{PATH}/0", {"comment": "x", "enable": 0, "digest": "d"})],
        ),
        ("12", [rule(2), rule(1)], [("PUT", f"{PATH}/1", {"moveto": 0, "digest": "d"})]),
        ("12", [rule(2)], [("DELETE", f"{PATH}/0", {"digest": "d"})]),
        ("11", [rule(1)], [("DELETE", f"{PATH}/1", {"digest": "d"})]),
        ("12", [rule(1), rule(3)], [("PUT", f"{PATH}/1", {"dport": "3", "digest": "d"})]),
        ("", [rule(1, comment="x")], [("POST", PATH, {**rule(1, comment="x"), "enable": 1})]),
        ("1", [rule(1), rule(2)], [("POST", PATH, {**rule(2), "enable": 1}), ("PUT", f"{PATH}/1", {"moveto": 0})]),
    ],
    ids=str,
)
def test_steps(have: str, wish: list[Rule], expected: list[Any]) -> None:
    made = planned_for(ports(have), wish).steps
    assert [(step.verb, step.path, dict(step.params)) for step in made] == expected


def test_what_steps_are_called() -> None:
    have = [rule(1), rule(2, comment="old"), rule(3)]
    assert [step.reason for step in planned_for(have, [rule(3), rule(1, comment="x"), rule(4)]).steps] == [
        "set comment of rule in ACCEPT tcp 1",
        "replace rule in ACCEPT tcp 2 by in ACCEPT tcp 4",
        "move rule in ACCEPT tcp 3 to position 0",
    ]


def test_a_macro_is_the_same_in_any_case() -> None:
    ssh = {"type": "in", "action": "ACCEPT", "macro": "SSH", "enable": True}
    assert planned_for([ssh], [{**ssh, "macro": "ssh"}]).steps == ()


def test_a_rule_that_went_elsewhere_is_left_alone() -> None:
    _, step = planned_for(ports("123"), ports("2")).steps
    assert step.late
    assert step.late(rows(ports("1"))[0]) == {"digest": "d"}
    with pytest.raises(RefusedError, match="The rule in ACCEPT tcp 1 is no longer where it was"):
        step.late(rows(ports("4"))[0])


@pytest.mark.parametrize(
    ("rules", "key", "message"),
    [
        (ports("121"), "content", "rules[0] and rules[2] have the same content: in ACCEPT tcp 1"),
        ([rule(1, comment="a"), rule(2, comment=" a")], "comment", "rules[0] and rules[1] have the same comment: a"),
        ([rule(1)], "comment", "rules[0] has no comment, and rules are known by their comment (option 'key')"),
        (
            [rule(1, comment="a\nIN DROP")],
            "content",
            "rules[0]: Option 'comment': a comment of the firewall is one line; Proxmox VE would take the next one for "
            "a rule",
        ),
    ],
    ids=str,
)
def test_sets_that_can_t_be(rules: list[Rule], key: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        wished(rules, "cluster", key)
    assert str(caught.value) == message


SCHEMA = Path(__file__).resolve().parents[6] / "shared" / "pve-api" / "pve-9.1.json.gz"


@pytest.mark.shared
@pytest.mark.skipif(not SCHEMA.is_file(), reason="the official API schema (../shared) is not here")
def test_every_option_of_the_schema_is_here() -> None:
    known = json.loads(gzip.decompress(SCHEMA.read_bytes()))[PATH]["POST"]["parameters"]
    assert {item.key for item in FIELDS} == set(known) - {"pos", "digest"}
    choices = {item.key: item.argument().get("choices") for item in FIELDS}
    assert {name: choices[name] for name in ("type", "log")} == {name: known[name]["enum"] for name in ("type", "log")}
