# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order things are made: what another one needs comes first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

from ansible_collections.homelab.pve.plugins.module_utils.engine import Values
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Key, Kind

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def ordered(kinds: Iterable[Kind]) -> list[list[Kind]]:
    """Kinds in the order in which they need each other; those of one list may be done at once."""
    known = {kind.name: kind for kind in kinds}
    sorter = TopologicalSorter({kind.name: [name for name in kind.after if name in known] for kind in known.values()})
    sorter.prepare()
    return [[known[name] for name in sorted(ready)] for ready in _groups(sorter)]


def _groups(sorter: TopologicalSorter[K]) -> Iterator[tuple[K, ...]]:
    """What is ready at once, group by group, of a sorter that is prepared."""
    while sorter.is_active():
        ready = sorter.get_ready()
        yield ready
        sorter.done(*ready)


def needs(kind: Kind, entry: Values) -> frozenset[Key]:
    """Kind and identity of everything that has to be there for an entry."""
    named = ((reference.kind, str(reference.name)) for reference in kind.references(entry))
    return frozenset((*named, *kind.uses(entry), *((kind.name, identity) for identity in kind.needs(entry))))


def waves(items: Sequence[T], key: Callable[[T], K], needed: Callable[[T], Collection[K]]) -> list[list[T]]:
    """Things of one layer in groups, each of which needs only what is in those before it.

    Things that need each other in a circle are of one group: Proxmox VE will say what it thinks of them.
    """
    known = {key(item): item for item in items}
    graph = {
        name: [other for other in needed(item) if other in known and other != name] for name, item in known.items()
    }
    if not any(graph.values()):
        return [list(items)] if items else []
    sorter = TopologicalSorter(graph)
    try:
        sorter.prepare()
    except CycleError:
        return [list(items)]
    return [[item for item in items if key(item) in ready] for ready in map(frozenset, _groups(sorter))]
