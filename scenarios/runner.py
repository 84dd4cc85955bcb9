"""Runs one playbook through ansible-runner. The only file that imports it.

What ansible-playbook gets travels in a private directory (0700) that is removed on every path: extra variables as a
JSON file (0600), never as ``-e key=value`` in the process list.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scenarios import leash, paths
from scenarios.events import Event, Summary, output_errors
from scenarios.values import Json

POLL_SECONDS = 0.1
END_GRACE_SECONDS = 10.0
# A UNIX socket's path has at most 108 bytes; ssh's ControlPath needs about 50 of them below this directory.
LONGEST_TEMPORARY_BASE = 50

SUCCESSFUL, FAILED, TIMED_OUT, STOPPED = "successful", "failed", "timeout", "interrupted"


@dataclass(frozen=True)
class PlayRequest:
    """One run of one playbook.

    Attributes:
        variables: extra variables, already in the form Ansible reads (see scenarios.actions.wire).
        deadline: when it must have ended, on time.monotonic's clock, in seconds.
        limit: what set the deadline, in words.
        environment: variables added to the driver's own.
        log: where Ansible's output is kept.
    """

    playbook: Path
    inventory: tuple[str, ...]
    variables: Mapping[str, Json]
    deadline: float
    limit: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    verbosity: int = 0
    vault_password_file: str | None = None
    log: Path | None = None


@dataclass(frozen=True)
class PlayResult:
    """How it went.

    Attributes:
        status: SUCCESSFUL, FAILED, TIMED_OUT or STOPPED.
        summary: what the events said.
        errors: what ansible-playbook complained about, when no task failed.
    """

    status: str
    summary: Summary
    errors: str = ""


@dataclass
class Watch:
    """Decides, while a playbook runs, whether it must end, and ends it.

    Attributes:
        stop_requested: whether the user or the system asked the driver to end.
    """

    deadline: float
    private: Path
    stop_requested: Callable[[], bool]
    reason: str | None = None
    asked_at: float = 0.0

    def __call__(self) -> bool:
        """ansible-runner's cancel callback: True makes it kill the process group."""
        if self.reason is None:
            self.reason = self._why()
            if self.reason is None:
                return False
            self.asked_at = time.monotonic()
        self._end_leash()
        return time.monotonic() - self.asked_at > END_GRACE_SECONDS

    def _why(self) -> str | None:
        if self.stop_requested():
            return STOPPED
        return TIMED_OUT if time.monotonic() >= self.deadline else None

    def _end_leash(self) -> None:
        with suppress(OSError, ValueError):
            os.kill(int((self.private / leash.PID_FILE).read_text(encoding="utf-8")), signal.SIGTERM)


def play(
    request: PlayRequest,
    stop_requested: Callable[[], bool],
    on_task: Callable[[str], None],
    on_output: Callable[[str], None],
) -> PlayResult:
    """Run a playbook to its end.

    Args:
        stop_requested: asked ten times a second; True ends the playbook and everything it started.
        on_task: gets the name of each task that starts.
        on_output: gets Ansible's output, piece by piece.
    """
    summary = Summary()
    if time.monotonic() >= request.deadline:
        return PlayResult(TIMED_OUT, summary)

    def on_event(event: Event) -> bool:
        before = summary.task
        summary.feed(event)
        if summary.task != before:
            on_task(summary.task)
        if event.get("stdout"):
            on_output(event["stdout"])
        return False

    with _private_directory() as private:
        watch = Watch(request.deadline, private, stop_requested)
        return _run(request, private, watch, summary, on_event)


def _run(
    request: PlayRequest, private: Path, watch: Watch, summary: Summary, on_event: Callable[[Event], bool]
) -> PlayResult:
    # Costs 0.1 s, which --help and --list-* need not pay.
    from ansible_runner import Runner, RunnerConfig  # noqa: PLC0415
    from ansible_runner.exceptions import AnsibleRunnerException  # noqa: PLC0415

    _write_inputs(request, private)
    config = RunnerConfig(private_data_dir=str(private), **_settings(request, private))
    try:
        config.prepare()
        config.command = _leashed(config.command, private)
        status, _code = Runner(config, cancel_callback=watch, event_handler=on_event).run()
    except AnsibleRunnerException as error:
        return PlayResult(FAILED, summary, f"ansible-runner can't run it: {error}")
    output = _keep_output(config.artifact_dir, request.log)
    if watch.reason:
        return PlayResult(watch.reason, summary)
    if status == "successful":
        return PlayResult(SUCCESSFUL, summary)
    return PlayResult(FAILED, summary, "" if summary.failures else output_errors(output))


@contextmanager
def _private_directory() -> Iterator[Path]:
    base = tempfile.gettempdir()
    short = base if len(base) <= LONGEST_TEMPORARY_BASE else "/tmp"  # noqa: S108 - mkdtemp below it, 0700
    private = Path(tempfile.mkdtemp(prefix="homelab-pve-", dir=short))
    try:
        yield private
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _write_inputs(request: PlayRequest, private: Path) -> None:
    # ansible-runner reads these names; settings given as an argument are dropped when the file is absent.
    paths.write_json(private / "env" / "settings", {"pexpect_timeout": POLL_SECONDS})
    paths.write_json(private / "env" / "extravars", dict(request.variables))
    paths.private_directory(private / "tmp")


def _settings(request: PlayRequest, private: Path) -> dict[str, Any]:
    return {
        "project_dir": str(request.playbook.parent),
        "playbook": str(request.playbook),
        "inventory": list(request.inventory),
        "verbosity": request.verbosity,
        "cmdline": _command_line(request),
        "envvars": {**ansible_environment(private), **request.environment},
        "quiet": True,
        "fact_cache_type": "memory",
        "ident": "play",
    }


def _command_line(request: PlayRequest) -> str | None:
    if not request.vault_password_file:
        return None
    return shlex.join(["--vault-password-file", request.vault_password_file])


def ansible_environment(private: Path) -> dict[str, str]:
    """Ansible's settings for a run of ours; a user's own ANSIBLE_* variables win where they make sense."""
    own = {
        "ANSIBLE_CONFIG": str(paths.repository() / "ansible.cfg"),
        "ANSIBLE_HOME": str(paths.cache() / "ansible"),
        "ANSIBLE_TIMEOUT": "5",
        "ANSIBLE_PIPELINING": "True",
    }
    ours = {
        "ANSIBLE_COLLECTIONS_PATH": _collections_path(),
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_LOCAL_TEMP": str(private / "tmp"),
        # Modules that run on the controller unpack themselves here; one that is killed can't clean up.
        "TMPDIR": str(private / "tmp"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(private / "cp"),
        "ANSIBLE_NOCOLOR": "True",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
        "PYTHONUNBUFFERED": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }
    return {name: os.environ.get(name, value) for name, value in own.items()} | ours


def _collections_path() -> str:
    users = os.environ.get("ANSIBLE_COLLECTIONS_PATH", "~/.ansible/collections:/usr/share/ansible/collections")
    return f"{paths.collections()}{os.pathsep}{users}"


def _leashed(command: list[str], private: Path) -> list[str]:
    return [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(private), *command]


def _keep_output(artifacts: str, log: Path | None) -> str:
    try:
        text = (Path(artifacts) / "stdout").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    if log:
        paths.write_private(log, text)
    return text
