"""Actions: what a phase does. Each wraps one run of a playbook with declared inputs and outputs."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from scenarios.context import Context
from scenarios.errors import DriverError
from scenarios.runner import FAILED, STOPPED, SUCCESSFUL, TIMED_OUT, PlayRequest, PlayResult
from scenarios.values import KINDS, Json
from scenarios.verb import Verb
from scenarios.verbs import BY_NAME

DEFAULT_TIMEOUT = 600.0
OR_EMPTY = " | default('', true)"


@dataclass(frozen=True)
class Ref:
    """An input taken from the context, where an earlier phase put it.

    Attributes:
        optional: leave the input out when the context has no such key, instead of failing.
        default: what it is when the context has no such key.
    """

    key: str
    optional: bool = False
    default: Json = None

    @property
    def required(self) -> bool:
        """Whether the context has to have it."""
        return not self.optional and self.default is None


@dataclass(frozen=True)
class InventoryVar:
    """An input taken from a variable of the inventory; Ansible resolves it for the host the run is about.

    The variable has another name than the input: an input stands in for a variable of its name on every host.

    Attributes:
        optional: an empty text where the inventory has no such variable.
    """

    name: str
    optional: bool = False

    def of(self, host: str) -> InventoryVar:
        """The same variable of ``host``, for a playbook that runs on another one."""
        return replace(self, name=f"hostvars[{json.dumps(host)}].{self.name}")


@dataclass(frozen=True)
class HostText:
    """An input that tells hosts apart: ``{host}`` in it is the host the run is about."""

    text: str

    def of(self, host: str) -> str:
        """The text, with nothing of the host's name that an SSH configuration's host may not have."""
        return self.text.format(host=re.sub(r"[^A-Za-z0-9_.-]+", "-", host))


Binding: TypeAlias = "Json | Ref | InventoryVar | HostText"


@dataclass(frozen=True)
class RunConfig:
    """What is the same for every phase of a run.

    Attributes:
        host: the inventory host the run is about.
        given: inputs from the command line, by name; they win over what the scenario's table says.
        play: runs a playbook.
        request: builds the request for a playbook's path, variables and timeout in seconds.
        run_id: names the run in the audit log.
        note: tells a line while the phase runs.
    """

    host: str
    given: Mapping[str, Json]
    play: Callable[[PlayRequest], PlayResult]
    request: Callable[[Path, Mapping[str, Json], float], PlayRequest]
    repository: Path
    run_id: str = ""
    note: Callable[[str], None] = field(default=lambda _text: None)


@dataclass(frozen=True)
class ActionResult:
    """How a phase went.

    Attributes:
        changed: tasks that changed something.
        context_updates: what goes into the context.
        unreachable: hosts that could not be reached.
        interrupted: whether a signal ended it.
    """

    success: bool
    message: str = ""
    changed: int = 0
    context_updates: Mapping[str, Json] = field(default_factory=dict)
    unreachable: frozenset[str] = frozenset()
    interrupted: bool = False


@dataclass
class AnsiblePlaybookAction:
    """Runs a playbook.

    Attributes:
        name: what the action is called in logs.
        verb: the playbook with its declared inputs and outputs.
        inputs: input -> constant, Ref (context) or InventoryVar.
        outputs: what the playbook publishes -> context key.
        remembers: input -> context key, for inputs a later run must know.
        timeout: longest duration in seconds.
        pve_host_attr: the playbook's variable that names the inventory host.
        target: where the context has the host it runs on, when that is not the one the run is about. Optional: without
            such a host there is nothing to do.
        ends_estate: whether nothing of the estate stands after it, so that the context may forget it.
    """

    name: str
    verb: Verb
    inputs: Mapping[str, Binding] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    remembers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = DEFAULT_TIMEOUT
    pve_host_attr: str = "target"
    target: Ref | None = None
    ends_estate: bool = False

    @property
    def needs(self) -> Mapping[str, Binding]:
        """Everything that is bound before it runs."""
        return {**self.inputs, **({self.pve_host_attr: self.target} if self.target else {})}

    def replaces_guests(self, result: ActionResult) -> bool:
        """Whether guests known before may be gone or new ones stand at their addresses."""
        if self.verb.builds:
            return result.changed > 0 or not result.success
        return self.verb.destructive and result.success

    def run(self, config: RunConfig, context: Context) -> ActionResult:
        """Resolve the inputs, run the playbook, and check what it published."""
        if self.target and self.target.optional and self.target.key not in context.values:
            return ActionResult(True, f"the context has no '{self.target.key}': nothing to do")
        try:
            bound = resolve(self.needs, self.verb, config, context.values)
        except DriverError as error:
            return ActionResult(False, str(error))
        host = bound.pop(self.pve_host_attr, config.host) if self.target else config.host
        return self.play(config, bound, str(host))

    def play(self, config: RunConfig, inputs: Mapping[str, Json | InventoryVar], host: str = "") -> ActionResult:
        """Run the playbook with these inputs, on the host the run is about unless another one is named."""
        host = host or config.host
        here = {name: value if host == config.host else elsewhere(value, config.host) for name, value in inputs.items()}
        variables = {name: wire(value) for name, value in here.items()} | {self.pve_host_attr: wire(host)}
        request = config.request(config.repository / self.verb.playbook, variables, self.timeout)
        if host != config.host:
            request = by_ssh(request, config.repository)
        result = config.play(request)
        published = result.summary.outputs
        updates = {key: published[name] for name, key in self.outputs.items() if name in published}
        if result.status != SUCCESSFUL or result.summary.no_hosts:
            return _failure(self.verb, result, request.limit, updates)
        problem = outputs_problem(self.verb, published)
        updates |= {key: inputs[name] for name, key in self.remembers.items()}
        return ActionResult(not problem, problem, result.summary.changed, {} if problem else updates)


class DiscoverVMsAction(AnsiblePlaybookAction):
    """Lists the guests that match a name pattern AND a VMID range.

    When there is none, and the context names a guest, that one is looked for by its exact VMID and name: a run with
    other names or ranges left it. Proxmox VE is asked again, so a context that is out of date finds nothing.
    """

    def __init__(
        self,
        name: str,
        name_pattern: str = "nested-pve*",
        vmid_range: tuple[int, int] = (99900, 99999),
        context_key: str = "discovered_vms",
        *,
        fallback: tuple[str, str] = ("inner_vmid", "inner_name"),
        pve_host_attr: str = "target",
    ) -> None:
        """Take the table's data.

        Args:
            fallback: context keys of the VMID and the name of the guest to look for instead.
        """
        inputs: dict[str, Binding] = {"name_pattern": name_pattern, "vmid_range": list(vmid_range)}
        outputs = {"discovered_vms": context_key}
        super().__init__(name, BY_NAME["vm-discover"], inputs, outputs, pve_host_attr=pve_host_attr)
        self.context_key = context_key
        self.fallback = fallback

    def run(self, config: RunConfig, context: Context) -> ActionResult:
        """Discover by pattern and range, then by the context."""
        result = super().run(config, context)
        vmid, vm_name = (context.values.get(key) for key in self.fallback)
        if not result.success or result.context_updates[self.context_key] or vmid is None or vm_name is None:
            return result
        return self.play(config, {"name_pattern": glob.escape(str(vm_name)), "vmid_range": [vmid, vmid]})


class _DiscoveredVMsAction(AnsiblePlaybookAction):
    """Works on the guests a discovery put into the context; without any there is nothing to do."""

    nothing = "No VMs to work on"
    context_key = "discovered_vms"

    def run(self, config: RunConfig, context: Context) -> ActionResult:
        """Run the playbook unless the list is empty."""
        if context.values.get(self.context_key) == []:
            return ActionResult(True, self.nothing)
        return super().run(config, context)


class CleanupInnerVMsAction(_DiscoveredVMsAction):
    """Destroys the guests inside the discovered nested nodes, whose addresses come from their agents."""

    nothing = "No nested node to clean up"

    def __init__(self, name: str, context_key: str = "discovered_vms", pve_host_attr: str = "target") -> None:
        """Take the table's data."""
        inputs: dict[str, Binding] = {"discovered_vms": Ref(context_key)}
        super().__init__(name, BY_NAME["nested-pve-cleanup"], inputs, pve_host_attr=pve_host_attr)
        self.context_key = context_key


class DestroyDiscoveredVMsAction(_DiscoveredVMsAction):
    """Stops and destroys the discovered guests; one that can't be destroyed does not stop the others."""

    nothing = "No VMs to destroy"

    def __init__(
        self,
        name: str,
        context_key: str = "discovered_vms",
        force_stop: bool = False,
        pve_host_attr: str = "target",
    ) -> None:
        """Take the table's data.

        Args:
            force_stop: cut the power at once, instead of asking a running guest to shut down first.
        """
        inputs: dict[str, Binding] = {"discovered_vms": Ref(context_key)}
        if force_stop:
            inputs["stop_timeout"] = 0
        outputs = {"destroyed_vms": "destroyed_vms"}
        super().__init__(name, BY_NAME["vm-destroy"], inputs, outputs, pve_host_attr=pve_host_attr, ends_estate=True)
        self.context_key = context_key


def elsewhere(value: Json | InventoryVar, host: str) -> Json | InventoryVar:
    """An input for a playbook that does not run on ``host``, whose variables are meant all the same."""
    return value.of(host) if isinstance(value, InventoryVar) else value


def by_ssh(request: PlayRequest, repository: Path) -> PlayRequest:
    """A request for a host of the SSH configuration: the inventory has it, and its API is reached by SSH as well."""
    shipped = str(repository / "inventory")
    more = () if shipped in request.inventory else (f"{shipped}/ssh_hosts.yml",)
    environment = {**request.environment, "PVE_TRANSPORT": "ssh"}
    return replace(request, inventory=(*request.inventory, *more), environment=environment)


def resolve(
    inputs: Mapping[str, Binding], verb: Verb, config: RunConfig, values: Mapping[str, Json]
) -> dict[str, Json | InventoryVar]:
    """Bind a playbook's inputs: the command line first, then the scenario's table.

    Raises:
        DriverError: a Ref's key is not in ``values``.
    """
    declared = {each.name for each in verb.inputs}
    bound: dict[str, Json | InventoryVar] = {}
    for name, binding in (dict(inputs) | {k: v for k, v in config.given.items() if k in declared}).items():
        if isinstance(binding, HostText):
            bound[name] = binding.of(config.host)
        elif not isinstance(binding, Ref):
            bound[name] = binding
        elif binding.key in values:
            bound[name] = values[binding.key]
        elif binding.default is not None:
            bound[name] = binding.default
        elif not binding.optional:
            raise DriverError(f"the input '{name}' is missing: the context has no '{binding.key}'")
    return bound


def missing(inputs: Mapping[str, Binding], given: Mapping[str, Json], known: frozenset[str]) -> list[tuple[str, str]]:
    """The inputs that can't be bound: (input, context key) of each required Ref whose key nobody knows."""
    return [
        (name, binding.key)
        for name, binding in inputs.items()
        if isinstance(binding, Ref) and binding.required and name not in given and binding.key not in known
    ]


def wire(value: Json | InventoryVar) -> Json:
    """An extra variable as Ansible reads it from JSON.

    Every text is marked as data (``__ansible_unsafe``): what a guest answered, or a user typed, is never run as a
    template. Only an InventoryVar is one, made here.
    """
    if isinstance(value, InventoryVar):
        return f"{{{{ {value.name}{OR_EMPTY if value.optional else ''} }}}}"
    if isinstance(value, str):
        return {"__ansible_unsafe": value}
    if isinstance(value, list):
        return [wire(item) for item in value]
    if isinstance(value, dict):
        return {key: wire(item) for key, item in value.items()}
    return value


def outputs_problem(verb: Verb, published: Mapping[str, Json]) -> str:
    """What is wrong with the values a playbook published; "" when it kept its word."""
    for output in verb.outputs:
        if output.name not in published:
            all_names = ", ".join(sorted(published)) or "nothing"
            return f"{verb.playbook} did not publish '{output.name}' with set_stats; it published {all_names}"
        kind = KINDS[output.kind]
        if not kind.accepts(published[output.name]):
            return f"{verb.playbook} published {output.name}={published[output.name]!r}, expected {kind.phrase}"
    return ""


def _failure(verb: Verb, result: PlayResult, limit: str, updates: Mapping[str, Json]) -> ActionResult:
    summary = result.summary
    task = f" while task '{summary.task}' ran" if summary.task else ""
    messages = {
        TIMED_OUT: f"timed out{task} ({limit})",
        STOPPED: f"interrupted{task}",
        FAILED: summary.failure_message() or f"{verb.playbook}: {result.errors or 'ansible-playbook failed'}",
        SUCCESSFUL: f"{verb.playbook} matched no host of the inventory",
    }
    stopped = result.status == STOPPED
    return ActionResult(
        False, messages[result.status], summary.changed, updates, summary.unreachable, interrupted=stopped
    )
