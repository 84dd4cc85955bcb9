"""A document's life on the lab's node, by the driver's own commands, as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Stand
from tests.integration.driver_process import Result
from tests.integration.lab_driver import drive

pytestmark = pytest.mark.lab

VMID = 310
PASSWORD = "not-for-anybody-9"
TEMPLATE = """\
groups:
  - groupid: operators
users:
  - userid: op@pve
    groups: [operators]
    user_password: ${secret:operator}
vms:
  - vmid: {{ web_vmid }}
    name: web
    memory: 512
    description: |
      first
      second
    state: stopped
"""


def state(*words: str) -> Result:
    return drive("state", *words, "--host", "father")


def changes(*words: str) -> list[dict[str, Any]]:
    entries = map(json.loads, drive("audit", "show", "--json", *words).out.splitlines())
    return [entry for entry in entries if entry["event"] == "change"]


def closed(path: Path) -> list[str]:
    """Close a file with ansible-vault; returns what opens it again."""
    password = path.with_name("vault-password")
    password.write_text("open sesame", encoding="utf-8")
    vault = Path(sys.executable).with_name("ansible-vault")
    opened = ["--vault-password-file", str(password)]
    subprocess.run([str(vault), "encrypt", *opened, str(path)], check=True, capture_output=True)
    return opened


@pytest.fixture
def document(stand: Stand, tmp_path: Path) -> list[str]:
    """A template with its variables, closed by ansible-vault. What it makes goes with the lab."""
    template, variables = tmp_path / "web.yml.j2", tmp_path / "web.vars.yml"
    template.write_text(TEMPLATE, encoding="utf-8")
    variables.write_text(f"web_vmid: {VMID}\nstate_secrets: {{operator: {PASSWORD}}}\n", encoding="utf-8")
    return [str(template), "--vars", str(variables), *closed(variables)]


def kept() -> str:
    """Everything the driver keeps about its runs."""
    folder = Path(os.environ["XDG_STATE_HOME"]) / "homelab-pve"
    files = [
        path for name in ("runs", "journals", "audit.jsonl") for path in [folder / name, *folder.glob(f"{name}/**/*")]
    ]
    return "".join(path.read_text(encoding="utf-8") for path in files if path.is_file())


@pytest.mark.timeout(600)
def test_a_documents_life(stand: Stand, document: list[str], tmp_path: Path) -> None:
    plan = str(tmp_path / "plan.json")

    planned = state("plan", *document, "--out", plan)
    assert planned.code == 2, planned.err
    assert f"vms {VMID}: create on father" in planned.out
    assert planned.out.splitlines()[-1].startswith("father: 3 to create; ")

    applied = state("apply", plan, *document[-2:])
    assert applied.code == 0, applied.err
    assert f"+ vms {VMID} created" in applied.err
    assert applied.out.splitlines()[-1] == "father: 3 created."
    (change,) = changes("--vmid", str(VMID))
    assert (change["kind"], change["action"], change["status"], change["host"]) == ("vms", "create", "done", "father")
    assert change["upids"][0].startswith("UPID:father:")
    assert drive("audit", "verify").code == 0

    again = state("plan", *document, "--all")
    assert (again.code, again.out.splitlines()[-1]) == (0, "father: nothing to do; 3 left alone.")

    stand.father().guest(VMID, "POST", "/config", memory=768)
    page, figures = tmp_path / "drift.html", tmp_path / "drift.prom"
    drifted = state("verify", *document, "--json", "--html", str(page), "--metrics", str(figures))
    assert drifted.code == 2, drifted.err
    (difference,) = json.loads(drifted.out)["actions"]
    assert (difference["before"]["memory"], difference["after"]["memory"]) == (768, 512)
    assert "<td>memory</td>" in page.read_text(encoding="utf-8")
    assert 'resources{host="father",action="modify",kind="vms"} 1' in figures.read_text(encoding="utf-8")

    assert state("plan", *document, "--out", plan).code == 2
    stand.father().guest(VMID, "POST", "/config", memory=1024)
    refused = state("apply", plan, *document[-2:])
    assert refused.code == 1
    assert "The server has moved since the plan was made" in refused.err
    assert stand.father().guest(VMID, "GET", "/config")["memory"] in (1024, "1024")

    assert PASSWORD not in kept() + planned.out + applied.out + applied.err + Path(plan).read_text(encoding="utf-8")


@pytest.mark.timeout(600)
def test_an_export_changes_nothing_and_what_removes_wants_leave(document: list[str], tmp_path: Path) -> None:
    assert state("apply", *document).code == 0
    path = tmp_path / "server.yml"
    exported = drive("discover", "--export", "--output", str(path), "--host", "father")
    assert exported.code == 0, exported.err
    assert "    description: |-\n      first\n      second\n" in path.read_text(encoding="utf-8")
    planned = state("plan", str(path))
    assert (planned.code, planned.out.splitlines()[-1].split(";")[0]) == (0, "father: nothing to do"), planned.out

    figures = state("metrics")
    assert f'homelab_pve_guest_running{{node="father",vmid="{VMID}",name="web",type="qemu"}} 0' in figures.out

    gone = tmp_path / "vm.yml"
    gone.write_text(f"vms: [{{vmid: {VMID}, state: absent}}]\n", encoding="utf-8")
    refused = state("apply", str(gone))
    assert refused.code == 1
    assert (
        f"vms {VMID} would be removed. Nobody can be asked here: give --yes for that. Nothing was done." in refused.err
    )
    assert changes("--vmid", str(VMID))[-1]["action"] != "delete"
    removed = state("apply", str(gone), "--yes", "--max-delete-percent", "100")
    assert (removed.code, removed.out.splitlines()[-1]) == (0, "father: 1 removed."), removed.err
    assert changes("--vmid", str(VMID))[-1]["action"] == "delete"


def test_a_wrong_document_is_no_difference(stand: Stand, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("vms:\n  - vmid: 1\n    memmory: 5\n", encoding="utf-8")
    refused = state("plan", str(wrong))
    assert refused.code == 1
    assert f"{wrong}:3: vms[0].memmory: " in refused.err
