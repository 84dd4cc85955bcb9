"""One of each kind of thing that a document declares: what makes it by its own module, and how an export says it.

Each area adds its samples to ``SAMPLES``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sample:
    """One of a kind. ``calls``: the modules that make it, and what it needs; ``entries``: what an export has then."""

    kind: str
    calls: Sequence[tuple[str, Mapping[str, Any]]]
    entries: Sequence[Mapping[str, Any]]
    secrets: Mapping[str, Any] = field(default_factory=dict)
    """Values for the placeholders, to make it anew."""

    stays: bool = False
    """Whether it can't be removed."""


NODE = {"node": "father"}
BONDED = {"bond_mode": "802.3ad", "bond_xmit_hash_policy": "layer3+4", "autostart": True}

SAMPLES: tuple[Sample, ...] = (
    Sample(
        "storage",
        [
            (
                "storage",
                {
                    "storage": "extra",
                    "type": "dir",
                    "path": "/srv/extra",
                    "content": ["iso", "backup"],
                    "prune_backups": {"keep-daily": 7},
                },
            )
        ],
        [
            {
                "storage": "extra",
                "type": "dir",
                "path": "/srv/extra",
                "content": ["backup", "iso"],
                "prune_backups": {"keep-daily": 7},
            }
        ],
    ),
    Sample(
        "storage",
        [
            (
                "storage",
                {
                    "storage": "share",
                    "type": "cifs",
                    "server": "192.0.2.5",
                    "share": "pve",
                    "username": "pve",
                    "server_password": "letmein",
                    "content": ["backup"],
                },
            )
        ],
        [
            {
                "storage": "share",
                "type": "cifs",
                "server": "192.0.2.5",
                "share": "pve",
                "username": "pve",
                "server_password": "${secret:storage.share.server_password}",
                "content": ["backup"],
            }
        ],
        {"storage.share.server_password": "letmein"},
    ),
    Sample(
        "pools",
        [
            ("pool", {"poolid": "dev", "comment": "for trying", "storage": ["local"]}),
            ("pool", {"poolid": "dev/web"}),
        ],
        [{"poolid": "dev", "comment": "for trying", "storage": ["local"]}, {"poolid": "dev/web"}],
    ),
    Sample(
        "groups",
        [("group", {"groupid": "operators", "comment": "on call"})],
        [{"groupid": "operators", "comment": "on call"}],
    ),
    Sample(
        "users",
        [
            ("group", {"groupid": "operators"}),
            (
                "user",
                {"userid": "joe@pve", "groups": ["operators"], "email": "joe@example.com", "user_password": "joe12345"},
            ),
        ],
        [
            {
                "userid": "joe@pve",
                "enable": True,
                "expire": 0,
                "email": "joe@example.com",
                "groups": ["operators"],
                "user_password": "${secret:users.joe@pve.user_password}",
            },
        ],
        {"users.joe@pve.user_password": "joe12345"},
    ),
    Sample(
        "roles",
        [("role", {"roleid": "Starter", "privs": ["VM.PowerMgmt", "VM.Audit"]})],
        [{"roleid": "Starter", "privs": ["VM.Audit", "VM.PowerMgmt"]}],
    ),
    Sample(
        "tokens",
        [("api_token", {"userid": "root@pam", "tokenid": "backup", "comment": "for the backups", "privsep": True})],
        [
            {
                "userid": "root@pam",
                "tokenid": "backup",
                "comment": "for the backups",
                "expire": 0,
                "privsep": True,
            }
        ],
    ),
    Sample(
        "acl",
        [
            ("group", {"groupid": "operators"}),
            ("user", {"userid": "joe@pve"}),
            (
                "acl",
                {
                    "path": "/vms",
                    "roles": ["PVEVMUser", "PVEAuditor"],
                    "users": ["joe@pve"],
                    "groups": ["operators"],
                    "propagate": False,
                },
            ),
        ],
        [
            {"path": "/vms", "roles": ["PVEAuditor"], "groups": ["operators"], "propagate": False},
            {"path": "/vms", "roles": ["PVEAuditor"], "users": ["joe@pve"], "propagate": False},
            {"path": "/vms", "roles": ["PVEVMUser"], "groups": ["operators"], "propagate": False},
            {"path": "/vms", "roles": ["PVEVMUser"], "users": ["joe@pve"], "propagate": False},
        ],
        {"users.joe@pve.user_password": "joe12345"},
    ),
    Sample(
        "realms",
        [
            (
                "realm",
                {
                    "realm": "ldap",
                    "type": "ldap",
                    "server1": "ldap.example.com",
                    "base_dn": "dc=example,dc=com",
                    "user_attr": "uid",
                    "bind_dn": "cn=pve",
                    "bind_password": "letmein",
                    "comment": "people",
                },
            )
        ],
        [
            {
                "realm": "ldap",
                "type": "ldap",
                "server1": "ldap.example.com",
                "base_dn": "dc=example,dc=com",
                "user_attr": "uid",
                "bind_dn": "cn=pve",
                "bind_password": "${secret:realms.ldap.bind_password}",
                "comment": "people",
            }
        ],
        {"realms.ldap.bind_password": "letmein"},
    ),
    Sample(
        "realm_sync",
        [
            (
                "realm",
                {
                    "realm": "ldap",
                    "type": "ldap",
                    "server1": "ldap.example.com",
                    "base_dn": "dc=example,dc=com",
                    "user_attr": "uid",
                },
            ),
            (
                "realm_sync_job",
                {
                    "id": "sync",
                    "realm": "ldap",
                    "schedule": "02:30",
                    "scope": "both",
                    "remove_vanished": ["acl", "entry"],
                },
            ),
        ],
        [
            {
                "id": "sync",
                "realm": "ldap",
                "schedule": "02:30",
                "scope": "both",
                "remove_vanished": ["acl", "entry"],
            }
        ],
    ),
    Sample(
        "options",
        [("cluster_options", {"keyboard": "de", "migration": {"type": "insecure"}, "registered_tags": ["prod"]})],
        [{"keyboard": "de", "migration": {"type": "insecure"}, "registered_tags": ["prod"]}],
        stays=True,
    ),
    Sample(
        "nodes",
        [("node", {**NODE, "search": "example.com", "dns1": "192.0.2.53", "timezone": "Europe/Vienna"})],
        [{**NODE, "search": "example.com", "dns1": "192.0.2.53", "timezone": "Europe/Vienna"}],
        stays=True,
    ),
    Sample(
        "network",
        [
            (
                "network_interface",
                {**NODE, "iface": "vmbr1", "type": "bridge", "autostart": True, "cidr": "10.88.0.1/24"},
            ),
            ("network_apply", NODE),
        ],
        [{**NODE, "iface": "vmbr1", "type": "bridge", "autostart": True, "cidr": "10.88.0.1/24"}],
    ),
    Sample(
        "backups",
        [
            (
                "backup_job",
                {
                    "id": "nightly",
                    "schedule": "02:00",
                    "storage": "local",
                    "mode": "snapshot",
                    "all": True,
                    "prune_backups": {"keep-daily": 7, "keep-weekly": 4},
                },
            )
        ],
        [
            {
                "id": "nightly",
                "schedule": "02:00",
                "storage": "local",
                "mode": "snapshot",
                "all": True,
                "prune_backups": {"keep-daily": 7, "keep-weekly": 4},
            }
        ],
    ),
    Sample(
        "mappings",
        [
            ("hardware_mapping", {"type": "usb", "id": "key", "map": [{"node": "father", "id": "1050:0407"}]}),
            ("hardware_mapping", {"type": "dir", "id": "data", "map": [{"node": "father", "path": "/srv"}]}),
        ],
        [
            {"type": "dir", "id": "data", "map": [{"node": "father", "path": "/srv"}]},
            {"type": "usb", "id": "key", "map": [{"node": "father", "id": "1050:0407"}]},
        ],
    ),
    Sample(
        "metrics",
        [
            (
                "metrics_server",
                {
                    "id": "influx",
                    "type": "influxdb",
                    "server": "192.0.2.9",
                    "server_port": 8086,
                    "influxdbproto": "http",
                    "organization": "home",
                    "bucket": "pve",
                    "token": "letmein",
                },
            )
        ],
        [
            {
                "id": "influx",
                "type": "influxdb",
                "server": "192.0.2.9",
                "server_port": 8086,
                "influxdbproto": "http",
                "organization": "home",
                "bucket": "pve",
                "token": "${secret:metrics.influx.token}",
            }
        ],
        {"metrics.influx.token": "letmein"},
    ),
    Sample(
        "notifications.endpoints",
        [
            (
                "notification_endpoint",
                {
                    "type": "webhook",
                    "name": "chat",
                    "url": "https://chat.example.com/hook",
                    "method": "post",
                    "header": {"X-Tag": "home"},
                    "secret": {"token": "letmein"},
                    "body": "{{ message }}",
                },
            ),
            (
                "notification_endpoint",
                {"type": "gotify", "name": "push", "server": "https://push.example.com", "token": "letmein"},
            ),
        ],
        [
            {
                "type": "gotify",
                "name": "push",
                "server": "https://push.example.com",
                "token": "${secret:notifications.endpoints.gotify/push.token}",
            },
            {
                "type": "webhook",
                "name": "chat",
                "url": "https://chat.example.com/hook",
                "method": "post",
                "header": {"X-Tag": "home"},
                "secret": {"token": "${secret:notifications.endpoints.webhook/chat.secret.token}"},
                "body": "{{ message }}",
            },
        ],
        {
            "notifications.endpoints.gotify/push.token": "letmein",
            "notifications.endpoints.webhook/chat.secret.token": "letmein",
        },
    ),
    Sample(
        "notifications.matchers",
        [
            (
                "notification_matcher",
                {"name": "failures", "target": ["mail-to-root"], "match_severity": ["error", "warning"]},
            )
        ],
        [{"name": "failures", "target": ["mail-to-root"], "match_severity": ["error,warning"]}],
    ),
    Sample(
        "acme.plugins",
        [("acme_plugin", {"id": "cloud", "type": "dns", "api": "cf", "data": {"CF_Token": "letmein"}})],
        [
            {
                "id": "cloud",
                "type": "dns",
                "api": "cf",
                "data": {"CF_Token": "${secret:acme.plugins.cloud.data.CF_Token}"},
            }
        ],
        {"acme.plugins.cloud.data.CF_Token": "letmein"},
    ),
    Sample(
        "network",
        [
            ("network_interface", {**NODE, "iface": "bond0", "type": "bond", "slaves": ["eno2", "eno3"], **BONDED}),
            ("network_interface", {**NODE, "iface": "bond0.100", "type": "vlan", "autostart": True}),
            (
                "network_interface",
                {**NODE, "iface": "vmbr5", "type": "bridge", "bridge_ports": ["bond0.100"], "cidr6": "fd00:5::1/64"},
            ),
            (
                "network_interface",
                {**NODE, "iface": "vmbr6", "type": "bridge", "bridge_vlan_aware": True, "bridge_vids": ["2-99"]},
            ),
            ("network_apply", NODE),
        ],
        [
            {**NODE, "iface": "bond0", "type": "bond", "slaves": ["eno2", "eno3"], **BONDED},
            {**NODE, "iface": "bond0.100", "type": "vlan", "autostart": True},
            {**NODE, "iface": "vmbr5", "type": "bridge", "bridge_ports": ["bond0.100"], "cidr6": "fd00:5::1/64"},
            {**NODE, "iface": "vmbr6", "type": "bridge", "bridge_vlan_aware": True, "bridge_vids": ["2-99"]},
        ],
    ),
    Sample(
        "network",
        [
            ("network_interface", {**NODE, "iface": "vmbr7", "type": "OVSBridge", "ovs_ports": ["eno4"]}),
            ("network_interface", {**NODE, "iface": "door", "type": "OVSIntPort", "ovs_bridge": "vmbr7", "ovs_tag": 7}),
            ("network_apply", NODE),
        ],
        [
            {**NODE, "iface": "door", "type": "OVSIntPort", "ovs_bridge": "vmbr7", "ovs_tag": 7},
            {**NODE, "iface": "vmbr7", "type": "OVSBridge", "ovs_ports": ["eno4"]},
        ],
    ),
    Sample(
        "realms",
        [
            (
                "realm",
                {
                    "realm": "sso",
                    "type": "openid",
                    "issuer_url": "https://sso.example.com",
                    "client_id": "pve",
                    "client_key": "letmein",
                    "autocreate": True,
                },
            ),
            ("realm", {"realm": "pve", "comment": "of the house", "tfa": {"type": "oath", "digits": 8}}),
        ],
        [
            {
                "realm": "sso",
                "type": "openid",
                "issuer_url": "https://sso.example.com",
                "client_id": "pve",
                "client_key": "${secret:realms.sso.client_key}",
                "autocreate": True,
            }
        ],
        {"realms.sso.client_key": "letmein"},
    ),
    Sample(
        "metrics",
        [
            (
                "metrics_server",
                {
                    "id": "otel",
                    "type": "opentelemetry",
                    "server": "192.0.2.9",
                    "server_port": 4318,
                    "otel_headers": "e30=",
                },
            ),
            ("metrics_server", {"id": "graph", "type": "graphite", "server": "192.0.2.8", "server_port": 2003}),
        ],
        [
            {
                "id": "otel",
                "type": "opentelemetry",
                "server": "192.0.2.9",
                "server_port": 4318,
                "otel_headers": "${secret:metrics.otel.otel_headers}",
            },
            {"id": "graph", "type": "graphite", "server": "192.0.2.8", "server_port": 2003},
        ],
        {"metrics.otel.otel_headers": "e30="},
    ),
    Sample(
        "notifications.endpoints",
        [
            (
                "notification_endpoint",
                {
                    "type": "smtp",
                    "name": "mail",
                    "server": "mail.example.com",
                    "from_address": "pve@example.com",
                    "mailto": ["ops@example.com"],
                    "username": "pve",
                    "server_password": "letmein",
                    "disable": True,
                },
            )
        ],
        [
            {
                "type": "smtp",
                "name": "mail",
                "server": "mail.example.com",
                "from_address": "pve@example.com",
                "mailto": ["ops@example.com"],
                "username": "pve",
                "server_password": "${secret:notifications.endpoints.smtp/mail.server_password}",
                "disable": True,
            }
        ],
        {"notifications.endpoints.smtp/mail.server_password": "letmein"},
    ),
    Sample(
        "acme.accounts",
        [("acme_account", {"name": "default", "contact": ["ops@example.com"]})],
        [{"name": "default", "contact": ["ops@example.com"]}],
    ),
    Sample(
        "nodes",
        [
            ("acme_account", {"name": "default", "contact": ["ops@example.com"]}),
            ("acme_plugin", {"id": "cloud", "type": "dns", "api": "cf", "data": {"CF_Token": "letmein"}}),
            (
                "node",
                {
                    **NODE,
                    "description": "# father",
                    "acme": {"account": "default"},
                    "acmedomain0": {"domain": "father.example.com", "plugin": "cloud"},
                    "repositories": [{"handle": "no-subscription"}],
                },
            ),
        ],
        [{**NODE, "description": "# father", "acmedomain0": {"domain": "father.example.com", "plugin": "cloud"}}],
        stays=True,
    ),
    Sample(
        "backups",
        [
            ("pool", {"poolid": "prod"}),
            (
                "backup_job",
                {
                    "id": "weekly",
                    "schedule": "sun 03:00",
                    "storage": "local",
                    "pool": "prod",
                    "enabled": False,
                    "fleecing": {"enabled": True, "storage": "local"},
                },
            ),
            ("backup_job", {"id": "two", "schedule": "04:00", "storage": "local", "vmid": [9000, 9001]}),
        ],
        [
            {
                "id": "weekly",
                "schedule": "sun 03:00",
                "storage": "local",
                "pool": "prod",
                "enabled": False,
                "fleecing": {"enabled": True, "storage": "local"},
            },
            {"id": "two", "schedule": "04:00", "storage": "local", "vmid": [9000, 9001]},
        ],
    ),
)
