# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/coverage.md: every endpoint of the official API that writes, and the modules that cover it.

Which endpoints a module covers is what its specification says it may write to; the module tests refuse a write that
isn't named there, and an endpoint that is named and never written to. ``uncovered.yml`` says why the others have no
module of their own. The document is written by ``python -m tests.conformance.coverage``.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from tests.module.inventory import CARRIERS, declared, names

from .schema_options import Schema, endpoints

ROOT = Path(__file__).resolve().parents[2]
OFFICIAL = ROOT.parent / "shared" / "pve-api" / "pve-9.1.json.gz"
DOCUMENT = ROOT / "docs" / "coverage.md"
REASONS = Path(__file__).parent / "uncovered.yml"
LOGIN = "POST /access/ticket"
"""What every module writes to that logs in with a password."""

HEAD = """# Coverage of the Proxmox VE API

<!-- Written by `python -m tests.conformance.coverage` from the modules and the API's own description. -->

Proxmox VE 9.1 describes {total} endpoints that write (POST, PUT, DELETE). **{covered} of them, {percent} %, are
covered by a module that knows what it writes**; all of them, 100 %, by the module `api`, which declares or calls any
path with check mode and diff. What has no module of its own stands at the end, with the reason.

A module covers an endpoint when it says so in its specification (`writes`) and a test has seen it write there.
"""


def official() -> Schema:
    """The official API: path -> method -> parameters."""
    found: Schema = json.loads(gzip.decompress(OFFICIAL.read_bytes()))
    return found


def covering() -> dict[str, list[str]]:
    """Endpoint (``PUT /storage/{}``) -> the modules that write to it; not `api`, nor those that carry out others."""
    found: dict[str, list[str]] = {LOGIN: ["(every module's login)"]}
    for name in sorted(set(names()) - CARRIERS):
        for endpoint in declared(name):
            found.setdefault(endpoint, []).append(name)
    return found


def reasons() -> dict[str, str]:
    """Regular expression for endpoints -> why they have no module of their own."""
    return {words: why for why, patterns in yaml.safe_load(REASONS.read_text()).items() for words in patterns}


def reason(endpoint: str, written: Mapping[str, str]) -> str:
    """Why an endpoint has no module of its own, empty when nothing is written about it."""
    return next((why for words, why in written.items() if re.fullmatch(words, endpoint)), "")


def area(path: str) -> str:
    """The part of the API a path belongs to: ``cluster/firewall``, ``nodes/qemu``."""
    words = [word for word in path.strip("/").split("/") if not word.startswith("{")]
    return "/".join(words[:2] if words[0] in ("access", "cluster", "nodes") else words[:1])


def percentage(part: int, whole: int) -> str:
    """A share in percent, rounded down to one place: 85 is never said of less."""
    return f"{part * 1000 // whole / 10:.1f}"


def document(schema: Schema, covered: Mapping[str, list[str]], written: Mapping[str, str]) -> str:
    """The whole document."""
    known = endpoints(schema)
    by_path = sorted((path, method, covered.get(endpoint, [])) for endpoint, (method, path) in known.items())
    areas: dict[str, list[tuple[str, str, list[str]]]] = {}
    for path, method, modules in by_path:
        areas.setdefault(area(path), []).append((path, method, modules))
    total, done = len(by_path), sum(bool(modules) for _, _, modules in by_path)
    parts = [HEAD.format(total=total, covered=done, percent=percentage(done, total)), _summary(areas)]
    parts += [_area(name, rows) for name, rows in areas.items()]
    left = [endpoint for endpoint in known if not covered.get(endpoint)]
    return "\n".join([*parts, _left(left, known, written)])


def _summary(areas: Mapping[str, list[tuple[str, str, list[str]]]]) -> str:
    lines = ["| area | endpoints | covered |", "|---|---|---|"]
    for name, rows in areas.items():
        lines.append(f"| [{name}](#{name.replace('/', '')}) | {len(rows)} | {sum(bool(row[2]) for row in rows)} |")
    return "\n".join([*lines, ""])


def _area(name: str, rows: Iterable[tuple[str, str, list[str]]]) -> str:
    lines = [f"## {name}", "", "| endpoint | modules |", "|---|---|"]
    lines += [f"| `{method} {path}` | {', '.join(modules) or '-'} |" for path, method, modules in rows]
    return "\n".join([*lines, ""])


def _left(left: Iterable[str], known: Mapping[str, tuple[str, str]], written: Mapping[str, str]) -> str:
    grouped: dict[str, list[str]] = {}
    for endpoint in sorted(left, key=lambda endpoint: known[endpoint][::-1]):
        grouped.setdefault(reason(endpoint, written), []).append(" ".join(known[endpoint]))
    lines = ["## By `api` only", "", "| why | endpoints |", "|---|---|"]
    lines += [f"| {why} | {', '.join(f'`{name}`' for name in found)} |" for why, found in grouped.items()]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    DOCUMENT.write_text(document(official(), covering(), reasons()), encoding="utf-8")
    sys.stdout.write(f"{DOCUMENT}\n")
