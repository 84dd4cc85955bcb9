# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab against transcripts of a real Proxmox VE: the number of answers that agree may only grow."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.api import seed
from lab.api.certificates import Pair
from lab.api.images import header
from lab.api.server import LabApi
from lab.api.serving import ServedLab, serve

from . import golden

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "golden"
AGREEMENT = Path(__file__).parent / "agreement.json"
FLOORS = json.loads(AGREEMENT.read_text(encoding="utf-8"))
# The recorded node had one storage for everything.
STORAGES = {
    "local": {
        "type": "dir",
        "path": "/var/lib/vz",
        "content": "snippets,iso,images,rootdir,import,vztmpl,backup",
        "prune-backups": "keep-all=1",
    }
}

FILES = {
    "iso/test.iso": bytes(2 * 1024**2),
    "import/cloud.qcow2": header(200 * 1024**2),
    "snippets/user.yaml": b"#cloud-config\n",
    "vztmpl/debian-13-mini_13.1-1_amd64.tar.zst": b"",
}
PROCESSORS = 2

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the optional transcripts of a real Proxmox VE are not here"),
]


@pytest.fixture
def recorded_node(lab_authority: Pair, lab_certificate: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedLab]:
    """A node as the transcripts found it: its token, its password, an ISO image, an image, a container template."""
    monkeypatch.setattr(os, "cpu_count", lambda: PROCESSORS)
    start = seed.Seed(STORAGES, (), {golden.TOKEN_ID: golden.TOKEN_SECRET}, golden.ROOT_PASSWORD)
    api = LabApi(seed=start, host="127.0.0.1", port=0)
    for name, content in FILES.items():
        path = api.file_path("local", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    api.pools["dev"] = set()
    with serve(api, lab_certificate) as served:
        yield ServedLab(served, lab_authority.certificate, golden.TOKEN_ID, golden.TOKEN_SECRET, golden.ROOT_PASSWORD)


@pytest.mark.parametrize("area", sorted(FLOORS))
def test_the_lab_agrees_with_a_real_node(
    area: str, recorded_node: ServedLab, capsys: pytest.CaptureFixture[str]
) -> None:
    if area == "pools":
        recorded_node.api.pools.clear()
    player = golden.Player(recorded_node)
    played = [step for step in golden.steps(SHARED / f"{area}.json") if step.is_playable]
    differences = {
        f"{number} {step.name}": difference
        for number, step in enumerate(played)
        if (difference := golden.difference(step, player.play(step)))
    }
    agreed = len(played) - len(differences)
    with capsys.disabled():
        sys.stdout.write(f"\n{area}: agree {agreed} of {len(played)}\n")
    sys.stdout.write("\n".join(f"{name}: {what}" for name, what in differences.items()))
    assert agreed >= FLOORS[area], f"{area}: {agreed} answers agree, before it were {FLOORS[area]}; see above"
