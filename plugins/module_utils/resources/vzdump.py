# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What jobs and backups made now have in common: the guests that are meant, and how vzdump works (``vzdump`` in PVE).

Parameters of the schema that are no options: ``maxfiles`` is the old form of ``prune-backups``; ``stop`` ends the
backups that are running instead of making one; ``stdout`` is for the command line; ``job-id`` is what PVE's scheduler
says of a job.
"""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    BOOLEAN,
    INTEGER,
    VMIDS,
    Codec,
    Json,
    Properties,
    set_of,
    within,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.storage import PRUNE

FLEECING = Properties(default_key="enabled", kinds={"enabled": "bool", "storage": "str"})
PERFORMANCE = Properties(
    kinds={"max-workers": "int", "pbs-entries-max": "int"},
    limits={"max-workers": (1, 256), "pbs-entries-max": (1, None)},
)


def _paths(value: Json) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in value]


PATHS = Codec(_paths, _paths, list, ansible_type="list", ansible_spec={"elements": "str"})
COUNT = within(INTEGER, 0)
CHANGE_DETECTION = ["legacy", "data", "metadata"]
NOTIFICATION = ["auto", "legacy-sendmail", "notification-system"]

SELECTION: tuple[Field, ...] = (
    Field("vmid", VMIDS),
    Field("pool"),
    Field("all", BOOLEAN, default=False),
    Field("exclude", VMIDS),
    Field("node"),
)

VZDUMP: tuple[Field, ...] = (
    # what of them, and how
    Field("mode", spec={"choices": ["snapshot", "suspend", "stop"]}),
    Field("compress", spec={"choices": ["0", "1", "gzip", "lzo", "zstd"]}),
    Field("exclude_path", PATHS, wire="exclude-path"),
    Field("stdexcludes", BOOLEAN),
    Field("bwlimit", COUNT),
    Field("ionice", within(INTEGER, 0, 8)),
    Field("lockwait", COUNT),
    Field("stopwait", COUNT),
    Field("pigz", INTEGER),
    Field("zstd", INTEGER),
    Field("performance", PERFORMANCE.codec()),
    Field("fleecing", FLEECING.codec()),
    Field("pbs_change_detection_mode", wire="pbs-change-detection-mode", spec={"choices": CHANGE_DETECTION}),
    Field("script"),
    Field("tmpdir"),
    # where to, and what is kept
    Field("storage"),
    Field("dumpdir"),
    Field("prune_backups", PRUNE.codec(), wire="prune-backups"),
    Field("remove", BOOLEAN),
    Field("protected", BOOLEAN),
    Field("notes_template", wire="notes-template"),
    # who is told
    Field("notification_mode", wire="notification-mode", spec={"choices": NOTIFICATION}),
    Field("mailto", set_of(",")),
    Field("mailnotification", spec={"choices": ["always", "failure"]}),
    Field("quiet", BOOLEAN),
)  # fmt: skip

EXCLUSIVE = (("vmid", "pool"), ("vmid", "all"), ("vmid", "exclude"), ("pool", "all"), ("pool", "exclude"))
"""Selections of guests that don't go together (PVE/VZDump.pm, verify_vzdump_parameters; PVE/API2/Backup.pm)."""


def check_selection(wish: Values, what: str) -> None:
    """Raise ConfigError for guests chosen in two ways at once. ``what`` they are chosen for."""
    for one, other in EXCLUSIVE:
        if wish.get(one) and wish.get(other):
            raise ConfigError(
                f"Options '{one}' and '{other}' do not go together: {what} is about guests by vmid, those of a pool, "
                "or all but those of exclude."
            )
