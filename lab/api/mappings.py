# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hardware mappings (PVE/API2/Cluster/Mapping) and servers that are sent metrics (PVE/API2/Cluster/MetricServer.pm).

The lab has no hardware: a mapping is not compared with a device, and nothing is sent to a server.
"""

from __future__ import annotations

from lab.api.fake import Call, Route, Values
from lab.api.sections import Guard, Says, Section, SectionArea, Type, Words

SEES_MAPPING = ("Mapping.Modify", "Mapping.Use", "Mapping.Audit")
# Options of a mapping beside the devices, which it needs.
MAPPING_OPTIONS = {"pci": "description mdev live-migration-capable", "usb": "description", "dir": "description"}


def mapping(kind: str) -> Section:
    """The section of one kind of hardware."""
    return Section(
        path=f"/cluster/mapping/{kind}",
        key="id",
        file=f"mapping/{kind}.cfg",
        type=kind,
        types={kind: Type(required="map", optional=MAPPING_OPTIONS[kind])},
        words=Words(
            exists=Says(f"{kind} ID '{{0}}' already defined"),
            missing=Says("mapping '{0}' not found"),
            update_missing=Says(f"{kind} ID '{{0}}' does not exist"),
            creating="create hardware mapping failed: ",
            updating="update hardware mapping failed: ",
        ),
        list_has_digest=True,
        item_has_key=False,
        reads=Guard(f"/mapping/{kind}/{{id}}", SEES_MAPPING),
    )


MAPPINGS = tuple(mapping(kind) for kind in MAPPING_OPTIONS)
METRIC_SERVERS = Section(
    path="/cluster/metrics/server",
    key="id",
    file="status.cfg",
    posts_to_item=True,
    types={
        "graphite": Type(required="server", optional="port mtu proto timeout path disable"),
        "influxdb": Type(
            required="server port",
            optional="mtu disable organization bucket token influxdbproto timeout max-body-size api-path-prefix "
            "verify-certificate",
        ),
        "opentelemetry": Type(
            required="server",
            optional="port disable otel-protocol otel-path otel-timeout otel-headers otel-verify-ssl "
            "otel-max-body-size otel-resource-attributes otel-compression",
        ),
    },
    words=Words(
        exists=Says("Metric server '{0}' already exists"),
        missing=Says("status server entry '{0}' does not exist"),
        update_missing=Says("no such server '{0}'"),
        delete_missing=Says("cannot lookup undefined type!"),
    ),
    secrets=frozenset({"token"}),
    listed=("id", "disable", "type", "server", "port"),
    item_has_digest=False,
    item_has_key=False,
)


class MappingArea(SectionArea):
    """Mixin: ``/cluster/mapping``, ``/cluster/metrics/server``."""

    def routes(self) -> list[Route]:
        """Both kinds of section."""
        return self.section_routes(*MAPPINGS, METRIC_SERVERS)

    def _list_view(self, section: Section, name: str, entry: Values) -> Values:
        """Whether a server is disabled is always said; a check of a mapping finds nothing wrong."""
        shown = {"disable": 0} if section is METRIC_SERVERS else {}
        return shown | super()._list_view(section, name, entry)

    async def _list_sections(self, section: Section, call: Call) -> list[Values]:
        found = await super()._list_sections(section, call)
        checks = "errors" if section.type == "usb" else "checks"
        return [{checks: [], **entry} for entry in found] if call.get("check-node") else found
