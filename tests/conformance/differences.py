# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The differences between the lab and a real node that stay, each with its reason; the list can only shrink.

``known/<transcript>.json`` has how many requests of a transcript are played, and those whose answer differs. A
test fails for a difference that is not in the list and for one in the list that has gone.

    python -m tests.conformance.differences                     # print the list
    python -m tests.conformance.differences --update qemu lxc   # play, and write what is different now

``--update`` keeps the reasons, and brings the table in docs/fidelity.md up to date. New differences have no reason:
write one; the test wants it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lab.api.certificates import Pair, issue, make_authority

from . import golden, joined, recorded

LISTS = Path(__file__).parent / "known"
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "fidelity.md"
BEGIN, END = "<!-- differences: begin -->\n", "<!-- differences: end -->\n"


@dataclass(frozen=True)
class Known:
    """One difference: the request by its number and name, what differs, and why that stays."""

    seq: int
    name: str
    what: str
    why: str = ""

    @property
    def is_same_as(self) -> tuple[int, str]:
        """What a difference has in common with itself after somebody worked on the lab."""
        return self.seq, self.what


@dataclass(frozen=True)
class Agreement:
    """What is known of one transcript."""

    requests: int
    differences: tuple[Known, ...] = ()


def path_of(transcript: str) -> Path:
    """The list of a transcript."""
    return LISTS / f"{transcript}.json"


def read(transcript: str) -> Agreement:
    """What is known of a transcript; nothing of one without a list."""
    path = path_of(transcript)
    if not path.is_file():
        return Agreement(0)
    document = json.loads(path.read_text(encoding="utf-8"))
    return Agreement(document["requests"], tuple(Known(**item) for item in document["differences"]))


def listed() -> list[str]:
    """The transcripts that are checked: those with a list."""
    return sorted(path.stem for path in LISTS.glob("*.json"))


def found(played: recorded.Played) -> tuple[Known, ...]:
    """The differences of a play, without reasons."""
    return tuple(Known(step.seq, step.name, golden.summary(what)) for step, what in played.differences)


def news(known: Iterable[Known], now: Iterable[Known]) -> list[Known]:
    """Differences that are not in the list."""
    have = {item.is_same_as for item in known}
    return [item for item in now if item.is_same_as not in have]


def gone(known: Iterable[Known], now: Iterable[Known]) -> list[Known]:
    """Differences in the list that are no more."""
    return news(now, known)


def with_reasons(known: Iterable[Known], now: Iterable[Known]) -> tuple[Known, ...]:
    """The differences of now, with the reasons known for the same requests."""
    reasons = {item.seq: item.why for item in known}
    return tuple(replace(item, why=reasons.get(item.seq, "")) for item in now)


def write(transcript: str, agreement: Agreement) -> None:
    """Replace the list of a transcript; one difference a line, so that a change of one is a line's."""
    lines = ",\n".join(f"  {json.dumps(asdict(item), ensure_ascii=False)}" for item in agreement.differences)
    body = f"[\n{lines}\n ]" if lines else "[]"
    text = f'{{\n "requests": {agreement.requests},\n "differences": {body}\n}}\n'
    path_of(transcript).write_text(text, encoding="utf-8")


def rows(agreements: Mapping[str, Agreement]) -> str:
    """The table of docs/fidelity.md: each transcript, how many answers agree, and why the others do not."""
    lines = ["| transcript | agree | of | what is different (answers) |", "|---|---|---|---|"]
    for name, agreement in agreements.items():
        counted = Counter(item.why for item in agreement.differences)
        reasons = "; ".join(f"{why} ({count})" for why, count in counted.items())
        agree = agreement.requests - len(agreement.differences)
        lines.append(f"| {name} | {agree} | {agreement.requests} | {reasons} |".replace("|  |", "| |"))
    total = sum(agreement.requests for agreement in agreements.values())
    differing = sum(len(agreement.differences) for agreement in agreements.values())
    return "\n".join([*lines, f"| **all** | {total - differing} | {total} | {differing} answers differ |", ""])


def documented(document: str, table: str) -> str:
    """A document with its table replaced. Raises ValueError for one without the marks around it."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the document has no marks around its table of differences")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def pki(folder: Path) -> tuple[Pair, Pair]:
    """A certificate authority and a server's certificate in a folder."""
    authority = make_authority(Pair(folder / "ca.pem", folder / "ca.key"))
    server = Pair(folder / "server.pem", folder / "server.key")
    return authority, issue(authority, server, [recorded.NODE, "localhost", "127.0.0.1"])


def update(transcripts: Iterable[str]) -> None:
    """Play transcripts and write what is different now, here and in the documentation."""
    with tempfile.TemporaryDirectory() as folder:
        pairs = pki(Path(folder))
        for name in transcripts:
            played = joined.play(recorded.SHARED / f"{name}.json", *pairs)
            write(name, Agreement(played.asked, with_reasons(read(name).differences, found(played))))
            print(f"{played.line(name)}\n{played.details()}", end="")
    table = rows({name: read(name) for name in listed()})
    DOCUMENT.write_text(documented(DOCUMENT.read_text(encoding="utf-8"), table), encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.differences", description=__doc__)
    parser.add_argument("--update", action="store_true", help="play the transcripts and write what is different now")
    parser.add_argument("transcript", nargs="*", help="names of transcripts; without one: all that are listed")
    chosen = parser.parse_args()
    names = chosen.transcript or listed()
    if chosen.update:
        update(names)
        return
    for name in names:
        for item in read(name).differences:
            print(f"{name} {item.seq} {item.name}: {item.what} -- {item.why or '(no reason yet)'}")


if __name__ == "__main__":
    main()
