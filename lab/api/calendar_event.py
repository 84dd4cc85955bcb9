# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PVE's calendar events, a part of systemd's: ``mon..fri 02:30``, ``*/15``, ``monthly`` (PVE manual, appendix). Pure.

Times are UTC, as the lab's nodes are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONG_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# The words of systemd.time(7), as dates and times.
WORDS = {
    "minutely": "*:*",
    "hourly": "*:0",
    "daily": "0:0",
    "weekly": "mon 0:0",
    "monthly": "*-*-1 0:0",
    "quarterly": "*-1,4,7,10-1 0:0",
    "semiannually": "*-1,7-1 0:0",
    "semi-annually": "*-1,7-1 0:0",
    "yearly": "*-1-1 0:0",
    "annually": "*-1-1 0:0",
}
# Fields of a date and of a time with their ranges.
YEARS, MONTHS, DAYS = range(1970, 2200), range(1, 13), range(1, 32)
HOURS, MINUTES, SECONDS = range(24), range(60), range(60)
RANGE = re.compile(r"(?P<first>\*|\d+)(?:\.\.(?P<last>\d+))?(?:/(?P<step>\d+))?")
DATE = re.compile(r"(?:(?P<year>[^-\s:]+)-)?(?P<month>[^-\s:]+)-(?P<day>[^-\s:]+)")
# No event repeats later than this; a date such as 2-30 never comes.
HORIZON_DAYS = 366 * 9

Numbers = frozenset[int]


class CalendarEventError(ValueError):
    """A text that is no calendar event, in PVE's words."""


@dataclass(frozen=True)
class CalendarEvent:
    """When something is to happen: every field that a moment must match."""

    weekdays: Numbers = frozenset(range(7))
    years: Numbers = frozenset(YEARS)
    months: Numbers = frozenset(MONTHS)
    days: Numbers = frozenset(DAYS)
    hours: Numbers = frozenset(HOURS)
    minutes: Numbers = frozenset({0})
    seconds: Numbers = frozenset({0})

    def _is_day(self, day: datetime) -> bool:
        return (
            day.year in self.years
            and day.month in self.months
            and day.day in self.days
            and day.weekday() in self.weekdays
        )

    def _times(self, day: datetime) -> Iterator[datetime]:
        for hour in sorted(self.hours):
            for minute in sorted(self.minutes):
                for second in sorted(self.seconds):
                    yield day.replace(hour=hour, minute=minute, second=second)

    def after(self, moment: int) -> int | None:
        """The next Unix time strictly after ``moment``, or None when there is none."""
        start = datetime.fromtimestamp(moment, UTC)
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        for days in range(HORIZON_DAYS):
            day = midnight + timedelta(days=days)
            if self._is_day(day):
                found = next((time for time in self._times(day) if time > start), None)
                if found is not None:
                    return int(found.timestamp())
        return None


def _item(text: str, whole: range) -> Numbers:
    """``*``, ``5``, ``1..5``, ``*/15``, ``5/20``, ``8..17/2``."""
    found = RANGE.fullmatch(text)
    if not found:
        raise CalendarEventError(text)
    first = whole.start if found["first"] == "*" else int(found["first"])
    open_ended = found["first"] == "*" or found["step"] is not None
    last = int(found["last"]) if found["last"] else whole.stop - 1 if open_ended else first
    step = int(found["step"] or 1)
    if first not in whole or last not in whole or last < first or step < 1:
        raise CalendarEventError(text)
    return frozenset(range(first, last + 1, step))


def _numbers(text: str, whole: range) -> Numbers:
    return frozenset().union(*(_item(part, whole) for part in text.split(",")))


def _weekday(name: str) -> int:
    for names in (WEEKDAYS, LONG_WEEKDAYS):
        if name in names:
            return names.index(name)
    raise CalendarEventError(name)


def _weekdays(text: str) -> Numbers:
    days: set[int] = set()
    for part in text.split(","):
        first, dots, last = part.partition("..")
        start, end = _weekday(first), _weekday(last if dots else first)
        if end < start:
            raise CalendarEventError(text)
        days |= set(range(start, end + 1))
    return frozenset(days)


def _date(text: str) -> dict[str, Numbers]:
    found = DATE.fullmatch(text)
    if not found:
        raise CalendarEventError(text)
    return {
        "years": _numbers(found["year"] or "*", YEARS),
        "months": _numbers(found["month"], MONTHS),
        "days": _numbers(found["day"], DAYS),
    }


def _time(text: str) -> dict[str, Numbers]:
    """``minutes``, ``hours:minutes`` or ``hours:minutes:seconds``."""
    parts = text.split(":")
    if len(parts) == 1:
        return {"minutes": _numbers(text, MINUTES)}
    names = (("hours", HOURS), ("minutes", MINUTES), ("seconds", SECONDS))
    if len(parts) > len(names):
        raise CalendarEventError(text)
    return {name: _numbers(part, whole) for part, (name, whole) in zip(parts, names, strict=False)}


def _part(text: str) -> tuple[int, Callable[[str], dict[str, Numbers]]]:
    """Which place a part of an event has, and what reads it."""
    if text[0].isalpha():
        return 0, lambda value: {"weekdays": _weekdays(value)}
    return (1, _date) if "-" in text else (2, _time)


def parse(text: str) -> CalendarEvent:
    """Read a calendar event. Raises CalendarEventError in PVE's words."""
    parts = WORDS.get(text.lower(), text.lower()).split()
    fields: dict[str, Numbers] = {}
    try:
        places = [_part(part) for part in parts]
        order = [place for place, _ in places]
        if not parts or order != sorted(set(order)):
            raise CalendarEventError(text)
        for part, (_, read) in zip(parts, places, strict=True):
            fields |= read(part)
    except CalendarEventError as error:
        raise CalendarEventError(
            f"invalid calendar event '{text}' - unable to parse calendar event at '{text}'\n"
        ) from error
    if not any(place == 2 for place in order):  # noqa: PLR2004 - a date without a time begins at midnight
        fields["hours"] = frozenset({0})
    return CalendarEvent(**fields)
