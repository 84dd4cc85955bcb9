"""From documents to wishes: every mistake at once, with file, line, place and what is allowed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import HOME
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.document import Text
from ansible_collections.homelab.pve.plugins.module_utils.state.entries import Wish, load
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[5]
SEEDS = ROOT.parent / "shared" / "seeds"
SAMPLE = ROOT / "examples" / "state" / "seed.json"


def wishes(*contents: str, **given: Any) -> list[Wish]:
    return load([Text(f"{number}.yml", content) for number, content in enumerate(contents)], KINDS, **given)


def told(*contents: str, **given: Any) -> dict[str, dict[str, Any]]:
    """What the documents say, by kind and identity: of the options only those that are said."""
    found = wishes(*contents, **given)
    return {
        f"{wish.declared.kind.name} {wish.declared.identity}": {
            name: wish.values[name] for name in (*wish.declared.entry, HOME) if wish.values.get(name) is not None
        }
        for wish in found
    }


def findings(*contents: str, **given: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        wishes(*contents, **given)
    first, *lines = str(caught.value).splitlines()
    assert first == "The document is wrong, nothing was asked of the server:"
    return lines


@pytest.mark.skipif(not SEEDS.exists(), reason="the seeds are not here")
def test_the_sample_is_the_one_that_was_printed() -> None:
    text = (SEEDS / "001-declarative-proxmox.txt").read_text()
    example = text[text.index("### Example Configuration") :]
    assert example.split("```json\n")[1].partition("```")[0] == SAMPLE.read_text()


def test_the_sample_with_its_envelope_and_without() -> None:
    content = json.loads(SAMPLE.read_text())
    enveloped = told(json.dumps(content))
    assert told(json.dumps(content["plugins"]["proxmox"])) == enveloped
    assert enveloped["vms 101"] == {
        "vmid": 101,
        "name": "postgres-db",
        "state": "started",
        "cores": 4,
        "memory": "8192",
        "disks": {"scsi0": {"storage": "local-lvm", "size": "100G"}},
        "net": {"net0": {"bridge": "vmbr0", "model": "virtio"}},
        "cpu_mitigations": "off",
        "description": "Database server - mitigations disabled for performance",
        HOME: "pve",
    }
    assert enveloped["network pve/vmbr0"]["cidr"] == "192.168.1.10/24"
    assert enveloped["backups backup-02-00-nfs-backup"] == {
        "id": "backup-02-00-nfs-backup",
        "schedule": "02:00",
        "storage": "nfs-backup",
        "mode": "snapshot",
        "compress": "zstd",
        "vmid": [100, 101, 200],
        "prune_backups": {"keep_daily": 7, "keep_weekly": 4, "keep_monthly": 3},
    }


WRONG = """\
version: 2
vmz: []
vms:
- vmid: 100
  memmory: 5
  memory: {a: 1}
  state: runing
- vmid: 100
- vmid: 101
  network: {bridgee: x}
- vmid: 102
  net: {net0: {bridgee: x}, net99: {bridge: a}, net1: {mtu: huge}}
  disks: {scsi0: {sizze: 3}, foo: {}}
  memory: 5
- vmid: 103
  ha: {state: stopped}
  state: started
- 7
containers:
- {vmid: 101, hostname: c, cores: yes, rootfs: {storagee: c}}
- {vmid: 104, hostname: c, name: d}
ha: {rulez: [], rules: {}}
sdn: []
cluster: []
storage:
- {id: b, type: lvm, path: /x, content: [iso]}
"""
FOUND = [
    "0.yml:1: version: version 2 is not known; this release reads version 1.",
    "0.yml:2: vmz: is no kind of thing. Did you mean 'vms'? Known: ",
    "0.yml:5: vms[0].memmory: is no option here. Did you mean 'memory'?",
    "0.yml:6: vms[0].memory: has to be text, not a mapping.",
    "0.yml:7: vms[0].state: 'runing' is none of present, absent, template, paused, reset, restarted, started, stopped,"
    " suspended.",
    "0.yml:8: vms[1]: 100 stands at 0.yml:4: vms[0] already.",
    "0.yml:10: vms[2].network.bridgee: is no option here. Did you mean 'bridge'? Known: bridge, firewall, link_down,",
    "0.yml:12: vms[3].net.net0.bridgee: is no option here. Did you mean 'bridge'? Known: bridge, firewall, link_down,",
    "0.yml:12: vms[3].net.net99: 'net99' is none of net0 to net31.",
    "0.yml:12: vms[3].net.net1.mtu: 'huge' is not a whole number.",
    "0.yml:13: vms[3].disks.scsi0.sizze: is no option here. Did you mean 'size'?",
    "0.yml:13: vms[3].disks.foo: 'foo' is no drive. Drives are efidisk0, ide0-3, sata0-5, scsi0-30, tpmstate0,",
    "0.yml:14: vms[3].memory: 5 is not 16 or more.",
    "0.yml:16: vms[4].ha: Option 'ha': the state stopped contradicts the state started of the guest:",
    "0.yml:18: vms[5]: has to be a mapping of options, not '7'.",
    "0.yml:20: containers[0].vmid: 101 is the vmid of 0.yml:9: vms[2].vmid already.",
    "0.yml:20: containers[0].cores: has to be a whole number, not true.",
    "0.yml:20: containers[0].rootfs.storagee: is no option here. Did you mean 'storage'?",
    "0.yml:21: containers[1]: 'name' and 'hostname' say the same. Leave one of them out.",
    "0.yml:22: ha.rulez: is no kind of thing. Did you mean 'rules'? Known: ",
    "0.yml:22: ha.rules: has to be a list, not a mapping.",
    "0.yml:23: sdn: has to be a mapping of ",
    "0.yml:24: cluster: has to be a mapping of options, not a list.",
    "0.yml:26: storage[0].path: Option 'path' is not for a storage of type lvm, which takes ",
]


def test_everything_that_is_wrong_is_found_at_once() -> None:
    found = findings(WRONG)
    assert [line[: len(start)] for line, start in zip(found, FOUND, strict=True)] == FOUND


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("plugins: {proxmox: {}, other: {}}", "0.yml:1: plugins: has to be a mapping with the one key 'proxmox'."),
        ("plugins: 5", "0.yml:1: plugins: has to be a mapping with the one key 'proxmox'."),
        ("plugins: {proxmox: {}}\nvms: []", "0.yml:2: vms: beside 'plugins' only 'version' may stand."),
        ("plugins:\n  proxmox:\n    vmz: []", "0.yml:3: plugins.proxmox.vmz: is no kind of thing."),
        ("node: [a]", "0.yml:1: node: has to be the name of a node, not a list."),
        ("vms: {vmid: 100}", "0.yml:1: vms: has to be a list, not a mapping."),
        ("vms: [{cores: 2}]", "0.yml:1: vms[0]: one of the following is required: vmid, name."),
        ("storage: [{type: dir}]", "0.yml:1: storage[0]: needs the option 'storage'."),
        ("vms: [{vmid: many}]", "0.yml:1: vms[0].vmid: has to be a whole number, not 'many'."),
        ("vms: [{name: a}, {vmid: 5, name: a}]", "0.yml:1: vms[1].name: a is the name of 0.yml:1: vms[0] already."),
        ("network: [{iface: vmbr1, type: bridge}]", "0.yml:1: network[0]: needs the option 'node'."),
        ("vms: [{name: a, ha: {group: g}}]", "0.yml:1: vms[0].ha.group: ha.group needs the guest's vmid"),
        ("backups: [{id: a, vmid: [1], all: true, schedule: x}]", "0.yml:1: backups[0].vmid: '1' is not a vmid;"),
        (
            "backups: [{id: a, pool: p, all: true, schedule: x}]",
            "0.yml:1: backups[0].pool: Options 'pool' and 'all'",
        ),
        ("pools: [{poolid: a/b/c/d}]", ""),
        ("vms: [{vmid: 99}]", "0.yml:1: vms[0].vmid: 99 is no vmid; vmids go from 100 to 999999999."),
        (
            "vms: [{vmid: 100, boot: [a]}]",
            "0.yml:1: vms[0].boot: has to be a mapping, or text as Proxmox VE",
        ),
        ("vms: [{vmid: 100, net: {net0: [a]}}]", "0.yml:1: vms[0].net.net0: has to be a mapping, or text as"),
        ("backups: [{id: a, vms: all}]", "0.yml:1: backups[0].vms: has to be a whole number, not 'all'."),
        ("network: [{iface: a, node: b, address: 1.2.3}]", "0.yml:1: network[0]: 'address' and 'netmask': "),
        ("storage: [{id: s, type: pbs, keyring: [a]}]", "0.yml:1: storage[0].keyring: has to be text, not ********."),
        ("containers: [{vmid: 100, hostname: a_b}]", "0.yml:1: containers[0].hostname: 'a_b' is not a name of letters"),
        ("containers: [{vmid: 100, name: a_b}]", "0.yml:1: containers[0].name: 'a_b' is not a name of letters, digits"),
        (
            "containers: [{vmid: 100, network: {ip: 1.2.3}}]",
            "0.yml:1: containers[0].network.ip: '1.2.3' is not an",
        ),
        (
            "containers: [{vmid: 100, network: [{name: a}, {ipp: x}]}]",
            "0.yml:1: containers[0].network[1].ipp: is no",
        ),
        ("vms: [{vmid: 100, disk: {sise: 5G}}]", "0.yml:1: vms[0].disk.sise: is no option here. Did you mean 'size'?"),
        ("vms: [{vmid: 100, ha: {enabled: perhaps}}]", "0.yml:1: vms[0]: ha: enabled is true or false, not 'perhaps'."),
    ],
)
def test_a_finding(content: str, message: str) -> None:
    if message:
        assert findings(content)[0].startswith(message)
    else:
        assert wishes(content)


def test_the_document_that_says_it_is_named() -> None:
    low, high = "vms:\n- {vmid: 100, cores: two}", "vms:\n\n- {vmid: 100, comment: x, memory: much}"
    assert findings(low, high) == [
        "0.yml:2: vms[0].cores: has to be a whole number, not 'two'.",
        "1.yml:3: vms[0].memory: 'much' is not a size such as 512M or 32G.",
    ]


def test_no_more_is_told_than_is_read() -> None:
    found = findings("vms:\n" + "".join(f"- {{vmid: {number}, coress: 1}}\n" for number in range(100, 350)))
    assert (len(found), found[-1]) == (101, "... and 150 more.")


def test_later_documents_stand_above() -> None:
    low = """
    node: a
    x-base: &base {cores: 2, tags: [a, b]}
    vms:
    - {vmid: 100, <<: *base, net: {net0: {bridge: vmbr0, tag: 5}}, disk: {storage: s, size: 5G}}
    - {vmid: 101, name: gone}
    options: {keyboard: de, migration: {type: secure}}
    """
    high = """
    node: b
    .notes: nobody's business
    $schema: ./state.schema.json
    vms:
    - {vmid: 101, state: absent}
    - {vmid: 100, cores: 4, tags: [c], net: {net0: {tag: 6}}, disks: {scsi0: {size: 8G}}}
    options: {migration: {network: 10.0.0.0/8}}
    """
    found = told(low, high)
    assert list(found) == ["vms 100", "vms 101", "options options"]
    assert found["vms 100"] == {
        "vmid": 100,
        "cores": 4,
        "tags": ["c"],
        "net": {"net0": {"bridge": "vmbr0", "tag": 6}},
        "disks": {"scsi0": {"storage": "s", "size": "8G"}},
        HOME: "b",
    }
    assert found["vms 101"] == {"vmid": 101, "name": "gone", "state": "absent", HOME: "b"}
    assert found["options options"]["migration"] == {"type": "secure", "network": "10.0.0.0/8"}


def test_nodes_are_called_otherwise() -> None:
    content = """
    node: pve
    vms: [{vmid: 100}, {vmid: 101, node: pve2}]
    network: [{iface: vmbr0, type: bridge}, {iface: vmbr0, type: bridge, node: pve2}]
    storage: [{storage: s, type: dir, path: /s, nodes: "pve, other"}]
    ha: {rules: [{rule: r, type: node-affinity, resources: "vm:100", nodes: ["pve:5", "pve2"]}]}
    cluster: {name: c, nodes: [{name: pve}, {name: pve2}]}
    """
    found = told(content, nodes={"pve": "father", "pve2": "mother"})
    assert [found[f"vms {vmid}"].get(name) for vmid, name in ((100, HOME), (101, "node"))] == ["father", "mother"]
    assert {name for name in found if name.startswith("network")} == {"network father/vmbr0", "network mother/vmbr0"}
    assert found["storage s"]["nodes"] == ["father", "other"]
    assert found["ha.rules r"]["nodes"] == ["father:5", "mother"]
    assert [node["name"] for node in found["cluster cluster"]["nodes"]] == ["father", "mother"]


def test_the_node_of_the_option_stands_in() -> None:
    assert told("node: a\nvms: [{vmid: 100}]", node="b")["vms 100"][HOME] == "b"


GROUPED = """
vms:
- {vmid: 100, ha: {enabled: true, group: fast, max_relocate: 2}}
- {vmid: 101, ha: {enabled: false, group: fast}}
- {vmid: 102, state: absent, ha: {group: fast}}
containers:
- {vmid: 200, hostname: c, ha: {group: fast}}
"""


@pytest.mark.parametrize(
    ("beside", "kind", "entry"),
    [
        ("", "ha.rules", {"rule": "fast", "type": "node-affinity"}),
        ("ha: {rules: [{rule: fast, nodes: a}]}", "ha.rules", {"rule": "fast", "nodes": ["a"]}),
        ("ha: {groups: [{group: fast, nodes: a}]}", "ha.groups", {"group": "fast", "nodes": ["a"]}),
    ],
)
def test_guests_say_in_which_group_they_are(beside: str, kind: str, entry: Mapping[str, Any]) -> None:
    found = told(GROUPED + beside)
    assert found[f"{kind} fast"] == {**entry, "resources": ["ct:200", "vm:100"]}
    assert {k: v for k, v in found["vms 100"]["ha"].items() if v is not None} == {"max_relocate": 2}
    assert found["vms 101"]["ha"]["state"] == "absent"
    assert {name for name in found if name.startswith("ha.")} == {f"{kind} fast"}


def test_a_rule_keeps_the_guests_it_names_itself() -> None:
    found = told("vms: [{vmid: 100, ha: {group: r}}]\nha: {rules: [{rule: r, resources: 'vm:5, vm:6', nodes: a}]}")
    assert found["ha.rules r"]["resources"] == ["vm:100", "vm:5", "vm:6"]


SECRET = """
users:
- {userid: a@pve, user_password: "${secret:users.a.password}", comment: "x ${secret:note}"}
storage:
- {storage: s, type: nfs, server: a, export: /b, path: "${secret:path}"}
"""


def test_secrets_stand_in_for_their_names() -> None:
    (user, storage) = wishes(SECRET, secrets={"users.a.password": "tr0ub4dor", "note": 5, "path": "/s"})
    assert (user.values["user_password"], user.values["comment"]) == ("tr0ub4dor", "x 5")
    assert user.declared.entry["user_password"] == "${secret:users.a.password}"
    assert (storage.values["path"], user.missing) == ("/s", ())


def test_a_secret_without_a_value_is_left_out() -> None:
    (user, _storage) = wishes(SECRET, secrets={"note": "n"})
    assert "user_password" not in {name for name, value in user.values.items() if value is not None}
    with pytest.raises(ConfigError) as caught:
        user.refuse_without_secrets()
    assert str(caught.value) == (
        "0.yml:3: users[0].user_password: the secret 'users.a.password' has no value, and users a@pve does not exist "
        "yet. Give it in the option secrets."
    )


def test_a_secret_is_not_in_a_message() -> None:
    content = 'storage: [{storage: s, type: "${secret:what}"}]'
    (line,) = findings(content, secrets={"what": "hunter2"})
    assert "hunter2" not in line
    assert line.startswith("0.yml:1: storage[0].type: '********' is none of dir, nfs,")


PRUNED = """
storage:
- {storage: a, type: dir, path: /a}
- {storage: b, state: absent}
vms:
- {vmid: 100, disks: {scsi0: {storage: a, size: 1G}, scsi1: "b:5", scsi2: "local-lvm:1", scsi3: "local-btrfs:1"}}
- {vmid: 101, state: absent, disks: {scsi0: {storage: nowhere}}}
backups:
- {id: j, schedule: daily, vmid: [100, 101, 999], storage: nowhere}
"""


def test_names_that_can_lead_nowhere() -> None:
    absent = [
        "0.yml:6: vms[0].disks.scsi1: the storage 'b' is to be absent (0.yml:4: storage[1]).",
        "0.yml:9: backups[0].vmid[1]: the guest '101' is to be absent (0.yml:7: vms[1]).",
    ]
    assert findings(PRUNED) == absent
    assert findings(PRUNED, pruned=["storage", "vms"]) == [
        *absent,
        "0.yml:9: backups[0].storage: there is no storage 'nowhere' in the documents, and what they don't have is "
        "removed (prune has storage). Known: a.",
    ]
    assert findings(PRUNED, pruned=["containers", "vms"])[-1] == (
        "0.yml:9: backups[0].vmid[2]: there is no guest '999' in the documents, and what they don't have is removed "
        "(prune has vms and containers). Known: 100."
    )


def test_ten_thousand_guests() -> None:
    lines = "".join(f"- {{vmid: {100 + number}, cores: {number % 8 + 1}}}\n" for number in range(10_000))
    found = wishes(f"node: a\nvms:\n{lines}- {{vmid: 5000, cores: x}}"[: -len("- {vmid: 5000, cores: x}")])
    assert (len(found), found[-1].values["vmid"], found[-1].declared.at()) == (10_000, 10_099, "0.yml:10002: vms[9999]")


NAMES = st.sampled_from(["cores", "memory", "onboot", "name"])
VALUES = st.dictionaries(NAMES, st.integers(20, 60).map(str), max_size=4)


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_the_last_that_says_something_holds(layers: list[dict[str, str]]) -> None:
    kept = [{name: value for name, value in layer.items() if name != "onboot"} for layer in layers]
    contents = ["vms: [" + str({"vmid": 100, **layer}).replace("'", '"') + "]" for layer in kept]
    (wish,) = wishes(*contents)
    expected: dict[str, str] = {}
    for layer in kept:
        expected |= layer
    assert {name: str(wish.values[name]) for name in expected} == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abv", min_size=1, max_size=3), inner),
    max_leaves=8,
)
WORDS = """
    vmid name net disks disk network ha state boot tags rootfs mp comment type storage id schedule time vms retention
    address netmask iface resources rule agent path users groupid level zone vnet cipassword nodes node
"""
ENTRIES = st.lists(st.dictionaries(st.sampled_from(WORDS.split()), JSON, max_size=5), max_size=3)


@given(st.dictionaries(st.sampled_from(sorted(KINDS)), ENTRIES))
def test_any_values_are_taken_or_refused(values: dict[str, Any]) -> None:
    nested: dict[str, Any] = {}
    for name, entries in values.items():
        top, _, part = name.partition(".")
        value = (entries or [{}])[0] if KINDS[name].single else entries
        nested.setdefault(top, {}).update({part: value}) if part else nested.update({top: value})
    try:
        wishes(json.dumps(nested, ensure_ascii=False))
    except ConfigError as error:
        assert "0.yml" in str(error)
