"""One driver a host."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from scenarios import lock
from scenarios.errors import NotReadyError
from scenarios.values import Json

HOLDER: dict[str, Json] = {
    "pid": 42,
    "run_id": "r1",
    "scenario": "vm-roundtrip",
    "started_at": "2026-01-01T00:00:00+00:00",
}


def test_the_second_is_told_who_holds_it() -> None:
    with lock.hold("father", HOLDER), pytest.raises(NotReadyError) as caught, lock.hold("father", {"run_id": "r2"}):
        pass
    assert str(caught.value) == (
        "Host 'father' is in use by run r1 (vm-roundtrip, process 42, since 2026-01-01T00:00:00+00:00). "
        "Wait for it to end, or end it, then try again."
    )
    assert caught.value.exit_code == 3


def test_other_hosts_are_free() -> None:
    with lock.hold("father", HOLDER), lock.hold("mother", HOLDER):
        pass


def test_it_is_let_go_whatever_happened() -> None:
    with pytest.raises(RuntimeError), lock.hold("father", HOLDER):
        raise RuntimeError("boom")
    with lock.hold("father", HOLDER) as before:
        assert before == {}


def test_a_killed_holder_is_remembered(state: Path) -> None:
    ready, told = os.pipe()
    child = os.fork()
    if not child:
        with lock.hold("father", HOLDER):
            os.write(told, b"x")
            signal.pause()
        os._exit(0)
    os.read(ready, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with lock.hold("father", {"run_id": "r2"}) as before:
        assert before == HOLDER
    with lock.hold("father", {"run_id": "r3"}) as before:
        assert before == {}


def test_a_holder_that_wrote_nothing_yet() -> None:
    refused = pytest.raises(NotReadyError, match="another run, which is just starting or ending")
    with lock.hold("father", {}), refused, lock.hold("father", HOLDER):
        pass
