#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module metrics_server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: metrics_server
short_description: Declare a server that Proxmox VE sends metrics to
version_added: 0.2.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Makes, changes and removes a metric server. What is not set is not managed; an empty value removes what is there.
  - The options have Proxmox VE's own names, with underscores. The server's port and timeout are O(server_port) and
    O(server_timeout), because the connection has options of these names.
  - Proxmox VE connects to the server when it is made or changed, unless O(disable) is set; it refuses one that does not
    answer over TCP or HTTP.
  - Needs the privileges C(Sys.Audit) and C(Sys.Modify) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  id:
    description: Id of the metric server.
    type: str
    required: true
  state:
    description: Whether it is to be there.
    type: str
    choices: [present, absent]
    default: present
  type:
    description: Kind of server. Needed to create it; can't be changed.
    type: str
    choices: [graphite, influxdb, opentelemetry]
  server:
    description: Name or address of the server. Needed to create it.
    type: str
  server_port:
    description: Port of the server. Needed to create it.
    type: int
  server_timeout:
    description: Seconds a TCP or HTTP connection may take (graphite, influxdb).
    type: int
  disable:
    description: Whether nothing is sent.
    type: bool
  mtu:
    description: Largest packet for UDP in bytes, 512 to 65536 (graphite, influxdb).
    type: int
  proto:
    description: Protocol of graphite.
    type: str
    choices: [udp, tcp]
  path:
    description: Root path of the metrics in graphite.
    type: str
  influxdbproto:
    description: Protocol of InfluxDB.
    type: str
    choices: [udp, http, https]
  organization:
    description: Organization in InfluxDB, for HTTP.
    type: str
  bucket:
    description: Bucket or database in InfluxDB, for HTTP.
    type: str
  token:
    description: Token for InfluxDB. Proxmox VE doesn't give it back; see O(update_password).
    type: str
  update_password:
    description:
      - V(on_create) sets O(token) only when the server is made; V(always) sets it every time, which always counts as a
        change.
    type: str
    choices: [on_create, always]
    default: on_create
  api_path_prefix:
    description: What comes between the host and the path of InfluxDB's API.
    type: str
  max_body_size:
    description: Largest body sent to InfluxDB in bytes.
    type: int
  verify_certificate:
    description: Whether InfluxDB's certificate is verified.
    type: bool
  otel_protocol:
    description: Protocol of OpenTelemetry.
    type: str
    choices: [http, https]
  otel_path:
    description: Path of OpenTelemetry's endpoint.
    type: str
  otel_timeout:
    description: Seconds a request to OpenTelemetry may take, 1 to 10.
    type: int
  otel_headers:
    description: Further headers for OpenTelemetry, as base64 of JSON. They are hidden, but compared.
    type: str
  otel_verify_ssl:
    description: Whether OpenTelemetry's certificate is verified.
    type: bool
  otel_max_body_size:
    description: Largest body sent to OpenTelemetry in bytes.
    type: int
  otel_resource_attributes:
    description: Further resource attributes for OpenTelemetry, as base64 of JSON.
    type: str
  otel_compression:
    description: How bodies for OpenTelemetry are compressed.
    type: str
    choices: ["none", gzip]
"""

EXAMPLES = r"""
- name: Send metrics to InfluxDB
  homelab.pve.metrics_server:
    id: influx
    type: influxdb
    server: 192.0.2.20
    server_port: 8086
    influxdbproto: https
    organization: home
    bucket: proxmox
    token: "{{ influx_token | default('a-token') }}"

- name: Stop that for now
  homelab.pve.metrics_server:
    id: influx
    disable: true

- name: Remove it
  homelab.pve.metrics_server:
    id: influx
    state: absent
"""

RETURN = r"""
metrics_server:
  description: The server, without its token. Options are named as this module's.
  type: dict
  returned: when it is there
  sample: {type: influxdb, server: 192.0.2.20, server_port: 8086, bucket: proxmox}
plan:
  description: The steps, in words. Without steps, the reason why there are none.
  type: list
  elements: str
  returned: success
  sample: ["set disable of metrics_server influx"]
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import run
from ansible_collections.homelab.pve.plugins.module_utils.resources.metrics_server import METRICS_SERVER


def main() -> None:
    """Entry point."""
    run(METRICS_SERVER)


if __name__ == "__main__":
    main()
