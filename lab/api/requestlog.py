# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request log: what was asked, how it was answered and whether it changed anything.

It is what lets a test say "zero writes", so the rule for a write is strict: any accepted POST, PUT or DELETE that is
not on the list of questions PVE happens to ask with POST.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

# Requests with a writing method that read: a login, and the agent's questions.
QUESTIONS = re.compile(
    r"^/access/(ticket|vncticket)$|/agent/(ping|info|fsfreeze-status|get-[a-z-]+|network-get-interfaces)$"
)
READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REFUSED = 400
LOG_LENGTH = 20_000


@dataclass(frozen=True)
class RequestRecord:
    """One request. ``path`` is without the ``/api2/<format>`` prefix and without the query.

    ``status`` is 0 where a fault took care that there was no answer. ``time``: seconds since the epoch, real ones.
    """

    method: str
    path: str
    status: int
    wrote: bool
    user: str | None = None
    time: float = field(default=0.0, compare=False)

    def as_dict(self) -> dict[str, object]:
        """The record for JSON."""
        return asdict(self)


def api_path(path: str) -> str:
    """``/api2/json/version`` -> ``/version``; other paths unchanged."""
    return re.sub(r"^/api2/(json|extjs)(?=/|$)", "", path) or "/"


def is_write(method: str, path: str, status: int) -> bool:
    """Whether an answered request changed something (a refused one did not)."""
    return method not in READING_METHODS and 0 < status < REFUSED and not QUESTIONS.search(path)


@dataclass(frozen=True)
class Selection:
    """Which requests are wanted: patterns with ``*`` for method, path, status (as in ``5*``) and user."""

    method: str = "*"
    path: str = "*"
    status: str = "*"
    user: str = "*"
    since: float = 0.0
    writes: bool = False

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Selection:
        """The selection of a query string. Raises ValueError for what is none."""
        unknown = sorted(set(query) - {item.name for item in fields(cls)})
        if unknown:
            raise ValueError(f"requests are not selected by {unknown[0]!r}")
        given: dict[str, Any] = dict(query)
        if "since" in given:
            given["since"] = float(given["since"])
        if "writes" in given:
            given["writes"] = given["writes"] == "1"
        return cls(**given)

    def takes(self, record: RequestRecord) -> bool:
        """Whether a request is one of those."""
        return (
            fnmatchcase(record.method, self.method)
            and fnmatchcase(record.path, self.path)
            and fnmatchcase(str(record.status), self.status)
            and fnmatchcase(record.user or "", self.user)
            and record.time >= self.since
            and (record.wrote or not self.writes)
        )

    def among(self, records: Iterable[RequestRecord]) -> list[RequestRecord]:
        """Those of the records."""
        return [record for record in records if self.takes(record)]


class RequestLog:
    """The last requests, oldest first."""

    def __init__(self) -> None:
        """Start empty."""
        self._records: deque[RequestRecord] = deque(maxlen=LOG_LENGTH)

    def add(self, method: str, path: str, status: int, user: str | None) -> RequestRecord:
        """Note an answered request (``path`` as it came in) and return its record."""
        path = api_path(path)
        record = RequestRecord(method, path, status, is_write(method, path, status), user, time.time())
        self._records.append(record)
        return record

    def clear(self) -> None:
        """Forget everything logged so far."""
        self._records.clear()

    def __iter__(self) -> Iterator[RequestRecord]:
        """Every record, oldest first; a copy, so that requests may come in meanwhile."""
        return iter(list(self._records))

    def __len__(self) -> int:
        """Number of records."""
        return len(self._records)

    def writes(self) -> list[RequestRecord]:
        """The requests that changed something."""
        return [record for record in self if record.wrote]
