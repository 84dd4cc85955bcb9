"""Doing the same for many."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.parallel import together


def test_results_come_in_the_order_of_the_items() -> None:
    later = threading.Event()

    def work(item: int) -> int:
        if item == 1:
            assert later.wait(10)  # the first item ends last
        else:
            later.set()
        return item * 10

    assert together(work, [1, 2], 2) == [10, 20]


def test_no_more_than_allowed_are_under_way() -> None:
    lock, under_way, most = threading.Lock(), 0, 0
    pair = threading.Barrier(2, timeout=10)

    def work(_item: int) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        pair.wait()  # two at a time, or this breaks
        with lock:
            under_way -= 1

    together(work, range(6), 2)
    assert most == 2


@pytest.mark.parametrize("bound", [0, 1, 50])
def test_any_bound_works(bound: int) -> None:
    assert together(str, [1, 2, 3], bound) == ["1", "2", "3"]
    assert together(str, [], bound) == []


def test_the_rest_is_left_undone_after_an_error() -> None:
    done: list[int] = []

    def work(item: int) -> None:
        if item == 1:
            raise ValueError(f"bad {item}")
        done.append(item)

    with pytest.raises(ValueError, match="bad 1"):
        together(work, range(100), 1)
    assert done == [0]


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C is heard, also where the tests run in the background of a shell, which ignores it for them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_what_runs_when_ctrl_c_comes_is_not_waited_for() -> None:
    released, done = threading.Event(), list[int]()

    def work(item: int) -> None:
        os.kill(os.getpid(), signal.SIGINT)  # Python hands it to the main thread
        released.wait(30)
        done.append(item)

    with pytest.raises(KeyboardInterrupt):
        together(work, range(50), 1)
    assert done == []
    released.set()
