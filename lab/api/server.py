# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's API: fakepve's server with the areas on top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.api.fake import FakeVm
from lab.api.seed import TEMPLATE_DISK_SIZE, Seed, Template
from lab.api.tasks import TaskArea

# What the schema in ../pve-api describes.
VERSION = "9.1.4"
RELEASE = "9.1"


def storage_entry(definition: Mapping[str, Any]) -> dict[str, Any]:
    """fakepve's record of a storage with this definition."""
    return {"active": 1, "files": set(), "volumes": {}, **definition}


class LabApi(TaskArea):
    """One node's API. Give it a seed and a guest driver, then :meth:`start` it."""

    def __init__(self, node: str = "father", seed: Seed | None = None, **options: object) -> None:
        """Take the node's name and what it holds at first; the rest are fakepve's options (host, port, ...)."""
        super().__init__(**options)
        self.node = node
        self.nodes = {node: {"online": True}}
        self.version, self.release_version = VERSION, RELEASE
        self.plant(seed or Seed())

    def plant(self, seed: Seed) -> None:
        """Take over a seed: what the node held before is gone."""
        self.storages = {name: storage_entry(definition) for name, definition in seed.storages.items()}
        self.vms = [self._template(template) for template in seed.templates]
        self.apitokens.update(seed.tokens)
        self.password = seed.password or self.password

    def _template(self, template: Template) -> FakeVm:
        volumes = self.storages[template.storage]["volumes"]
        volumes[template.volume] = {
            "content": "images",
            "format": "raw",
            "size": TEMPLATE_DISK_SIZE,
            "vmid": template.vmid,
            "ctime": 0,
        }
        return FakeVm(template.vmid, template.name, node=self.node, config=template.config(), template=True)
