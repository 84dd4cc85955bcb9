# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Doing the same for many guests at once, over one session."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from threading import Event
from typing import TypeVar

from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    AuthenticationError,
    ConnectionError,
    HomelabPveError,
)

T = TypeVar("T")
R = TypeVar("R")


def together(work: Callable[[T], R], items: Sequence[T], bound: int) -> list[R]:
    """``work`` done on each item, on up to ``bound`` at once. The results are in the items' order.

    After an error no further item is begun; the first error by the items' order is raised. What runs then is waited
    for, except after Ctrl-C: it is left to end by itself, which it does at its next request once the client is closed.
    """
    broken = Event()

    def guarded(item: T) -> R:
        if broken.is_set():
            raise CancelledError
        try:
            return work(item)
        except BaseException:
            broken.set()
            raise

    pool = ThreadPoolExecutor(max_workers=max(1, min(bound, len(items))))
    try:
        # Items are begun in their order, so what was cancelled comes after the error that caused it.
        return list(pool.map(guarded, items))
    finally:
        pool.shutdown(wait=not isinstance(sys.exception(), KeyboardInterrupt), cancel_futures=True)


def tried(work: Callable[[], R]) -> R | HomelabPveError:
    """What the work gives, or the error that is its own; one that would be the same for all others is raised."""
    try:
        return work()
    except (ConnectionError, AuthenticationError):
        raise
    except HomelabPveError as error:
        return error
