"""The command line: listings, dry runs and wrong usage. None of it touches a host."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from scenarios import __version__
from scenarios.catalog import CATALOG
from scenarios.cli import main
from scenarios.paths import repository
from scenarios.verb import Verb
from scenarios.verb_cli import command
from scenarios.verbs import VERBS

HIDDEN = [verb.name for verb in VERBS if verb.hidden]


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(argv)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_version_is_the_collections(capsys: pytest.CaptureFixture[str]) -> None:
    galaxy = yaml.safe_load((repository() / "galaxy.yml").read_text(encoding="utf-8"))
    assert run(capsys, "--version")[:2] == (0, f"homelab.pve, version {__version__}\n")
    assert galaxy["version"] == __version__


def test_scenarios_are_listed_with_their_runtimes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _err = run(capsys, "--list-scenarios")
    assert code == 0
    for line, scenario in zip(out.splitlines(), CATALOG.values(), strict=True):
        assert line.split() == [
            scenario.name,
            "about",
            str(scenario.expected_seconds),
            "s",
            *scenario.description.split(),
        ]


def test_phases_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _err = run(capsys, "--list-phases", "--scenario", "vm-roundtrip")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == CATALOG["vm-roundtrip"].names()


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _err = run(capsys, "--help")
    assert code == 0
    for name in ("audit", "bench", "doctor", "host", "lab", *(verb.group or verb.name for verb in VERBS)):
        assert f"  {name} " in out or name in HIDDEN
    assert not [name for name in HIDDEN if f"  {name} " in out]


def words(verb: Verb) -> list[str]:
    """What is typed to run a verb."""
    return [*([verb.group] if verb.group else []), verb.command]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_has_help_for_its_inputs(verb: Verb, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _err = run(capsys, *words(verb), "--help")
    assert code == 0
    for each in (each for each in verb.inputs if not each.hidden):
        assert (f" {verb.flag(each).upper()}" if each.positional else f"--{verb.flag(each)} ") in out


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_option_means_one_thing(verb: Verb) -> None:
    names = [name for param in command(verb).params for name in (*param.opts, *param.secondary_opts)]
    assert len(names) == len(set(names))


def test_a_group_lists_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _err = run(capsys, "container", "--help")
    assert code == 0
    assert "create Create a container from a template, start it and wait for its address." in " ".join(out.split())


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--scenario", "nested-pve-roundtrp", "--host", "father"],
         "Unknown scenario 'nested-pve-roundtrp'. Did you mean 'nested-pve-roundtrip'? Known: dr-roundtrip,"),
        (["--scenario", "vm-roundtrip", "--host", "fathr"],
         "Unknown host 'fathr'. Did you mean 'father'? Known: father."),
        (["--scenario", "vm-roundtrip", "--inventory", "{two}"],
         "Which host? Give --host, or choose a default: ./run.sh host set-default NAME. Known: a, b."),
        (["--scenario", "vm-roundtrip", "--host", "father", "--only", "verfy"],
         "Unknown phase of vm-roundtrip 'verfy'. Did you mean 'verify'? Known: destroy, discover,"),
        (["--scenario", "vm-roundtrip", "--host", "father", "-e", "vm_core=2"],
         "Unknown input of vm-roundtrip 'vm_core'. Did you mean 'vm_cores'? Known:"),
        (["--scenario", "vm-roundtrip", "--host", "father", "-e", "vm_cores=two"],
         "The input 'vm_cores' is wrong: expected a whole number, got 'two'."),
        (["--scenario", "vm-roundtrip", "--host", "father", "-e", "vm_cores"],
         "'vm_cores' is no input. Write name=value, or @file for a YAML or JSON file."),
        (["--scenario", "vm-roundtrip", "--host", "father", "-e", "@/no/such/file"],
         "The inputs file /no/such/file can't be read:"),
        (["--scenario", "vm-roundtrip", "--host", "father", "--inventory", "/no/such/inventory"],
         "The inventory /no/such/inventory does not exist. Give an existing one with --inventory."),
        (["--scenario", "vm-roundtrip", "--host", "father", "--timeout", "0"], "0.0 is not in the range x>0"),
        (["--scenario", "vm-roundtrip", "--host", "father", "--no-such"], "No such option"),
        (["--list-phases"], "Whose phases? Give --scenario. Known: dr-roundtrip,"),
        (["vm-strt"], "Unknown command 'vm-strt'. Did you mean 'vm-start'? Known: audit, awx, bench,"),
        (["vm-start", "--host", "father"], "Missing option '--vm-id'"),
        (["container", "create"], "Missing argument 'NAME'"),
        (["container", "creat"], "Unknown command of 'container' 'creat'. Did you mean 'create'? Known: "),
        (["container", "create", "web", "--disk", "8G"], "expected a whole number, got '8G'"),
        (["vm-start", "--host", "father", "--vm-id", "x"], "expected a whole number, got 'x'"),
        (["--scenario", "vm-roundtrip", "audit", "show"], "--scenario and the command 'audit' exclude each other."),
    ],
)  # fmt: skip
def test_wrong_usage(argv: list[str], message: str, capsys: pytest.CaptureFixture[str], state: Path) -> None:
    two = state.parent / "hosts.yml"
    two.parent.mkdir()
    two.write_text("all: {hosts: {a: , b: }}", encoding="utf-8")
    code, out, err = run(capsys, *(word.format(two=two) if word == "{two}" else word for word in argv))
    assert (code, out) == (2, "")
    assert message in err
    assert not (state / "runs").exists()


def test_without_a_host_the_default_or_the_only_one_is_meant(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    words = ("--scenario", "vm-roundtrip", "--dry-run", "--json-output")
    assert json.loads(run(capsys, *words)[1])["host"] == "father"
    settings = tmp_path / "homelab-pve" / "config.yaml"
    settings.parent.mkdir()
    settings.write_text("default_host: gone\n", encoding="utf-8")
    assert "Unknown host 'gone'. Known: father." in run(capsys, *words)[2]
    settings.write_text("default_host: [a\n", encoding="utf-8")
    code, _out, err = run(capsys, *words)
    assert (code, f"{settings}:2: expected ',' or ']', but got '<stream end>'" in err) == (2, True)


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _err = run(capsys)
    assert code == 2
    assert out.startswith("Usage:")


def test_wrong_usage_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "--scenario", "vm-roundtrip", "--host", "fathr", "--json-output")
    document = json.loads(out)
    assert code == 2
    assert document["success"] is False
    assert document["error"] in err


def test_a_dry_run_tells_every_input_and_touches_nothing(capsys: pytest.CaptureFixture[str], state: Path) -> None:
    code, out, _err = run(
        capsys, "--scenario", "vm-roundtrip", "--host", "father", "--dry-run", "--skip", "wait_ip", "-e", "vm_cores=4"
    )
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in out.splitlines()[1:]}
    assert code == 0
    assert lines["wait_ip"] == "not selected"
    assert lines["start_vm"] == "would run playbooks/vm-start.yml vm_id=<vm_id of phase provision>"
    assert lines["provision"] == (
        'would run playbooks/vm-provision.yml vm_name="homelab-vm" vm_template=<inventory\'s vm_plain_template> '
        "vmid_range=[99900, 99999] vm_cores=4"
    )
    assert not state.exists()


def test_a_dry_run_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _err = run(capsys, "--scenario", "vm-destructor", "--host", "father", "--dry-run", "--json-output")
    document = json.loads(out)
    assert code == 0
    assert [(phase["name"], phase["status"]) for phase in document["phases"]] == [
        ("preflight", "skipped"), ("discover", "skipped"), ("destroy", "skipped"),
    ]  # fmt: skip


def test_inputs_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = tmp_path / "inputs.yml"
    inputs.write_text("vm_cores: 2\nvm_tags: [a, b]\n", encoding="utf-8")
    code, out, _err = run(
        capsys, "--scenario", "vm-constructor", "--host", "father", "--dry-run", "-e", f"@{inputs}", "-e", "vm_cores=3"
    )
    assert code == 0
    assert 'vm_cores=3 vm_tags=["a", "b"]' in out


def test_a_verb_as_a_dry_run(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _err = run(capsys, "vm-start", "--host", "father", "--vm-id", "100", "--dry-run")
    assert code == 0
    assert out.splitlines()[1] == "vm-start  would run playbooks/vm-start.yml vm_id=100"
