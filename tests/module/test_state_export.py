"""Export of a server: planned back it changes nothing, and it makes the same server again.

Each area adds its samples to ``SAMPLES``: what makes one of a kind, by the kind's own module.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS

from lab.api import interfaces
from lab.api.release import RELEASE
from lab.api.serving import ServedLab
from lab.api.site_serving import ServedSite
from lab.pytest_plugin import ServeLab

from .conftest import Modules, hurried

Document = dict[str, Any]

PLACEHOLDER = re.compile(r"\$\{secret:([^}]+)\}")
EVERYTHING: Mapping[str, Any] = {"prune": ["all"], "allow_delete": True, "max_delete_percent": 100}


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


CARDS = "".join(f"\niface eno{number} inet manual\n" for number in (2, 3, 4))


class ByPassword(ServedLab):
    """A lab that is reached with root's password: no token may have to do with certificate authorities."""

    def options(self) -> dict[str, Any]:
        """See ServedLab."""
        known = {name: value for name, value in super().options().items() if not name.startswith("token")}
        return {**known, "user": self.user, "password": self.password}


def rooted(lab: ServedLab, capsys: pytest.CaptureFixture[str]) -> Modules:
    """A node with several cards, reached as root."""
    lab.api.node_texts["father"] = {"etc/network/interfaces": interfaces.DEFAULT + CARDS}
    lab.api.open_vswitch = True
    return Modules(hurried(ByPassword(**{item.name: getattr(lab, item.name) for item in fields(lab)})), capsys)


@pytest.fixture
def server(lab_api: ServedLab, capsys: pytest.CaptureFixture[str]) -> Modules:
    """A node of the present release."""
    return rooted(lab_api, capsys)


@pytest.fixture(params=[RELEASE, "8.4"])
def any_server(request: pytest.FixtureRequest, serve_lab_api: ServeLab, capsys: pytest.CaptureFixture[str]) -> Modules:
    """A node of each release that people have."""
    return rooted(serve_lab_api(release=request.param), capsys)


def made(modules: Modules, *samples: Sample) -> None:
    """Have the samples on the server, by their own modules."""
    for sample in samples:
        for name, options in sample.calls:
            modules.ok(name, **options)


def exported(modules: Modules, *only: str) -> Document:
    """The server's document; nothing in it may be missing without a word."""
    found = modules.ok("state_info", only=list(only) or None)
    assert found.get("warnings", []) == []
    document: Document = found["document"]
    json.dumps(document)
    return document


def entries(document: Document, kind: str) -> list[Document]:
    """What a document has of a kind."""
    found: Any = document
    for part in kind.split("."):
        found = found.get(part) or {}
    return [found] if isinstance(found, dict) and found else list(found)


def actions(result: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What is to be done, without what is as it is to be."""
    return [(row["action"], row["kind"], row["id"]) for row in result["actions"] if row["action"] != "no-op"]


def planned(modules: Modules, document: Document, **options: Any) -> list[tuple[str, str, str]]:
    """The plan of a document, without what is as it is to be."""
    result = modules.run("state", check=True, document=document, **options)
    assert not result.get("failed"), result["msg"]
    assert modules.lab.writes() == []
    return actions(result)


def applied(modules: Modules, document: Document, **options: Any) -> list[tuple[str, str, str]]:
    """What was done for a document."""
    return actions(modules.ok("state", document=document, **options))


def left(modules: Modules, sample: Sample) -> list[Mapping[str, Any]]:
    """What is still there of a sample."""
    found = entries(exported(modules, sample.kind), sample.kind)
    return [entry for entry in sample.entries if entry in found]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.kind)
def test_one_of_a_kind(server: Modules, sample: Sample) -> None:
    made(server, sample)
    document = exported(server, sample.kind)
    found = entries(document, sample.kind)
    for entry in sample.entries:
        assert entry in found or any(entry.items() <= other.items() for other in found), found
    assert planned(server, document) == []
    if sample.stays:
        return
    applied(server, {}, **{**EVERYTHING, "prune": [sample.kind]})
    assert left(server, sample) == []
    applied(server, document, secrets=sample.secrets, allow_restart=True)
    assert exported(server, sample.kind) == document


def test_placeholders_name_the_secrets() -> None:
    for sample in SAMPLES:
        named = set(PLACEHOLDER.findall(json.dumps(list(sample.entries))))
        assert named <= set(sample.secrets), sample.kind
        assert sample.kind in KINDS


def test_a_server_with_everything(any_server: Modules) -> None:
    made(any_server, *SAMPLES)
    for vmid in (9000, 9001):  # those of the lab lack what Proxmox VE gives each new VM
        any_server.ok("vm", vmid=vmid, smbios1={"uuid": str(uuid.uuid4())})
    document = exported(any_server)
    assert planned(any_server, document) == []
    assert planned(any_server, document, prune=["all"]) == []
    applied(any_server, {}, **EVERYTHING)
    assert [sample.kind for sample in SAMPLES if not sample.stays and left(any_server, sample)] == []
    secrets = {name: value for sample in SAMPLES for name, value in sample.secrets.items()}
    foreseen = planned(any_server, document, secrets=secrets)
    assert {verb for verb, _kind, _name in foreseen} == {"create", "modify"}
    assert applied(any_server, document, secrets=secrets, allow_restart=True) == foreseen
    again = exported(any_server)
    assert {kind: entries(again, kind) for kind in KINDS} == {kind: entries(document, kind) for kind in KINDS}


def served(lab: ServedLab, capsys: pytest.CaptureFixture[str]) -> Modules:
    """The modules, connected to a lab."""
    return Modules(hurried(lab), capsys)


@pytest.fixture(params=["lab_api", "lab_cluster_api", "lab_8_api", "lab_8_0_api", "lab_nodes_api"])
def any_lab(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[Modules]:
    """The modules, connected to each of the labs there are."""
    lab: ServedLab | ServedSite = request.getfixturevalue(request.param)
    yield served(lab if isinstance(lab, ServedLab) else lab.at("father"), capsys)


def test_planned_back_it_changes_nothing(any_lab: Modules) -> None:
    document = exported(any_lab)
    assert planned(any_lab, document) == []
    assert planned(any_lab, document, prune=["all"]) == []
    assert exported(any_lab) == document


def test_what_the_login_may_not_see_is_named(modules: Modules) -> None:
    limited = modules.limited({"/": ["Sys.Audit"]})
    found = limited.ok("state_info")
    assert "The login has no Datastore.Audit on /storage, so these may be incomplete: storage." in found["warnings"]
    assert "The login has no Mapping.Audit on /mapping, so these may be incomplete: mappings." in found["warnings"]


def test_what_cant_be_read_is_named(modules: Modules) -> None:
    found = modules.limited({"/vms": ["VM.Audit"]}).ok("state_info", only=["options", "backups"])
    assert [text.partition(":")[0] for text in found["warnings"]] == [
        "The login has no Sys.Audit on /, so these may be incomplete",
        "options can't be read, and is left out",
        "backups can't be read, and is left out",
    ]


def test_a_node_that_is_off_is_named(cluster: Modules) -> None:
    cluster.lab.api.inject({"kind": "node", "node": "son", "state": "off"})
    found = cluster.ok("state_info", only=["nodes", "network"])
    assert "Node son is offline: its settings are left out." in found["warnings"]
    assert "Node son is offline: its network is left out." in found["warnings"]
    assert {entry["node"] for entry in found["document"]["nodes"]} == {"father", "mother"}


def test_many_guests_cost_a_request_each(modules: Modules) -> None:
    """Lists are read once for all kinds. What lxc itself is told stands in a container's configuration alone."""
    pools, nodes = 21, 3
    modules.lab.populate(guests=150, nodes=nodes)
    document = modules.ok("state_info")["document"]
    vms, containers = entries(document, "vms"), entries(document, "containers")
    assert (len(vms) + len(containers), len(entries(document, "nodes"))) == (152, nodes)
    needed = len(vms) + 2 * len(containers)
    assert len(modules.lab.requests()) <= needed + 60 + pools + 13 * nodes
    found = modules.ok("state_info", only=["vms", "containers"])["document"]
    assert (found["vms"], found["containers"]) == (vms, containers)
    assert len(modules.lab.requests()) <= needed + 60


def test_a_replication_comes_back(cluster: Modules) -> None:
    job: dict[str, Any] = {"id": "100-0", "target": "mother", "schedule": "*/5", "rate": 100.0, "comment": "warm"}
    cluster.ok("vm", vmid=100, name="web", node="father", state="stopped")
    cluster.ok("replication_job", **job)
    document = exported(cluster, "replication", "vms")
    assert entries(document, "replication") == [job]
    assert planned(cluster, document) == []
    applied(cluster, {}, **{**EVERYTHING, "prune": ["replication", "vms"]})
    assert exported(cluster, "replication", "vms") == {"version": 1}
    applied(cluster, document)
    again = exported(cluster, "replication", "vms")
    assert (entries(again, "replication"), entries(again, "vms")[0]) == ([job], entries(document, "vms")[0])
