# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values for humans, by the renderer their schema names (PVE/Format.pm of pve-common)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from lab.commands import yaml

BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
# Unit and its length in seconds, longest first.
DURATION_UNITS = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def sized(value: float) -> str:
    """A number of bytes: ``2.00 GiB``."""
    amount, unit = float(value), 0
    while amount >= 1024 and unit < len(BYTE_UNITS) - 1:  # noqa: PLR2004
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.2f} {BYTE_UNITS[unit]}"


def duration(seconds: float) -> str:
    """A number of seconds: ``1d 2h 3s``."""
    rest, parts = round(float(seconds)), []
    for unit, length in DURATION_UNITS:
        count, rest = divmod(rest, length)
        parts += [f"{count}{unit}"] if count else []
    return " ".join(parts) or "0s"


def moment(epoch: float) -> str:
    """Seconds since 1970 as the node's local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(float(epoch)))


def moment_gmt(epoch: float) -> str:
    """Seconds since 1970 as Greenwich time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(float(epoch)))


def percentage(fraction: float) -> str:
    """0.25 as ``25.00%``."""
    return f"{float(fraction) * 100:.2f}%"


RENDERERS: Mapping[str, Callable[..., str]] = {
    "bytes": sized,
    "duration": duration,
    "timestamp": moment,
    "timestamp_gmt": moment_gmt,
    "fraction_as_percentage": percentage,
    "yaml": lambda value: yaml.dump(value).removeprefix("---").lstrip("\n "),
}
