# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of section: what is read equals what was written, and what PVE refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from lab.api import jobs, mappings, notifications, realms, sdn
from lab.api.fake import pve_schema
from lab.api.sections import REQUEST_ONLY, Section, declared
from lab.api.serving import ServedLab

from .conftest import Client

Values = Mapping[str, Any]
SDN = "/cluster/sdn"
NOTIFICATIONS = "/cluster/notifications"


@dataclass(frozen=True)
class Case:
    """One kind of section: how it is made, changed and named, and what reading shows otherwise than it was written."""

    path: str
    key: str
    name: str
    new: Values
    change: Values
    delete: str
    # Requests that come first.
    first: tuple[tuple[str, Values], ...] = ()
    posts_to_item: bool = False
    shown: Values = field(default_factory=dict)
    secret: frozenset[str] = frozenset()
    # The name of the made section, where it is another one than was given.
    made: str | None = None

    @property
    def item(self) -> str:
        """The path of the section."""
        return f"{self.path}/{self.made or self.name}"

    def expected(self, values: Values) -> dict[str, Any]:
        """What reading shows of values that were written."""
        visible = {name: value for name, value in values.items() if name not in self.secret}
        return visible | {name: value for name, value in self.shown.items() if name in values}


CASES = (
    Case(
        "/cluster/backup",
        "id",
        "nightly",
        {"schedule": "mon..fri 02:30", "all": 1, "storage": "local", "prune-backups": "keep-last=3", "comment": "x"},
        {"mode": "stop", "enabled": 0, "comment": "y"},
        "mode",
        shown={"prune-backups": {"keep-last": "3"}},
    ),
    Case(
        "/cluster/jobs/realm-sync",
        "id",
        "sync1",
        {"schedule": "daily", "realm": "dir", "scope": "users", "comment": "x"},
        {"schedule": "weekly", "comment": "y"},
        "comment",
        first=(("/access/domains", {"realm": "dir", "type": "ldap", "server1": "ldap.lab.internal",
                                    "base_dn": "dc=lab", "user_attr": "uid"}),),
        posts_to_item=True,
    ),
    Case(
        "/access/domains",
        "realm",
        "dir",
        {"type": "ldap", "server1": "ldap.lab.internal", "base_dn": "dc=lab", "user_attr": "uid", "password": "geheim"},
        {"comment": "people", "port": 636, "mode": "ldaps"},
        "comment",
        secret=frozenset({"password"}),
    ),
    Case(
        "/access/domains",
        "realm",
        "login",
        {"type": "openid", "issuer-url": "https://id.lab.internal", "client-id": "pve", "username-claim": "email"},
        {"autocreate": 1, "comment": "x"},
        "comment",
    ),
    Case(
        "/cluster/metrics/server",
        "id",
        "graph",
        {"type": "graphite", "server": "10.99.0.9", "port": 2003, "path": "lab"},
        {"server": "10.99.0.10", "port": 2004, "mtu": 1400},
        "mtu",
        posts_to_item=True,
    ),
    Case(
        "/cluster/metrics/server",
        "id",
        "influx",
        {"type": "influxdb", "server": "10.99.0.9", "port": 8086, "token": "geheim", "influxdbproto": "https"},
        {"server": "10.99.0.9", "port": 8087, "bucket": "lab"},
        "bucket",
        posts_to_item=True,
        secret=frozenset({"token"}),
    ),
    *(
        Case(
            f"/cluster/mapping/{kind}",
            "id",
            "thing",
            {"map": [f"node=father,{where}"], "description": "x"},
            {"map": [f"node=father,{other}"], "description": "y"},
            "description",
        )
        for kind, where, other in (
            ("pci", "path=0000:01:00.0,id=10de:1234", "path=0000:02:00.0,id=10de:1234"),
            ("usb", "id=1050:0407", "id=1050:0408"),
            ("dir", "path=/srv/one", "path=/srv/two"),
        )
    ),
    Case(
        f"{NOTIFICATIONS}/endpoints/sendmail",
        "name",
        "mails",
        {"mailto": ["ops@lab.internal"], "from-address": "pve@lab.internal", "comment": "x"},
        {"author": "lab", "disable": 1},
        "author",
    ),
    Case(
        f"{NOTIFICATIONS}/endpoints/gotify",
        "name",
        "phone",
        {"server": "https://push.lab.internal", "token": "geheim"},
        {"server": "https://push2.lab.internal", "comment": "y"},
        "comment",
        secret=frozenset({"token"}),
    ),
    Case(
        f"{NOTIFICATIONS}/endpoints/smtp",
        "name",
        "relay",
        {"server": "mail.lab.internal", "from-address": "pve@lab.internal", "mailto-user": ["root@pam"],
         "username": "pve", "password": "geheim"},
        {"mode": "starttls", "port": 587},
        "mode",
        secret=frozenset({"password"}),
    ),
    Case(
        f"{NOTIFICATIONS}/endpoints/webhook",
        "name",
        "hook",
        {"method": "post", "url": "https://hook.lab.internal", "secret": ["name=key,value=Z2VoZWlt"]},
        {"method": "put", "comment": "y"},
        "comment",
        shown={"secret": ["name=key"]},
    ),
    Case(
        f"{NOTIFICATIONS}/matchers",
        "name",
        "errors",
        {"match-severity": ["error"], "target": ["mail-to-root"], "comment": "x"},
        {"mode": "any", "match-field": ["exact:type=vzdump"]},
        "match-field",
    ),
    Case(f"{SDN}/zones", "zone", "z1", {"type": "simple", "mtu": 1400}, {"mtu": 1300, "nodes": "father"}, "nodes"),
    Case(f"{SDN}/zones", "zone", "z2", {"type": "vlan", "bridge": "vmbr0"}, {"mtu": 1300}, "mtu"),
    Case(
        f"{SDN}/zones",
        "zone",
        "z3",
        {"type": "evpn", "controller": "c1", "vrf-vxlan": 4000},
        {"advertise-subnets": 1, "exitnodes": "father"},
        "exitnodes",
        first=((f"{SDN}/controllers", {"controller": "c1", "type": "evpn", "asn": 65000, "peers": "10.99.0.9"}),),
    ),
    Case(
        f"{SDN}/vnets",
        "vnet",
        "v1",
        {"zone": "z1", "tag": 20, "alias": "net one"},
        {"tag": 21, "vlanaware": 1},
        "vlanaware",
        first=((f"{SDN}/zones", {"zone": "z1", "type": "vlan", "bridge": "vmbr0"}),),
    ),
    Case(
        f"{SDN}/vnets/v1/subnets",
        "subnet",
        "10.50.0.0/24",
        {"type": "subnet", "gateway": "10.50.0.1", "snat": 1,
         "dhcp-range": ["start-address=10.50.0.10,end-address=10.50.0.20"]},
        {"gateway": "10.50.0.254", "snat": 0},
        "gateway",
        first=(
            (f"{SDN}/zones", {"zone": "z1", "type": "simple"}),
            (f"{SDN}/vnets", {"vnet": "v1", "zone": "z1"}),
        ),
        shown={"dhcp-range": [{"start-address": "10.50.0.10", "end-address": "10.50.0.20"}]},
        made="z1-10.50.0.0-24",
    ),
    Case(
        f"{SDN}/controllers",
        "controller",
        "b1",
        {"type": "bgp", "node": "father", "asn": 65000, "peers": "10.99.0.9"},
        {"ebgp": 1, "asn": 65001},
        "ebgp",
    ),
    Case(
        f"{SDN}/ipams",
        "ipam",
        "box",
        {"type": "netbox", "url": "https://ipam.lab.internal/api", "token": "abc"},
        {"url": "https://ipam2.lab.internal/api"},
        "fingerprint",
    ),
    Case(
        f"{SDN}/dns",
        "dns",
        "power",
        {"type": "powerdns", "url": "https://dns.lab.internal/api", "key": "abc"},
        {"ttl": 60},
        "ttl",
    ),
)  # fmt: skip
cases = pytest.mark.parametrize("case", CASES, ids=[f"{case.path.strip('/')}-{case.name}" for case in CASES])


def make(client: Client, case: Case) -> None:
    """Make a case's section and what it needs."""
    prepare(client, case)
    create(client, case)


def prepare(client: Client, case: Case) -> None:
    """Make what a case's section stands on: a zone for a vnet."""
    for path, values in case.first:
        client.post(path, **values)


def create(client: Client, case: Case) -> None:
    """Make a case's section."""
    if case.posts_to_item:
        client.post(case.item, **case.new)
    else:
        client.post(case.path, **{case.key: case.name, **case.new})


def names(client: Client, case: Case) -> list[str]:
    """Names of the sections in a case's list."""
    return [item[case.key] for item in client.get(case.path)]


def shows(answer: Values, values: Values) -> dict[str, Any]:
    """The part of an answer that is about these values."""
    return {name: answer.get(name) for name in values}


@cases
def test_what_is_read_equals_what_was_written(client: Client, case: Case) -> None:
    prepare(client, case)
    before = names(client, case)
    create(client, case)
    wanted = {name: value for name, value in case.expected(case.new).items() if name != "type"}
    assert shows(client.get(case.item), wanted) == wanted
    assert set(names(client, case)) == {*before, case.made or case.name}

    client.put(case.item, **case.change)
    wanted |= case.expected(case.change)
    assert shows(client.get(case.item), wanted) == wanted

    required = {"schedule", "server", "port", "map"} & set(case.change) - {case.delete}
    client.put(case.item, delete=case.delete, **{name: case.change[name] for name in required})
    assert case.delete not in client.get(case.item)

    client.delete(case.item)
    assert names(client, case) == before


@cases
def test_no_secret_is_ever_told(client: Client, case: Case) -> None:
    make(client, case)
    told = f"{client.get(case.path)} {client.get(case.item)}"
    assert "geheim" not in told
    assert "Z2VoZWlt" not in told


@cases
def test_a_name_is_taken_once(client: Client, case: Case) -> None:
    make(client, case)
    before = client.get(case.item)
    path = case.item if case.posts_to_item else case.path
    values = case.new if case.posts_to_item else {case.key: case.name, **case.new}
    answer = client.ask("POST", path, **values)
    assert answer.status_code in (400, 500)
    assert case.name.replace("/", "-") in answer.json()["message"]
    assert client.get(case.item) == before


# PVE tells no digest of these.
WITHOUT_DIGEST = ("/cluster/backup", "/cluster/jobs/realm-sync", "/cluster/metrics/server")


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.path not in WITHOUT_DIGEST], ids=lambda case: case.path
)
def test_a_change_of_an_older_version_is_refused(client: Client, case: Case) -> None:
    make(client, case)
    digest = client.get(case.item)["digest"]
    client.put(case.item, digest=digest, **case.change)
    answer = client.ask("PUT", case.item, digest=digest, **case.change)
    assert answer.status_code == 500
    assert "detected modified configuration - file changed by other user? Try again." in answer.json()["message"]


@cases
def test_sections_outlive_the_process(client: Client, case: Case) -> None:
    make(client, case)
    before = client.get(case.item)
    api = client.lab.api
    document = api.document()
    api.etc_pve = {}
    assert client.ask("GET", case.item).status_code >= 400
    api.restore(document)
    assert client.get(case.item) == before


MISSING: tuple[tuple[Any, ...], ...] = (
    ("GET", "/cluster/backup/nope", {}, 400, {"id": "No such job 'nope'"}, None),
    ("PUT", "/cluster/backup/nope", {"enabled": 0}, 500, None, "no such vzdump job"),
    ("DELETE", "/cluster/backup/nope", {}, 500, None, "400 Parameter verification failed.\nid: No such job 'nope'"),
    ("GET", "/cluster/replication/100-0", {}, 500, None, "no such replication job '100-0'"),
    ("PUT", "/cluster/replication/100-0", {"rate": 5}, 500, None, "no such job '100-0'"),
    ("GET", "/access/domains/nope", {}, 500, None, "domain 'nope' does not exist"),
    ("PUT", "/access/domains/nope", {"comment": "x"}, 500, None,
     "update auth server failed: domain 'nope' does not exist"),
    ("DELETE", "/access/domains/nope", {}, 500, None,
     "delete auth server failed: authentication domain 'nope' does not exist"),
    ("GET", "/cluster/metrics/server/nope", {}, 500, None, "status server entry 'nope' does not exist"),
    ("GET", "/cluster/mapping/pci/nope", {}, 500, None, "mapping 'nope' not found"),
    ("PUT", "/cluster/mapping/usb/nope", {"map": ["node=father,id=1050:0407"]}, 500, None,
     "update hardware mapping failed: usb ID 'nope' does not exist"),
    ("DELETE", "/cluster/mapping/dir/nope", {}, 200, None, None),
    ("GET", f"{NOTIFICATIONS}/endpoints/smtp/nope", {}, 404, None, "endpoint 'nope' not found"),
    ("DELETE", f"{NOTIFICATIONS}/matchers/nope", {}, 404, None, "matcher 'nope' not found"),
    ("GET", f"{SDN}/zones/nope", {}, 500, None, "sdn 'nope' does not exist"),
    ("DELETE", f"{SDN}/zones/nope", {}, 500, None, "delete sdn zone object failed: sdn 'nope' does not exist"),
    ("GET", f"{SDN}/vnets/nope", {}, 500, None, "sdn vnet 'nope' does not exist"),
)  # fmt: skip


@pytest.mark.parametrize(("method", "path", "values", "status", "errors", "message"), MISSING)
def test_what_is_not_there(  # noqa: PLR0917
    client: Client, method: str, path: str, values: Values, status: int, errors: Values | None, message: str | None
) -> None:
    answer = client.ask(method, path, **values)
    assert answer.status_code == status
    assert answer.json().get("errors") == errors
    if message:
        assert answer.json()["message"] == f"{message}\n"


BACKUP = {"id": "j1", "schedule": "daily", "storage": "local"}
REFUSED = (
    ("/cluster/backup", {**BACKUP}, 500, "400 Parameter verification failed.\nvmid: property is missing"),
    ("/cluster/backup", {**BACKUP, "all": 1, "vmid": "100"}, 500,
     "400 Parameter verification failed.\nall: option conflicts with option 'vmid'"),
    ("/cluster/backup", {**BACKUP, "pool": "nopool"}, 403, "Permission check failed (pool 'nopool' does not exist)"),
    ("/cluster/replication", {"id": "9999-0", "target": "mother", "type": "local"}, 500,
     "Guest '9999' does not exist."),
    (f"{SDN}/zones", {"zone": "z1", "type": "simple", "bridge": "vmbr0"}, 500,
     "create sdn zone object failed: unexpected property 'bridge'"),
    (f"{SDN}/zones", {"zone": "z1", "type": "vlan"}, 500,
     "create sdn zone object failed: missing value for required option 'bridge'"),
    (f"{SDN}/zones", {"zone": "z1", "type": "vxlan"}, 500,
     "create sdn zone object failed: 400 Parameter verification failed.\n"
     "fabric: must have exactly one of peers / fabric defined\npeers: must have exactly one of peers / fabric defined"),
    (f"{SDN}/zones", {"zone": "z1", "type": "evpn", "controller": "nope", "vrf-vxlan": 1}, 500,
     "create sdn zone object failed: controller nope don't exist"),
    (f"{SDN}/zones", {"zone": "z1", "type": "simple", "ipam": "nope"}, 500,
     "create sdn zone object failed: 400 Parameter verification failed.\nipam: nope not existing"),
    (f"{SDN}/vnets", {"vnet": "v1", "zone": "nope"}, 500,
     "create sdn vnet object failed: cannot lookup undefined type!"),
    (f"{NOTIFICATIONS}/endpoints/sendmail", {"name": "mails"}, 400,
     "must at least provide one recipient, either in mailto or in mailto-user"),
    (f"{NOTIFICATIONS}/endpoints/gotify", {"name": "mail-to-root", "server": "https://x", "token": "x"}, 400,
     "Cannot create 'mail-to-root', an entity with the same name already exists"),
    (f"{NOTIFICATIONS}/matchers", {"name": "m1", "target": ["nope"]}, 404, "endpoint 'nope' does not exist"),
    ("/access/domains", {"realm": "x1", "type": "pam"}, 500,
     "add auth server failed: unable to create builtin type 'pam'"),
    ("/access/domains", {"realm": "x1", "type": "ldap", "server1": "a.lab"}, 500,
     "add auth server failed: missing value for required option 'base_dn'"),
    ("/cluster/jobs/realm-sync/s1", {"schedule": "daily", "realm": "nope", "scope": "users"}, 500,
     "400 Parameter verification failed.\nrealm: No such realm 'nope'"),
    ("/cluster/jobs/realm-sync/s1", {"schedule": "daily", "realm": "pve", "scope": "users"}, 500,
     "400 Parameter verification failed.\nrealm: Only LDAP/AD realms can be synced."),
    ("/cluster/jobs/realm-sync/s1", {"schedule": "daily", "realm": "pve"}, 500,
     "missing value for required option 'scope'"),
)  # fmt: skip


@pytest.mark.parametrize(("path", "values", "status", "message"), REFUSED)
def test_what_pve_refuses_leaves_nothing_behind(
    client: Client, path: str, values: Values, status: int, message: str
) -> None:
    before = client.lab.api.document()["api"]
    answer = client.ask("POST", path, **values)
    assert (answer.status_code, answer.json()["message"]) == (status, f"{message}\n")
    after = client.lab.api.document()["api"]
    assert {name: entries for name, entries in after["etc_pve"].items() if entries} == {
        name: entries for name, entries in before["etc_pve"].items() if entries
    }


def test_required_and_unknown_options_are_not_removed(client: Client) -> None:
    client.post(f"{SDN}/zones", zone="z1", type="vlan", bridge="vmbr0")
    for option, words in (
        ("bridge", "unable to delete required option 'bridge'"),
        ("dhcp", "no such option 'dhcp'"),
    ):
        answer = client.ask("PUT", f"{SDN}/zones/z1", delete=option)
        assert answer.json()["message"] == f"update sdn zone object failed: {words}\n"
    answer = client.ask("PUT", f"{SDN}/zones/z1", delete="mtu", mtu=1400)
    assert "cannot set and delete property 'mtu' at the same time!" in answer.json()["message"]


def test_every_declared_section_is_in_the_schema(lab_api: ServedLab) -> None:
    """A table with a path or a method that the API does not have would never be asked."""
    known = {(method, path) for path, methods in pve_schema.load().paths.items() for method in methods}
    assert not {route for route in lab_api.api._table if route not in known}


def test_options_of_types_are_those_of_the_schema() -> None:
    sections: list[Section] = [
        *sdn.SECTIONS, *mappings.MAPPINGS, mappings.METRIC_SERVERS, *notifications.ENDPOINT_SECTIONS,
        notifications.MATCHERS, realms.REALM, jobs.REPLICATIONS,
    ]  # fmt: skip
    for section in sections:
        there = declared(section.item if section.posts_to_item else section.path, "POST")
        for kind, names_of_type in section.types.items():
            assert names_of_type.known <= there, (section.path, kind, names_of_type.known - there)
        options = there - REQUEST_ONLY - {section.key}
        known = set().union(*(names_of_type.known for names_of_type in section.types.values()))
        assert options == known - REQUEST_ONLY
