# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options, jobs, SDN, notifications, services and settings of nodes, beyond that they are kept."""

from __future__ import annotations

from typing import Any

import pytest

from lab.api import calendar_event
from lab.api.calendar_event import CalendarEventError
from lab.api.directory import Entry, Token, User
from lab.api.sdn import pending_view
from lab.api.serving import ServedLab

from .conftest import Client, client_of

SDN = "/cluster/sdn"
# Friday, 2026-11-20 12:05:01 UTC.
FRIDAY_NOON = 1795176301

# ----------------------------------------------------------- calendar events


@pytest.mark.parametrize(
    ("event", "following"),
    [
        ("mon..fri 02:30", "2026-11-23 02:30:00"),
        ("sat 03:00", "2026-11-21 03:00:00"),
        ("sun,mon 1", None),
        ("daily", "2026-11-21 00:00:00"),
        ("hourly", "2026-11-20 13:00:00"),
        ("monthly", "2026-12-01 00:00:00"),
        ("yearly", "2027-01-01 00:00:00"),
        ("*/30", "2026-11-20 12:30:00"),
        ("0..5:00", "2026-11-21 00:00:00"),
        ("fri 12..13:5/20", "2026-11-20 12:25:00"),
        ("2027-01-01", "2027-01-01 00:00:00"),
        ("*-2-29 6:0:30", "2028-02-29 06:00:30"),
        ("12:05:02", "2026-11-20 12:05:02"),
    ],
)
def test_a_calendar_event_comes_next(event: str, following: str | None) -> None:
    import datetime  # noqa: PLC0415

    moment = calendar_event.parse(event).after(FRIDAY_NOON)
    assert moment is not None
    if following:
        shown = datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
        assert shown == following


def test_a_date_that_never_comes_has_no_next_event() -> None:
    assert calendar_event.parse("*-2-30").after(FRIDAY_NOON) is None


@pytest.mark.parametrize(
    "text", ["", "nonsense", "fri..mon 1:0", "25:00", "mon mon", "1:2:3:4", "5..1:0", "*/0", "2-3-4-5"]
)
def test_what_is_no_calendar_event(text: str) -> None:
    with pytest.raises(CalendarEventError) as caught:
        calendar_event.parse(text)
    assert str(caught.value) == f"invalid calendar event '{text}' - unable to parse calendar event at '{text}'\n"


# ------------------------------------------------------------------- options


def test_options_are_objects_when_they_are_read(client: Client) -> None:
    client.put("/cluster/options", migration="insecure,network=10.0.0.0/24", description="a\nb", keyboard="de")
    shown = client.get("/cluster/options")
    assert shown["migration"] == {"type": "insecure", "network": "10.0.0.0/24"}
    assert (shown["description"], shown["keyboard"], shown["mac_prefix"]) == ("a\nb\n", "de", "BC:24:11")
    client.put("/cluster/options", delete="migration,description,keyboard")
    shown = client.get("/cluster/options")
    assert {name for name in shown if name != "allowed-tags"} == {"description", "mac_prefix"}


def test_tags_in_use_and_registered_ones_are_allowed(client: Client) -> None:
    before = client.get("/cluster/options")["allowed-tags"]
    client.run("POST", "/nodes/father/qemu", vmid=100, tags="web;db")
    client.put("/cluster/options", **{"registered-tags": "backup"})
    assert client.get("/cluster/options")["allowed-tags"] == sorted({"backup", "db", "web", *before})
    client.put("/cluster/options", **{"user-tag-access": "user-allow=none"})
    assert client.get("/cluster/options")["allowed-tags"] == ["backup"]


def test_the_next_id_is_in_the_range_of_the_options(client: Client) -> None:
    client.put("/cluster/options", **{"next-id": "lower=300,upper=302"})
    assert client.get("/cluster/nextid") == "300"
    for vmid in (300, 301):
        client.run("POST", "/nodes/father/qemu", vmid=vmid)
    answer = client.ask("GET", "/cluster/nextid")
    assert answer.json()["message"] == "unable to get any free VMID in range [300, 302]\n"
    answer = client.ask("GET", "/cluster/nextid", vmid=300)
    assert answer.json()["errors"] == {"vmid": "VM 300 already exists"}


# ---------------------------------------------------------------------- jobs


def test_a_backup_job_without_an_id_gets_one(client: Client) -> None:
    client.post("/cluster/backup", starttime="03:00", dow="sat", all=1, storage="local")
    (job,) = client.get("/cluster/backup")
    assert (len(job["id"]), job["schedule"], job["enabled"], job["type"]) == (36, "sat 03:00", 1, "vzdump")
    assert job["next-run"] > 0


def test_a_selection_replaces_the_other(client: Client) -> None:
    client.post("/cluster/backup", id="j1", schedule="daily", vmid="100,101", storage="local")
    client.put("/cluster/backup/j1", all=1)
    assert "vmid" not in client.get("/cluster/backup/j1")
    client.put("/cluster/backup/j1", vmid="100")
    assert "all" not in client.get("/cluster/backup/j1")
    answer = client.ask("PUT", "/cluster/backup/j1", delete="vmid")
    assert answer.json()["message"] == "400 Parameter verification failed.\nvmid: property is missing\n"
    assert client.get("/cluster/backup/j1")["vmid"] == "100"


def test_a_job_tells_what_it_holds_and_the_rest_is_not_backed_up(client: Client) -> None:
    client.run("POST", "/nodes/father/qemu", vmid=100, name="web", scsi0="local-lvm:1", scsi1="local-lvm:1,backup=0")
    client.run("POST", "/nodes/father/qemu", vmid=101, name="db")
    client.post("/cluster/backup", id="j1", schedule="daily", vmid="100,999", storage="local")
    shown = client.get("/cluster/backup/j1/included_volumes")["children"]
    web, gone = shown
    assert gone == {"id": 999, "type": "unknown", "leaf": 1}
    assert (web["name"], web["type"], web["leaf"]) == ("web", "qemu", 0)
    volumes = {volume["id"]: (volume["included"], volume["reason"]) for volume in web["children"]}
    assert volumes == {"100:scsi0": (1, "backup=yes"), "100:scsi1": (0, "backup=no")}
    unsaved = {guest["vmid"] for guest in client.get("/cluster/backup-info/not-backed-up")}
    assert 101 in unsaved
    assert 100 not in unsaved


def test_only_root_sets_scripts(client: Client) -> None:
    values = {"id": "j1", "schedule": "daily", "all": 1, "script": "/root/hook"}
    assert client.ask("POST", "/cluster/backup", **values).json()["errors"] == {
        "script": "Only root may set this option."
    }


def test_a_replication_goes_to_another_node(client: Client) -> None:
    client.run("POST", "/nodes/father/qemu", vmid=100)
    values = {"id": "100-0", "type": "local", "target": "father"}
    answer = client.ask("POST", "/cluster/replication", **values)
    assert answer.json()["message"] == "Source and target must not be identical\n"
    client.lab.api.nodes["mother"] = {"online": True}
    client.post("/cluster/replication", **values | {"target": "mother", "schedule": "*/5"})
    shown = client.get("/cluster/replication/100-0")
    assert (shown["source"], shown["target"], shown["guest"], shown["jobnum"]) == ("father", "mother", 100, 0)
    answer = client.ask("POST", "/cluster/replication", **values | {"id": "100-1", "target": "mother"})
    assert answer.json()["message"] == "replication job for guest '100' to target 'local/mother' already exists\n"
    answer = client.ask("PUT", "/cluster/replication/100-0", delete="target")
    assert answer.json()["message"] == "unable to delete fixed option 'target'\n"
    client.delete("/cluster/replication/100-0")
    assert client.get("/cluster/replication/100-0")["remove_job"] == "full"
    client.lab.clock.forward(60)
    assert client.get("/cluster/replication") == []


@pytest.mark.parametrize(("how", "left"), [({"keep": 1}, ["local"]), ({"force": 1}, [])])
def test_how_a_replication_goes(client: Client, how: dict[str, int], left: list[str]) -> None:
    client.run("POST", "/nodes/father/qemu", vmid=100)
    client.lab.api.nodes["mother"] = {"online": True}
    client.post("/cluster/replication", id="100-0", type="local", target="mother")
    client.delete("/cluster/replication/100-0", **how)
    assert [job["remove_job"] for job in client.get("/cluster/replication")] == left


# ----------------------------------------------------------------------- sdn


@pytest.fixture
def zoned(client: Client) -> Client:
    """A client, with a zone and a vnet that are not applied."""
    client.post(f"{SDN}/zones", zone="z1", type="vlan", bridge="vmbr0")
    client.post(f"{SDN}/vnets", vnet="v1", zone="z1", tag=20)
    return client


def test_what_is_edited_runs_once_it_is_applied(zoned: Client) -> None:
    (vnet,) = zoned.get(f"{SDN}/vnets", pending=1)
    assert (vnet["state"], vnet["pending"], vnet["digest"]) == ("new", {"zone": "z1", "tag": 20}, None)
    assert zoned.get(f"{SDN}/vnets", running=1) == []
    assert zoned.run("PUT", SDN) == "OK"
    assert zoned.get(f"{SDN}/vnets", running=1)[0]["tag"] == 20
    assert "state" not in zoned.get(f"{SDN}/vnets", pending=1)[0]
    zoned.put(f"{SDN}/vnets/v1", tag=21)
    (vnet,) = zoned.get(f"{SDN}/vnets", pending=1)
    assert (vnet["state"], vnet["tag"], vnet["pending"]) == ("changed", 20, {"tag": 21})
    zoned.delete(f"{SDN}/vnets/v1")
    assert zoned.get(f"{SDN}/vnets", pending=1)[0]["state"] == "deleted"


def test_a_roll_back_takes_the_running_configuration(zoned: Client) -> None:
    zoned.run("PUT", SDN)
    zoned.put(f"{SDN}/vnets/v1", tag=21)
    zoned.post(f"{SDN}/rollback")
    assert zoned.get(f"{SDN}/vnets/v1")["tag"] == 20


@pytest.mark.parametrize(
    ("running", "edited", "expected"),
    [
        ({}, {"a": {"type": "simple", "mtu": 1}}, {"type": "simple", "state": "new", "pending": {"mtu": 1}}),
        ({"a": {"mtu": 1}}, {}, {"mtu": 1, "state": "deleted", "pending": {}}),
        ({"a": {"mtu": 1}}, {"a": {}}, {"mtu": 1, "state": "changed", "pending": {"mtu": "deleted"}}),
        ({"a": {"mtu": 1}}, {"a": {"mtu": 1}}, {"mtu": 1}),
    ],
)
def test_a_pending_view(running: dict[str, Any], edited: dict[str, Any], expected: dict[str, Any]) -> None:
    assert pending_view(running, edited) == {"a": expected}


def test_a_vnet_is_a_bridge_once_it_is_applied(zoned: Client) -> None:
    zoned.run("POST", "/nodes/father/qemu", vmid=100, net0="virtio,bridge=v1")
    assert zoned.run("POST", "/nodes/father/qemu/100/status/start") == "bridge 'v1' does not exist"
    zoned.run("PUT", SDN)
    assert zoned.run("POST", "/nodes/father/qemu/100/status/start") == "OK"


@pytest.mark.parametrize(
    ("zone", "vnet", "message"),
    [
        ({"type": "simple"}, {"tag": 5}, "tag: vlan tag is not allowed on simple zone"),
        ({"type": "vlan", "bridge": "vmbr0"}, {}, "tag: missing vlan tag"),
        ({"type": "vlan", "bridge": "vmbr0"}, {"tag": 5000}, "tag: vlan tag max value is 4096"),
        ({"type": "vxlan", "peers": "10.0.0.1"}, {}, "tag: missing vxlan tag"),
    ],
)
def test_a_vnet_fits_its_zone(client: Client, zone: dict[str, Any], vnet: dict[str, Any], message: str) -> None:
    client.post(f"{SDN}/zones", zone="z9", **zone)
    answer = client.ask("POST", f"{SDN}/vnets", vnet="v9", zone="z9", **vnet)
    prefix = "create sdn vnet object failed: 400 Parameter verification failed."
    assert answer.json()["message"] == f"{prefix}\n{message}\n"


def test_a_tag_is_there_once(zoned: Client) -> None:
    answer = zoned.ask("POST", f"{SDN}/vnets", vnet="v2", zone="z1", tag=20)
    assert "tag: tag 20 already exist in vnet v1" in answer.json()["message"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"gateway": "10.51.0.1"}, "gateway: 10.51.0.1 is not in subnet 10.50.0.0/24"),
        (
            {"dhcp-range": "start-address=10.50.0.9,end-address=10.50.1.9"},
            "dhcp-range: end-address 10.50.1.9 is not in subnet 10.50.0.0/24",
        ),
        (
            {"dhcp-range": "start-address=10.50.0.9,end-address=10.50.0.8"},
            "dhcp-range: start-address 10.50.0.9 must be smaller than end-address 10.50.0.8",
        ),
    ],
)
def test_addresses_are_inside_of_their_subnet(zoned: Client, values: dict[str, str], message: str) -> None:
    answer = zoned.ask("POST", f"{SDN}/vnets/v1/subnets", subnet="10.50.0.0/24", type="subnet", **values)
    prefix = "create sdn subnet object failed: 400 Parameter verification failed."
    assert answer.json()["message"] == f"{prefix}\n{message}\n"


@pytest.mark.parametrize(
    ("subnet", "range_", "errors"),
    [
        ("z1-10.0.0.0-24", "", {"subnet": "invalid format - value does not look like a valid CIDR network\n"}),
        (
            "10.0.0.0/24",
            "start-address=10.0.0.1",
            {
                "dhcp-range[0]": "invalid format - format error\n"
                "dhcp-range[0].end-address: property is missing and it is not optional\n"
            },
        ),
        ("10.0.0.0/24", "start-address=10.0.0.1,end-address=x", None),
    ],
)
def test_what_is_no_network_or_range(zoned: Client, subnet: str, range_: str, errors: dict[str, str] | None) -> None:
    values = {"dhcp-range": range_} if range_ else {}
    answer = zoned.ask("POST", f"{SDN}/vnets/v1/subnets", subnet=subnet, type="subnet", **values).json()
    assert answer.get("errors") == errors
    if errors is None:
        prefix = "create sdn subnet object failed: 400 Parameter verification failed."
        assert answer["message"] == f"{prefix}\ndhcp-range: end-address is not a valid IP x\n"


def test_a_lock_lets_its_holder_alone_edit(zoned: Client) -> None:
    answer = zoned.ask("POST", f"{SDN}/lock")
    assert answer.json()["message"] == "could not acquire lock for SDN config: configuration has pending changes\n"
    token = zoned.post(f"{SDN}/lock", **{"allow-pending": 1})
    answer = zoned.ask("PUT", f"{SDN}/vnets/v1", tag=21)
    assert answer.json()["message"] == "update sdn vnet object failed: invalid lock token provided!\n"
    zoned.put(f"{SDN}/vnets/v1", tag=21, **{"lock-token": token})
    assert zoned.run("PUT", SDN, **{"lock-token": token}) == "OK"
    zoned.put(f"{SDN}/vnets/v1", tag=22)


def test_objects_in_use_stay(zoned: Client) -> None:
    zoned.post(f"{SDN}/vnets/v1/subnets", subnet="10.50.0.0/24", type="subnet")
    assert "zone z1 is used by vnet v1" in zoned.ask("DELETE", f"{SDN}/zones/z1").json()["message"]
    assert "Can't delete vnet if subnets exists" in zoned.ask("DELETE", f"{SDN}/vnets/v1").json()["message"]


def test_the_firewall_of_a_vnet(zoned: Client) -> None:
    path = f"{SDN}/vnets/v1/firewall"
    zoned.put(f"{path}/options", enable=1, policy_forward="DROP")
    options = zoned.get(f"{path}/options")
    assert (options["enable"], options["policy_forward"]) == (1, "DROP")
    zoned.post(f"{path}/rules", type="forward", action="ACCEPT", proto="tcp", dport="22", enable=1)
    answer = zoned.ask("POST", f"{path}/rules", type="in", action="ACCEPT")
    assert answer.json()["errors"] == {"type": "invalid rule type 'in' for rule_env 'vnet'"}
    (rule,) = zoned.get(f"{path}/rules")
    assert (rule["dport"], rule["pos"]) == ("22", 0)
    assert zoned.get(f"{path}/rules/0")["pos"] == "0"
    zoned.delete(f"{path}/rules/0")
    assert zoned.get(f"{path}/rules") == []


# ------------------------------------------------------------- notifications


def test_what_pve_brings_itself_is_as_it_was_once_it_is_deleted(client: Client) -> None:
    targets = "/cluster/notifications/targets"
    assert client.get(targets) == [
        {
            "name": "mail-to-root",
            "type": "sendmail",
            "comment": "Send mails to root@pam's email address",
            "origin": "builtin",
        }
    ]
    endpoint = "/cluster/notifications/endpoints/sendmail/mail-to-root"
    client.put(endpoint, comment="changed")
    assert client.get(targets)[0]["origin"] == "modified-builtin"
    client.delete(endpoint)
    assert client.get(targets)[0]["origin"] == "builtin"


def test_an_endpoint_of_a_matcher_stays(client: Client) -> None:
    path = "/cluster/notifications"
    client.post(f"{path}/endpoints/gotify", name="phone", server="https://push.lab.internal", token="x")
    client.post(f"{path}/matchers", name="all", target="phone")
    answer = client.ask("DELETE", f"{path}/endpoints/gotify/phone")
    assert (answer.status_code, answer.json()["message"]) == (400, "cannot delete 'phone', referenced by: all\n")


# --------------------------------------------------------------------- nodes

NODE = "/nodes/father"


def test_settings_of_a_node_are_kept(client: Client) -> None:
    client.put(f"{NODE}/config", description="notes", wakeonlan="BC:24:11:00:00:01")
    shown = client.get(f"{NODE}/config")
    assert (shown["description"], shown["wakeonlan"]) == ("notes\n", "BC:24:11:00:00:01")
    assert client.get(f"{NODE}/config", property="description") == {"description": "notes\n"}
    answer = client.ask("PUT", f"{NODE}/config", description="x", digest="0" * 40)
    assert answer.status_code == 500
    client.put(f"{NODE}/config", delete="description,wakeonlan")
    assert client.get(f"{NODE}/config") == {}

    client.put(f"{NODE}/dns", search="example.org", dns1="10.0.0.1", dns2="10.0.0.2")
    assert client.get(f"{NODE}/dns") == {"search": "example.org", "dns1": "10.0.0.1", "dns2": "10.0.0.2"}

    hosts = client.get(f"{NODE}/hosts")
    client.post(f"{NODE}/hosts", data="127.0.0.1 localhost\n", digest=hosts["digest"])
    assert client.get(f"{NODE}/hosts")["data"] == "127.0.0.1 localhost\n"
    assert client.ask("POST", f"{NODE}/hosts", data="x", digest=hosts["digest"]).status_code == 500

    client.put(f"{NODE}/time", timezone="Europe/Vienna")
    shown = client.get(f"{NODE}/time")
    assert shown["timezone"] == "Europe/Vienna"
    assert shown["localtime"] - shown["time"] in (3600, 7200)


def test_services_stop_and_start(client: Client) -> None:
    cron = f"{NODE}/services/cron"
    assert client.run("POST", f"{cron}/stop") == "OK"
    assert client.get(f"{cron}/state")["state"] == "dead"
    assert client.run("POST", f"{cron}/start") == "OK"
    assert client.get(f"{cron}/state")["active-state"] == "active"
    answer = client.ask("POST", f"{NODE}/services/pveproxy/stop")
    assert answer.json()["message"] == ("invalid service cmd 'pveproxy stop': refusing to stop essential service!\n")


def test_the_certificate_is_the_one_that_is_served(client: Client) -> None:
    root, certificate = client.get(f"{NODE}/certificates/info")
    assert (root["filename"], root["san"], root["subject"]) == ("pve-root-ca.pem", [], certificate["issuer"])
    assert certificate["fingerprint"] == client.get("/nodes")[0]["ssl_fingerprint"]
    assert certificate["pem"].startswith("-----BEGIN CERTIFICATE-----")
    assert "127.0.0.1" in certificate["san"]


# --------------------------------------------------------------- permissions


@pytest.fixture
def limited(lab_api: ServedLab) -> Client:
    """A client whose token may do nothing; tests grant it roles."""
    lab_api.api.directory.users["dev@pve"] = User(tokens={"t": Token("secret", privsep=0)})
    return client_of(ServedLab(lab_api.served, lab_api.ca_path, "dev@pve!t", "secret", ""))


def grant(client: Client, path: str, *privileges: str) -> None:
    """Give the limited client these privileges at a path."""
    role = f"at-{path.replace('/', '-')}"
    client.lab.api.directory.roles[role] = list(privileges)
    client.lab.api.directory.set_entry(Entry(path, "user", "dev@pve", role))


def test_lists_hide_what_one_may_not_see(limited: Client) -> None:
    entries = {"z1": {"type": "simple"}, "z2": {"type": "simple"}}
    limited.lab.api.etc_pve["sdn/zones.cfg"] = entries
    assert limited.get(f"{SDN}/zones") == []
    grant(limited, "/sdn/zones/z2", "SDN.Audit")
    assert [zone["zone"] for zone in limited.get(f"{SDN}/zones")] == ["z2"]


def test_vnets_are_guarded_below_their_zone(limited: Client) -> None:
    limited.lab.api.etc_pve |= {
        "sdn/zones.cfg": {"z1": {"type": "simple"}},
        "sdn/vnets.cfg": {"v1": {"type": "vnet", "zone": "z1"}},
    }
    answer = limited.ask("GET", f"{SDN}/vnets/v1")
    assert (answer.status_code, answer.json()["message"]) == (
        403,
        "Permission check failed (/sdn/zones/z1/v1, SDN.Audit|SDN.Allocate)\n",
    )
    grant(limited, "/sdn/zones/z1", "SDN.Audit")
    assert limited.get(f"{SDN}/vnets/v1")["zone"] == "z1"
    answer = limited.ask("PUT", f"{SDN}/vnets/v1", alias="x")
    assert answer.json()["message"] == "Permission check failed (/sdn/zones/z1/v1, SDN.Allocate)\n"
    grant(limited, "/sdn/zones/z1", "SDN.Audit", "SDN.Allocate")
    limited.put(f"{SDN}/vnets/v1", alias="x")


@pytest.mark.parametrize(
    ("method", "path", "values", "place", "privilege"),
    [
        ("GET", "/cluster/backup", {}, "/", "Sys.Audit"),
        ("PUT", "/cluster/options", {"keyboard": "de"}, "/", "Sys.Modify"),
        ("POST", "/cluster/metrics/server/g1", {"type": "graphite", "server": "10.0.0.9", "port": 1}, "/",
         "Sys.Modify"),
        ("POST", "/cluster/mapping/usb", {"id": "u1", "map": "node=father,id=1050:0407"}, "/mapping/usb",
         "Mapping.Modify"),
        ("POST", "/cluster/notifications/matchers", {"name": "m1"}, "/mapping/notifications", "Mapping.Modify"),
        ("POST", f"{SDN}/zones", {"zone": "z1", "type": "simple"}, "/sdn/zones", "SDN.Allocate"),
        ("POST", "/access/domains", {"realm": "r1", "type": "openid", "issuer-url": "https://x", "client-id": "x"},
         "/access/realm", "Realm.Allocate"),
        ("POST", f"{NODE}/network", {"iface": "vmbr7", "type": "bridge"}, NODE, "Sys.Modify"),
        ("GET", f"{NODE}/services", {}, NODE, "Sys.Audit"),
    ],
)  # fmt: skip
def test_privileges_are_those_of_the_schema(  # noqa: PLR0917 - columns of the table
    limited: Client, method: str, path: str, values: dict[str, Any], place: str, privilege: str
) -> None:
    answer = limited.ask(method, path, **values)
    assert answer.status_code == 403
    grant(limited, place, privilege)
    answer = limited.ask(method, path, **values)
    assert answer.status_code == 200, answer.text


def test_who_may_not_audit_sees_few_options(limited: Client) -> None:
    limited.lab.api.datacenter()["keyboard"] = "de"
    limited.lab.api.datacenter()["console"] = "html5"
    assert "keyboard" not in limited.get("/cluster/options")
    assert limited.get("/cluster/options")["console"] == "html5"


# -------------------------------------------------------------------- realms


def test_users_of_a_realm_tell_its_type(client: Client) -> None:
    values = {"type": "openid", "issuer-url": "https://id.lab.internal", "client-id": "pve"}
    client.post("/access/domains", realm="login", **values)
    client.post("/access/users", userid="ada@login")
    types = {user["userid"]: user["realm-type"] for user in client.get("/access/users")}
    assert types == {"root@pam": "pam", "ada@login": "openid"}


def test_one_realm_is_the_default(client: Client) -> None:
    values = {"type": "openid", "issuer-url": "https://id.lab.internal", "client-id": "pve", "default": 1}
    client.post("/access/domains", realm="one", **values)
    client.post("/access/domains", realm="two", **values)
    assert [realm["realm"] for realm in client.get("/access/domains") if realm.get("default")] == ["two"]


def test_pves_own_realms_can_be_described_and_not_removed(client: Client) -> None:
    client.put("/access/domains/pam", comment="people of this machine")
    assert client.get("/access/domains/pam")["comment"] == "people of this machine"
    client.delete("/access/domains/pam")
    assert {realm["realm"] for realm in client.get("/access/domains")} == {"pam", "pve"}
    answer = client.ask("PUT", "/access/domains/pam")
    assert answer.json()["message"] == "update auth server failed: no options specified\n"


@pytest.mark.parametrize(
    ("realm", "status", "message"),
    [
        ("nope", 400, "Parameter verification failed."),
        ("pve", 500, "Cannot sync realm type 'pve'! Only LDAP/AD realms can be synced."),
    ],
)
def test_what_cannot_be_synced(client: Client, realm: str, status: int, message: str) -> None:
    answer = client.ask("POST", f"/access/domains/{realm}/sync", scope="both")
    assert (answer.status_code, answer.json()["message"]) == (status, f"{message}\n")


@pytest.mark.parametrize(
    ("options", "given", "kind", "lines"),
    [
        (
            {},
            {"scope": "both"},
            "auth-realm-sync",
            [
                "starting sync for realm dir",
                "got data from server, updating users and groups",
                "syncing users (remove-vanished opts: none)",
                "syncing groups (remove-vanished opts: none)",
                "successfully updated users and groups configuration",
            ],
        ),
        (
            {"sync-defaults-options": "scope=groups,remove-vanished=acl;entry"},
            {"dry-run": 1},
            "auth-realm-sync-test",
            [
                "(dry test run) starting sync for realm dir",
                "got data from server, updating groups",
                "syncing groups (remove-vanished opts: acl;entry)",
                "NOTE: Dry test run, changes were NOT written to the configuration.",
            ],
        ),
    ],
)
def test_a_realm_is_synced(
    client: Client, options: dict[str, Any], given: dict[str, Any], kind: str, lines: list[str]
) -> None:
    directory = {"type": "ldap", "server1": "a", "base_dn": "dc=lab", "user_attr": "uid"}
    client.post("/access/domains", realm="dir", **directory, **options)
    upid = client.post("/access/domains/dir/sync", **given)
    assert upid.split(":")[5:7] == [kind, "dir"]
    assert client.wait(upid) == "OK"
    assert [line for line in client.log(upid) if line != "TASK OK"] == lines


def test_what_is_synced_has_to_be_said(client: Client) -> None:
    client.post("/access/domains", realm="dir", type="ldap", server1="a", base_dn="dc=lab", user_attr="uid")
    answer = client.ask("POST", "/access/domains/dir/sync")
    assert answer.json()["errors"] == {
        "scope": "Not passed as parameter and not defined in realm default sync options."
    }


def test_a_second_factor_is_unlocked(client: Client) -> None:
    client.post("/access/users", userid="alice@pve")
    assert client.put("/access/users/alice@pve/unlock-tfa") == 0
    alice = client.lab.api.directory.users["alice@pve"]
    alice.totp_locked, alice.tfa_locked_until = True, 1
    (row,) = [row for row in client.get("/access/users") if row["userid"] == "alice@pve"]
    assert (row["totp-locked"], "tfa-locked-until" in row) == (1, False)
    assert client.put("/access/users/alice@pve/unlock-tfa") == 1
    assert "no such user" in client.ask("PUT", "/access/users/nope@pve/unlock-tfa").json()["message"]


def test_nobody_has_a_second_factor(client: Client) -> None:
    assert client.get("/access/tfa") == []
    assert client.get("/access/tfa/root@pam") == []
    answer = client.ask("GET", "/access/tfa/root@pam/totp:1")
    assert (answer.status_code, answer.json()["message"]) == (404, "No such tfa entry 'totp:1'\n")


def test_subnets_are_those_of_a_vnet_that_is_there(zoned: Client) -> None:
    assert "sdn vnet 'nope' does not exist" in zoned.ask("GET", f"{SDN}/vnets/nope/subnets").json()["message"]
