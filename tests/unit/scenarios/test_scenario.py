"""Which phases run: the selection, what a failure stops, and inputs that can't be had."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.errors import UsageError
from scenarios.scenario import PREFLIGHT, check_inputs, obstacle, select
from tests.unit.scenarios.things import ROUNDTRIP

NAMES = ROUNDTRIP.names()


@pytest.mark.parametrize(
    ("only", "start", "skip", "expected"),
    [
        ((), None, (), {PREFLIGHT, "make", "use", "look", "clean", "remove"}),
        (("use",), None, (), {PREFLIGHT, "use"}),
        (("use", "remove"), None, (), {PREFLIGHT, "use", "remove"}),
        ((), "clean", (), {PREFLIGHT, "clean", "remove"}),
        ((), "use", ("clean",), {PREFLIGHT, "use", "look", "remove"}),
        ((), None, (PREFLIGHT, "use"), {"make", "look", "clean", "remove"}),
        ((PREFLIGHT,), None, (), {PREFLIGHT}),
        ((), PREFLIGHT, ("make",), {PREFLIGHT, "use", "look", "clean", "remove"}),
    ],
)
def test_select(only: tuple[str, ...], start: str | None, skip: tuple[str, ...], expected: set[str]) -> None:
    assert select(ROUNDTRIP, only, start, skip) == expected


@pytest.mark.parametrize(
    ("only", "start", "skip", "message"),
    [
        (
            ("uses",),
            None,
            (),
            "Unknown phase of thing-roundtrip 'uses'. Did you mean 'use'? "
            "Known: clean, look, make, preflight, remove, use.",
        ),
        ((), "zzz", (), "Unknown phase of thing-roundtrip 'zzz'. Known: clean, look, make, preflight, remove, use."),
        (
            ("use",),
            None,
            ("use",),
            "No phase of thing-roundtrip is left to run. Its phases: make, use, look, clean, remove.",
        ),
        (
            ("make",),
            "use",
            (),
            "No phase of thing-roundtrip is left to run. Its phases: make, use, look, clean, remove.",
        ),
    ],
)
def test_select_refuses(only: tuple[str, ...], start: str | None, skip: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(ROUNDTRIP, only, start, skip)
    assert str(caught.value) == message


PHASES = st.lists(st.sampled_from(NAMES), unique=True)


@given(only=PHASES, start=st.none() | st.sampled_from(NAMES), skip=PHASES)
def test_selection_keeps_its_promises(only: list[str], start: str | None, skip: list[str]) -> None:
    try:
        chosen = select(ROUNDTRIP, only, start, skip)
    except UsageError:
        later = NAMES[NAMES.index(start) :] if start else NAMES
        assert not set(only or later) & set(later) - set(skip)
        return
    assert PREFLIGHT in chosen
    assert not chosen & set(skip)
    assert not only or chosen <= {PREFLIGHT, *only}
    assert all(NAMES.index(name) >= NAMES.index(start or NAMES[0]) for name in chosen - {PREFLIGHT})


@pytest.mark.parametrize(
    ("name", "failed", "keep", "blocker"),
    [
        pytest.param("use", [], False, None, id="nothing failed"),
        pytest.param("use", ["make"], False, "make", id="a failure stops what follows"),
        pytest.param("look", ["make"], False, None, id="the destructor runs always"),
        pytest.param("look", ["make"], True, "make", id="unless it is to be kept"),
        pytest.param("remove", ["make", "look"], False, "look", id="a failed discovery stops the destructor"),
        pytest.param("remove", ["make", "clean"], False, None, id="a failed clean-up does not"),
        pytest.param("remove", ["clean"], True, None, id="not even with keep-on-failure"),
        pytest.param("look", [PREFLIGHT], False, PREFLIGHT, id="nothing runs on a host that is not ready"),
    ],
)
def test_obstacle(name: str, failed: list[str], keep: bool, blocker: str | None) -> None:
    assert obstacle(ROUNDTRIP, name, failed, keep) == blocker


@pytest.mark.parametrize(
    ("selected", "given_inputs", "known"),
    [
        ({"make", "use", "remove"}, {}, ()),
        ({"use"}, {}, ("thing_id",)),
        ({"use"}, {"id": 7}, ()),
        ({"look"}, {}, ()),
    ],
)
def test_inputs_that_can_be_had(selected: set[str], given_inputs: dict[str, int], known: tuple[str, ...]) -> None:
    check_inputs(ROUNDTRIP, frozenset(selected), given_inputs, known)


def test_a_missing_input_names_the_phase_that_makes_it() -> None:
    with pytest.raises(UsageError) as caught:
        check_inputs(ROUNDTRIP, frozenset({"use"}), {}, ())
    assert str(caught.value) == (
        "Phase 'use' needs 'thing_id', which the context does not hold; "
        "phase 'make' produces it: run that first (--from make), or give it with -e id=VALUE."
    )


def test_context_kinds_come_from_the_verbs() -> None:
    assert ROUNDTRIP.context_kinds() == {"thing_id": "int", "thing_size": "int"}
