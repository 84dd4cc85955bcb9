"""Every EXAMPLES block of every module, played against the lab: each task in check mode, for real, and once more.

Check mode has to announce what the real run then does, the second run has nothing left to do, and every returned key
is documented in RETURN with its type. `examples/NAME.yml` beside this file holds tasks to play before a module's block
where it needs something to be there.

One start of Ansible costs as much as ten tasks, so several modules are played by one: each is a host of its own, with a
lab, a home directory and variables of its own.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import ansible_runner
import pytest
import yaml

from lab.api.images import write_stand_ins
from lab.api.serving import ServedLab
from lab.pytest_plugin import ServeLab
from tests.warm_python import interpreter

from .conftest import hurried
from .ssh_door import HERE, opened

ROOT = Path(__file__).resolve().parents[2]
PREPARATIONS = Path(__file__).parent / "examples"
NAMES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")
PHASES = ("check", "real", "again")
SEPARATOR = " | "
AT_ONCE = 8
BATCHES = [NAMES[start : start + AT_ONCE] for start in range(0, len(NAMES), AT_ONCE)]
FAILURES = ("runner_on_failed", "runner_on_unreachable")

# Tasks that do something each time they are asked to, by module and task name, with the reason.
ACTS_EVERY_TIME: Mapping[tuple[str, str], str] = {
    ("snapshot", "Go back, if the upgrade went wrong"): "nobody can tell what the guest has written since",
    ("state_checkpoint", "Go back"): "nobody can tell what guests have written since",
    ("replication_job", "Copy what there is now, before it is moved"): "the guest writes on",
    ("restore", "Put a VM back to what it was"): "nobody can tell what the guest has written since",
    ("node", "Restart the node"): "a node is restarted whenever it is asked for",
    ("node_service", "Restart the API's proxy"): "a service is restarted whenever it is asked for",
    ("realm_sync", "Fetch them"): "nobody can tell what the directory says",
}

# Modules whose examples need more than one node.
CLUSTERED = ("replication_job", "replication_info")

# Added to every result by Ansible or described once for all modules.
STANDARD_KEYS = frozenset(
    {"changed", "failed", "msg", "invocation", "diff", "warnings", "deprecations", "exception", "skipped", "results"}
)
TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "path": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
    "complex": (dict,),
    "raw": (object,),
}

Task = dict[str, Any]
Results = dict[tuple[str, str], dict[str, Any]]


@dataclass
class Ended:
    """How a module's examples went: results by (task, phase), and the failures in words."""

    results: Results = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def documentation(module: str, block: str) -> Any:
    """A module's EXAMPLES or RETURN, parsed."""
    source = importlib.import_module(f"ansible_collections.homelab.pve.plugins.modules.{module}")
    return yaml.safe_load(getattr(source, block))


def is_ours(task: Task, module: str) -> bool:
    """Whether a task runs the module."""
    return f"homelab.pve.{module}" in task


def in_phases(task: Task, module: str) -> Iterator[Task]:
    """A task of this module three times, anything else once. Only the real run keeps its `register`.

    Here secrets are none, so results that `no_log` would hide are looked at.
    """
    if not is_ours(task, module):
        yield task
        return
    for phase in PHASES:
        dropped = {"no_log"} if phase == "real" else {"no_log", "register"}
        copy = {key: value for key, value in task.items() if key not in dropped}
        yield {**copy, "name": f"{task['name']}{SEPARATOR}{phase}", "check_mode": phase == "check", "diff": True}


def preparation(module: str) -> list[Task]:
    """Tasks that make what the examples take for granted."""
    path = PREPARATIONS / f"{module}.yml"
    return list(yaml.safe_load(path.read_text())) if path.is_file() else []


def play(module: str, options: Mapping[str, object], variables: Mapping[str, object], home: Path) -> Task:
    """The play for one module's examples; `variables` are what the examples leave to their readers."""
    tasks = [step for task in documentation(module, "EXAMPLES") for step in in_phases(task, module)]
    return {
        "name": f"Examples of {module}",
        "hosts": module,
        "gather_facts": False,
        "vars": dict(variables),
        "environment": {"HOME": str(home), "XDG_STATE_HOME": str(home)},
        "module_defaults": {"group/homelab.pve.all": dict(options)},
        "tasks": [*preparation(module), *tasks],
    }


def run(plays: Sequence[Task], folder: Path) -> dict[str, Ended]:
    """Play them, with a home directory below ``folder``. Returns by host what became of it."""
    home, ended = str(folder / "home"), {str(play["hosts"]): Ended() for play in plays}
    runner = ansible_runner.run(
        private_data_dir=str(folder),
        playbook=list(plays),
        inventory={"all": {"hosts": {name: {"ansible_connection": "local"} for name in ended}}},
        envvars={
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
            "ANSIBLE_HOME": home,
            "HOME": home,
            "XDG_STATE_HOME": home,
        },
        quiet=True,
    )
    for event in runner.events:
        data = event.get("event_data", {})
        if event["event"] == "runner_on_ok":
            ended[data["host"]].results[split(data["task"])] = data["res"]
        elif event["event"] in FAILURES:
            ended[data["host"]].failures.append(f"{data['task']}: {data['res'].get('msg')}")
    if runner.rc and not any(one.failures for one in ended.values()):
        raise RuntimeError(Path(runner.config.artifact_dir, "stdout").read_text())
    return ended


def split(name: str) -> tuple[str, str]:
    """Task and phase of a task's name; a task of another module has no phase."""
    task, _, phase = name.partition(SEPARATOR)
    return task, phase


def broken_promises(module: str, results: Results) -> list[str]:
    """Tasks whose check mode announced something else, or that changed something the second time."""
    tasks = dict.fromkeys(task for task, _ in results)
    return [line for task in tasks for line in broken_promises_of(module, task, results)]


def broken_promises_of(module: str, task: str, results: Results) -> Iterator[str]:
    """The same for one task."""
    changed = {phase: results.get((task, phase), {}).get("changed") for phase in PHASES}
    if changed["check"] != changed["real"]:
        yield f"{task}: check mode said changed={changed['check']}, the run said {changed['real']}"
    if changed["again"] is not False and (module, task) not in ACTS_EVERY_TIME:
        difference = results.get((task, "again"), {}).get("diff")
        yield f"{task}: changed={changed['again']} on the second run, diff {difference}"


def undocumented(result: Mapping[str, Any], documented: Mapping[str, Any]) -> list[str]:
    """Returned keys that RETURN lacks, or describes with another type."""
    keys = [key for key in result if key not in STANDARD_KEYS and not key.startswith(("_ansible", "ansible_"))]
    return [line for key in keys for line in mismatch(key, result[key], documented.get(key))]


def mismatch(key: str, value: object, documented: Mapping[str, Any] | None) -> list[str]:
    """What is wrong with one returned value; `contains` is followed."""
    if documented is None:
        return [f"{key} is not in RETURN"]
    if value is None:
        return []
    if not is_of(value, documented["type"]):
        return [f"{key} is {type(value).__name__}, RETURN says {documented['type']}"]
    items = value if isinstance(value, list) else [value]
    inner = documented.get("contains") or {}
    pairs = [(name, item[name]) for item in items if inner and isinstance(item, dict) for name in item]
    return [line for name, item in pairs for line in mismatch(f"{key}.{name}", item, inner.get(name))]


def is_of(value: object, kind: str) -> bool:
    """Whether a value has a documented type. True is no number here, though Python says so."""
    return isinstance(value, TYPES[kind]) and (kind in ("bool", "raw") or not isinstance(value, bool))


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The Python that the modules are run by."""
    with interpreter(tmp_path_factory.mktemp("warm")) as path:
        yield path


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    """The address of a web server with the cloud images, laid out as Debian's."""
    write_stand_ins(tmp_path / "www" / "bookworm" / "latest")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "www"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def served(module: str, serve_lab_api: ServeLab) -> ServedLab:
    """The node that a module's examples are played against, or one of a cluster."""
    return hurried(serve_lab_api("mother", "son")) if module in CLUSTERED else serve_lab_api()


def over_ssh(module: str, lab: ServedLab, folder: Path, stack: ExitStack) -> dict[str, object]:
    """Variables of a host that is reached by SSH, for the modules that are about one."""
    if not (module.startswith("ssh_") or module == "network_apply"):
        return {}
    place = stack.enter_context(opened(lab, folder))
    host = {"pve_host": HERE, "ansible_port": place.port, "ansible_ssh_private_key_file": str(place.key)}
    return {**host, "pve_known_hosts": str(place.known_hosts(folder))}


def problems(module: str, ended: Ended) -> list[str]:
    """What is wrong with how a module's examples went, each line with the module's name."""
    ours = {key: result for key, result in ended.results.items() if key[1]}
    documented = documentation(module, "RETURN")
    unknown = [f"{task}: {line}" for (task, _), result in ours.items() for line in undocumented(result, documented)]
    none = [] if ended.results else ["EXAMPLES was not played, or has no task"]
    found = [*ended.failures, *none, *broken_promises(module, ours), *dict.fromkeys(unknown)]
    return [f"{module}: {line}" for line in found]


@pytest.mark.parametrize("names", BATCHES, ids="-".join)
def test_examples(names: list[str], warm: Path, mirror: str, serve_lab_api: ServeLab, tmp_path: Path) -> None:
    plays = []
    with ExitStack() as stack:
        for module in names:
            lab, home = served(module, serve_lab_api), tmp_path / module
            home.mkdir()
            variables = {
                "ansible_python_interpreter": str(warm),
                "mirror": mirror,
                "root_password": lab.password,
                "token_file": str(home / "token.json"),
                **over_ssh(module, lab, home, stack),
            }
            plays.append(play(module, lab.options(), variables, home))
        ended = run(plays, tmp_path)
    assert [line for module in names for line in problems(module, ended[module])] == []


RETURN = {
    "vmid": {"type": "int"},
    "nics": {"type": "dict", "contains": {"mac": {"type": "str"}}},
    "guests": {"type": "list", "elements": "dict", "contains": {"name": {"type": "str"}}},
}


@pytest.mark.parametrize(
    ("result", "lines"),
    [
        ({"changed": True, "vmid": 100}, []),
        ({"vmid": None}, []),
        ({"vmid": "100"}, ["vmid is str, RETURN says int"]),
        ({"vmid": True}, ["vmid is bool, RETURN says int"]),
        ({"node": "father"}, ["node is not in RETURN"]),
        ({"nics": {"mac": 1}}, ["nics.mac is int, RETURN says str"]),
        ({"guests": [{"name": "a"}, {"id": 1}]}, ["guests.id is not in RETURN"]),
    ],
    ids=json.dumps,
)
def test_an_undocumented_result_is_found(result: dict[str, Any], lines: list[str]) -> None:
    assert undocumented(result, RETURN) == lines


@pytest.mark.parametrize(
    ("changed", "lines"),
    [
        ((True, True, False), []),
        ((False, True, False), ["t: check mode said changed=False, the run said True"]),
        ((True, True, True), ["t: changed=True on the second run, diff None"]),
        ((True, True, None), ["t: changed=None on the second run, diff None"]),
    ],
)
def test_a_broken_promise_is_found(changed: tuple[bool, bool, bool], lines: list[str]) -> None:
    results: Results = {("t", phase): {"changed": value} for phase, value in zip(PHASES, changed, strict=True)}
    assert broken_promises("vm", results) == lines
