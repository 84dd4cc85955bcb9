# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pools as Proxmox VE 8.0 has them: each at a path of its own, none in another (pve-manager, PVE/API2/Pool.pm)."""

from __future__ import annotations

from lab.api.fake import Fake, Values, param_error
from lab.api.release import RELEASE, is_known

POOLS = "/pools"
UNDEFINED = "property is not defined in schema and the schema does not allow additional properties"


class PoolsArea(Fake):
    """Mixin: what the releases before nested pools refuse, and tell otherwise."""

    release_version: str = RELEASE

    def _nests(self) -> bool:
        return is_known(POOLS, self.release_version, "PUT")

    async def _pool_index(self, values: Values, user: str) -> list[Values]:
        unknown = [] if self._nests() else [name for name in ("poolid", "type") if name in values]
        if unknown:
            raise param_error(**dict.fromkeys(unknown, UNDEFINED))
        return await self._pools(values, user)

    async def _pool_read(self, values: Values, user: str) -> Values:
        (row,) = await self._pools(values, user)
        return row if self._nests() else {name: value for name, value in row.items() if name != "poolid"}

    async def _pool_create(self, values: Values, user: str) -> None:
        if "/" in values["poolid"] and not self._nests():
            raise param_error(poolid=f"invalid format - pool ID '{values['poolid']}' contains invalid characters\n")
        await super()._pool_create(values, user)

    async def _pools(self, values: Values, user: str) -> list[Values]:
        found: list[Values] = await super()._pool_index(values, user)
        return found
