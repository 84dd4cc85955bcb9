"""Processes by identity."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from lab import processes


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_a_process_is_alive_only_with_its_own_start_time(sleeper: subprocess.Popen[bytes]) -> None:
    started = processes.start_time(sleeper.pid)
    assert started is not None
    assert processes.alive(sleeper.pid, started)
    assert not processes.alive(sleeper.pid, started + 1)


def test_children_and_descendants(sleeper: subprocess.Popen[bytes]) -> None:
    assert sleeper.pid in processes.children(os.getpid())
    assert sleeper.pid in processes.descendants(os.getpid())


def test_grandchildren_are_descendants() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 60 & echo; wait"], stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        child = processes.only_child(shell.pid)
        assert processes.descendants(os.getpid()).index(child) > processes.descendants(os.getpid()).index(shell.pid)
        os.kill(child, signal.SIGKILL)


def test_a_process_without_children_has_no_only_child(sleeper: subprocess.Popen[bytes]) -> None:
    with pytest.raises(ProcessLookupError, match=f"process {sleeper.pid} has no child"):
        processes.only_child(sleeper.pid)


def test_ending_a_process_waits_for_its_end(sleeper: subprocess.Popen[bytes]) -> None:
    started = processes.start_time(sleeper.pid) or 0
    assert processes.end(sleeper.pid, started, signal.SIGTERM, 5)
    assert processes.start_time(sleeper.pid) is None


def test_another_process_with_the_same_pid_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    assert processes.end(sleeper.pid, 1, signal.SIGKILL, 5)
    assert sleeper.poll() is None


@pytest.mark.parametrize("blocked", [True, False])
def test_a_process_that_blocks_a_signal_is_known(blocked: bool) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {processes.HALT} if blocked else set())
    process = subprocess.Popen(["sleep", "60"])
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    with process:
        assert processes.blocks(process.pid, processes.HALT) is blocked
        process.kill()
    assert not processes.blocks(process.pid, processes.HALT)


def test_a_stopped_process_is_seen_as_stopped(sleeper: subprocess.Popen[bytes]) -> None:
    os.kill(sleeper.pid, signal.SIGSTOP)
    os.waitpid(sleeper.pid, os.WUNTRACED)
    assert processes.stopped(sleeper.pid)
