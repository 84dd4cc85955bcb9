# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applying what waits of a node's network, with a way back that doesn't need the network.

The API can't help a node it doesn't reach any more. So a process on the node, started over SSH (``network_change.py``),
brings the files of before back unless it is told, over a new connection, that the node could be reached again.
"""

from __future__ import annotations

import difflib
import inspect
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from ansible_collections.homelab.pve.plugins.module_utils import network_change
from ansible_collections.homelab.pve.plugins.module_utils.api import Client, Connection
from ansible_collections.homelab.pve.plugins.module_utils.apply import Outcome, carry_out, look
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Resource, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    ConfigError,
    ConnectionError,
    HomelabPveError,
    PveError,
    StepFailedError,
    TakenBackError,
    TaskFailedError,
)
from ansible_collections.homelab.pve.plugins.module_utils.executor import CommandExecutor, LocalExecutor
from ansible_collections.homelab.pve.plugins.module_utils.module import Action, result
from ansible_collections.homelab.pve.plugins.module_utils.resources.network import FILE, NETWORK_APPLY
from ansible_collections.homelab.pve.plugins.module_utils.tasks import looks

T = TypeVar("T")

WAITING = f"{FILE}.new"
GRACE = 60.0
"""Seconds after the time to confirm in which the node has brought back what was before."""

COMMAND_TIMEOUT = 90.0
"""Seconds one command on the node may take: longer than ifupdown2 takes to bring back what was before."""

BACK = "What waited waits again."

NO_WAY = (
    "Cannot arm the way back on node {node}: over HTTPS alone nothing on the node can undo a change that cuts it off. "
    "Set ssh_host to an address of the node (and ssh_user, ssh_key_path as needed), use transport: ssh, "
    "or leave rollback_after out."
)


@dataclass(frozen=True)
class Node:
    """Commands on the node whose network it is. ``remote``: over a network, so that reaching it proves something."""

    name: str
    executor: CommandExecutor
    remote: bool

    def program(self, *words: str) -> str:
        """What the program says, over a new connection."""
        self.executor.close()
        argv = ["python3", "-c", inspect.getsource(network_change), *words]
        return self.executor.run(argv, timeout=COMMAND_TIMEOUT).stdout.strip()

    def check(self) -> None:
        """Raise ConfigError when the commands would run somewhere else."""
        found = self.executor.run(["hostname", "-s"], timeout=COMMAND_TIMEOUT).stdout.strip()
        if found != self.name:
            raise ConfigError(
                f"Cannot see to the network of node {self.name} over SSH: {self.executor.name} is node {found}. "
                f"Set ssh_host to an address of {self.name}."
            )

    def waiting(self) -> str:
        """What waits, as the API tells it over HTTPS."""
        old, new = (self._text(path).splitlines() for path in (FILE, WAITING))
        lines = difflib.unified_diff(old, new or old, FILE, WAITING, lineterm="")
        return "".join(f"{line}\n" for line in lines)

    def _text(self, path: str) -> str:
        argv = ["sh", "-c", 'test ! -e "$1" || cat "$1"', "sh", path]
        return self.executor.run(argv, timeout=COMMAND_TIMEOUT).stdout


def node_of(params: Values) -> Node | None:
    """The way to commands on the node, None when there is none."""
    from ansible_collections.homelab.pve.plugins.module_utils.api_pvesh import ssh_executor  # noqa: PLC0415

    connection, name = Connection.from_params(params), str(params["node"])
    if connection.transport == "local":
        return Node(name, LocalExecutor(), remote=False)
    host = params.get("ssh_host") or (connection.host if connection.transport == "ssh" else "")
    return Node(name, ssh_executor(replace(connection, host=str(host))), remote=True) if host else None


def work(client: Client, params: Values, dry_run: bool) -> dict[str, Json]:
    """What the module does."""
    node = node_of(params)
    if params["state"] == "confirmed":
        return _confirmation(client, node, params, dry_run)
    resource, guard, seen = _planned(client, params, node)
    rollback = "none" if dry_run or not guard else "confirmed" if guard.node.remote else "armed"
    done = seen if dry_run else _done(client, params, resource, guard, seen)
    return {**result(resource, done), "rollback": rollback}


def apply_waiting(client: Client, params: Values) -> Outcome:
    """What waits, applied as the module does it: with the way back that the options ask for."""
    return _done(client, params, *_planned(client, params, node_of(params)))


def _done(client: Client, params: Values, resource: Resource, guard: Guarded | None, seen: Outcome) -> Outcome:
    if guard:
        return guard.carry_out(seen)
    return carry_out(resource, params, client, seen, timeout=params["wait_timeout"])


def _planned(client: Client, params: Values, node: Node | None) -> tuple[Resource, Guarded | None, Outcome]:
    """What waits and what is to become of it, with the way back if one is to be armed."""
    seconds, resource = _seconds(params), _resource(params, node)
    if seconds and node is None:
        raise ConfigError(NO_WAY.format(node=params["node"]))
    seen = look(resource, params, client)
    if not (seconds and node and seen.changed):
        return resource, None, seen
    node.check()
    return resource, Guarded(resource, params, client, node, seconds), seen


def _seconds(params: Values) -> float:
    """The time to confirm in seconds, 0 for no way back. Raises ConfigError for no time at all."""
    seconds = float(params.get("rollback_after") or 0)
    if seconds < 0:
        raise ConfigError(f"rollback_after {seconds:g} is no time to wait. Give seconds, more than 0.")
    return seconds if params["state"] == "applied" else 0


def _resource(params: Values, node: Node | None) -> Resource:
    """The network with what waits of it; ``pvesh`` doesn't tell that, so the files are looked at."""
    if node is None or params["transport"] == "https":
        return NETWORK_APPLY
    node.check()
    return replace(NETWORK_APPLY, describe=lambda _read, _wish: node.waiting())


@dataclass(frozen=True)
class Guarded:
    """A change that the node takes back after so many seconds, unless it is confirmed."""

    resource: Resource
    params: Values
    client: Client
    node: Node
    seconds: float

    def carry_out(self, seen: Outcome) -> Outcome:
        """Apply with the way back armed, and confirm where reaching the node proves something."""
        self.node.program("arm", f"{self.seconds:g}")
        end = time.monotonic() + self.seconds
        try:
            outcome = self._reached(seen, end)
            if self.node.remote:
                _patiently(lambda: self.node.program("confirm"), end)
        except HomelabPveError as error:
            if isinstance(_cause(error), PveError) and self._waits():  # it was refused, so nothing is to go back
                self.node.program("confirm")
                raise
            raise _taken_back(self.node, error, self.seconds) from error
        return outcome

    def _waits(self) -> bool:
        return bool(look(self.resource, self.params, self.client).changed)

    def _reached(self, seen: Outcome, end: float) -> Outcome:
        """What became of it. A node that isn't reached at once may be so before the time is over."""
        # Never planned anew: that would be applied a second time, with no way back, after the node took the first back.
        steps = tuple(replace(step, once=True) for step in seen.plan.steps)
        once = replace(seen, plan=replace(seen.plan, steps=steps))
        try:
            return carry_out(self.resource, self.params, self.client, once, timeout=self.params["wait_timeout"])
        except StepFailedError as error:
            if not isinstance(_cause(error), ConnectionError):
                raise
            found = _patiently(lambda: look(self.resource, self.params, self.client), end)
            if found.changed:
                raise
        return replace(found, plan=seen.plan)


def _patiently(attempt: Callable[[], T], end: float) -> T:
    """What an attempt brings, made again as long as there is no answer; the last failure when the time is over."""
    pace = looks(end - time.monotonic())
    next(pace)
    while True:
        try:
            return attempt()
        except ConnectionError:
            if next(pace, None) is None:
                raise


def _taken_back(node: Node, error: HomelabPveError, seconds: float) -> TakenBackError:
    """Wait until the node has brought back what was before, and say so."""
    failed = isinstance(_cause(error), TaskFailedError | PveError)
    if failed:  # the node can be reached, so it need not wait
        with suppress(HomelabPveError):
            node.program("back")
    is_back = _is_back(node, seconds + GRACE)
    why = "it failed" if failed else f"it was not confirmed within {seconds:g} s"
    told = BACK if is_back else f"Node {node.name} was not reached since to see that; it does so by itself."
    return TakenBackError(f"The change of node {node.name}'s network is taken back, because {why}. {told}\n{error}")


def _cause(error: HomelabPveError) -> HomelabPveError:
    return error.cause if isinstance(error, StepFailedError) else error


def _is_back(node: Node, patience: float) -> bool:
    """Whether the node, reached again, says that all is as it was before."""
    for _passed in looks(patience):
        with suppress(HomelabPveError):
            if node.program("state") == "back":
                return True
    return False


def _confirmation(client: Client, node: Node | None, params: Values, dry_run: bool) -> dict[str, Json]:
    """Keep a change that a task before this one applied."""
    if node is None:
        raise ConfigError(NO_WAY.format(node=params["node"]))
    node.check()
    found, name = node.program("state"), node.name
    changes = _resource(params, node).describe(client, params)
    if found in ("back", "going back"):
        if not dry_run:
            node.program("forget")
        raise TakenBackError(f"The change of node {name}'s network was not confirmed in time and is taken back. {BACK}")
    if found != "armed":
        reason = f"no change of node {name}'s network waits to be confirmed"
        return {**AS_IT_WAS, "plan": [reason], "changes": changes}
    if not dry_run:
        node.program("confirm")
    diff = {"before": {"rollback": found}, "after": {"rollback": "confirmed"}}
    plan = [f"keep the change of node {name}'s network"]
    return {"changed": True, "diff": diff, "plan": plan, "changes": changes, "rollback": "confirmed"}


AS_IT_WAS: Values = {"changed": False, "diff": {"before": {}, "after": {}}, "rollback": "none"}

OPTIONS = {
    **NETWORK_APPLY.argument_spec(),
    "state": {"type": "str", "choices": ["applied", "reverted", "confirmed"], "default": "applied"},
    "rollback_after": {"type": "float"},
    "ssh_host": {"type": "str"},
}
APPLY = Action(OPTIONS, work, NETWORK_APPLY.writes)
