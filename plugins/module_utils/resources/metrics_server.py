# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are sent metrics, as data (API schema: ``/cluster/metrics/server/{id}``)."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.codecs import BOOLEAN, INTEGER, within
from ansible_collections.homelab.pve.plugins.module_utils.engine import Field
from ansible_collections.homelab.pve.plugins.module_utils.resources.section import Section

ITEM = "/cluster/metrics/server/{}"

# The connection has a port and a timeout of its own, so the server's are named after it.
FIELDS: tuple[Field, ...] = (
    Field("type", create_only=True, spec={"choices": ["graphite", "influxdb", "opentelemetry"]}),
    Field("server"),
    Field("server_port", within(INTEGER, 1, 65536), wire="port"),
    Field("server_timeout", within(INTEGER, 0), wire="timeout", default=1),
    Field("disable", BOOLEAN, default=False),
    Field("mtu", within(INTEGER, 512, 65536), default=1500),
    # graphite
    Field("proto", spec={"choices": ["udp", "tcp"]}),
    Field("path"),
    # influxdb
    Field("influxdbproto", default="udp", spec={"choices": ["udp", "http", "https"]}),
    Field("organization"),
    Field("bucket"),
    Field("token", secret=True),
    Field("api_path_prefix", wire="api-path-prefix"),
    Field("max_body_size", within(INTEGER, 1), wire="max-body-size", default=25_000_000),
    Field("verify_certificate", BOOLEAN, wire="verify-certificate", default=True),
    # opentelemetry
    Field("otel_protocol", wire="otel-protocol", default="https", spec={"choices": ["http", "https"]}),
    Field("otel_path", wire="otel-path", default="/v1/metrics"),
    Field("otel_timeout", within(INTEGER, 1, 10), wire="otel-timeout", default=5),
    # They may hold what proves who we are, and PVE answers them.
    Field("otel_headers", wire="otel-headers", secret=True, readable=True),
    Field("otel_verify_ssl", BOOLEAN, wire="otel-verify-ssl", default=True),
    Field("otel_max_body_size", within(INTEGER, 1024), wire="otel-max-body-size", default=10_000_000),
    Field("otel_resource_attributes", wire="otel-resource-attributes"),
    Field("otel_compression", wire="otel-compression", default="gzip", spec={"choices": ["none", "gzip"]}),
)

SECTION = Section(
    kind="metrics_server",
    keys=("id",),
    collection=ITEM,
    item=ITEM,
    missing=r"status server entry '.*' does not exist",
    fields=FIELDS,
    required=("type", "server", "server_port"),
    # The schema has them as needed for PUT, too.
    always=("server", "port"),
    options={
        "update_password": {"type": "str", "choices": ["on_create", "always"], "default": "on_create", "no_log": False}
    },
)
METRICS_SERVER = SECTION.resource()
