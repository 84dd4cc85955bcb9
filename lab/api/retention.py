# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which backups of a guest are kept (pve-storage, PVE/Storage.pm: prune_mark_backup_group). Pure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

KEEP, REMOVE, PROTECTED = "keep", "remove", "protected"


@dataclass(frozen=True)
class Backup:
    """One backup as retention sees it; ``made`` is its Unix time."""

    volume: str
    made: int
    protected: bool = False


def _stamp(pattern: str) -> Callable[[Backup], str]:
    """What period a backup belongs to, by a pattern of strftime."""
    return lambda backup: time.strftime(pattern, time.gmtime(backup.made))


# Option -> the period of which it keeps one backup; the order is the one in which they choose.
PERIODS: Mapping[str, Callable[[Backup], str]] = {
    "keep-last": lambda backup: backup.volume,
    "keep-hourly": _stamp("%H/%d/%m/%Y"),
    "keep-daily": _stamp("%d/%m/%Y"),
    "keep-weekly": _stamp("%V/%G"),
    "keep-monthly": _stamp("%m/%Y"),
    "keep-yearly": _stamp("%Y"),
}


def marks(backups: Iterable[Backup], keep: Mapping[str, object]) -> dict[str, str]:
    """What is to happen to each backup of one guest, by volume."""
    newest = sorted(backups, key=lambda backup: (-backup.made, backup.volume))
    found = {backup.volume: PROTECTED for backup in newest if backup.protected}
    open_ones = [backup for backup in newest if not backup.protected]
    counts = {option: int(str(keep.get(option, 0))) for option in PERIODS}
    if keep.get("keep-all") or not any(counts.values()):
        return found | {backup.volume: KEEP for backup in open_ones}
    for option, period in PERIODS.items():
        _choose(open_ones, found, counts[option], period)
    return {backup.volume: REMOVE for backup in open_ones} | found


def _choose(backups: list[Backup], found: dict[str, str], count: int, period: Callable[[Backup], str]) -> None:
    """Mark the newest backup of each of the ``count`` latest periods that has none yet."""
    kept = {period(backup) for backup in backups if found.get(backup.volume) == KEEP}
    chosen: set[str] = set()
    for backup in backups:
        if backup.volume in found or period(backup) in kept:
            continue
        if period(backup) not in chosen and len(chosen) >= count:
            return
        found[backup.volume] = REMOVE if period(backup) in chosen else KEEP
        chosen.add(period(backup))
