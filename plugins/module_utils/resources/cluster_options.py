# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the whole cluster, which are datacenter.cfg, as data (API schema: ``/cluster/options``).

``migration_unsecure`` is left out: Proxmox VE turns it into ``migration`` (PVE::DataCenterConfig).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import (
    DESCRIPTION,
    INTEGER,
    Codec,
    Json,
    Properties,
    matching,
    set_of,
    within,
)
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Field,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    decoded,
    diff,
    encoded,
    parsed,
    views,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import RefusedError

PATH = "/cluster/options"
MAC_PREFIX = "BC:24:11"
"""What PVE answers, and uses, where none is set."""

CONSOLES = ("applet", "vv", "html5", "xtermjs")
FENCING = ("watchdog", "hardware", "both")
KEYBOARDS = (
    "de", "de-ch", "da", "en-gb", "en-us", "es", "fi", "fr", "fr-be", "fr-ca", "fr-ch", "hu", "is", "it", "ja", "lt",
    "mk", "nl", "no", "pl", "pt", "pt-br", "sv", "sl", "tr",
)  # fmt: skip
LANGUAGES = (
    "ar", "ca", "da", "de", "en", "es", "eu", "fa", "fr", "hr", "he", "it", "ja", "ka", "kr", "nb", "nl", "nn", "pl",
    "pt_BR", "ru", "sl", "sv", "tr", "ukr", "zh_CN", "zh_TW",
)  # fmt: skip

BWLIMIT = ("clone", "default", "migration", "move", "restore")
TRANSFER = Properties(
    default_key="type",
    kinds={"type": "str", "network": "str"},
    defaults={"type": "secure"},
    choices={"type": ("secure", "insecure")},
)
PROPERTIES: Mapping[str, Properties] = {
    "bwlimit": Properties(kinds=dict.fromkeys(BWLIMIT, "int"), limits=dict.fromkeys(BWLIMIT, (0, None))),
    "crs": Properties(
        kinds={
            "ha": "str",
            "ha-auto-rebalance": "bool",
            "ha-auto-rebalance-hold-duration": "float",
            "ha-auto-rebalance-margin": "float",
            "ha-auto-rebalance-method": "str",
            "ha-auto-rebalance-threshold": "float",
            "ha-rebalance-on-start": "bool",
        },
        defaults={"ha": "basic", "ha-auto-rebalance": False, "ha-rebalance-on-start": False},
        choices={"ha": ("basic", "static", "dynamic"), "ha-auto-rebalance-method": ("bruteforce", "topsis")},
        limits=dict.fromkeys(
            (f"ha-auto-rebalance-{name}" for name in ("hold-duration", "margin", "threshold")), (0, None)
        ),
    ),
    "ha": Properties(
        kinds={"shutdown_policy": "str"},
        defaults={"shutdown_policy": "conditional"},
        choices={"shutdown_policy": ("freeze", "failover", "conditional", "migrate")},
    ),
    "migration": TRANSFER,
    "next-id": Properties(
        kinds={"lower": "int", "upper": "int"},
        defaults={"lower": 100, "upper": 1000000},
        limits={"lower": (100, 999999999), "upper": (100, 1000000000)},
    ),
    "notify": Properties(
        kinds=dict.fromkeys(
            (
                "fencing",
                "package-updates",
                "replication",
                "target-fencing",
                "target-package-updates",
                "target-replication",
            ),
            "str",
        ),
        defaults={"package-updates": "auto"},
        choices={
            "fencing": ("always", "never"),
            "package-updates": ("auto", "always", "never"),
            "replication": ("always", "never"),
        },
    ),
    "replication": TRANSFER,
    "tag-style": Properties(
        kinds={"case-sensitive": "bool", "color-map": "list", "ordering": "str", "shape": "str"},
        defaults={"case-sensitive": False, "ordering": "alphabetical", "shape": "circle"},
        choices={"ordering": ("config", "alphabetical"), "shape": ("full", "circle", "dense", "none")},
    ),
    "u2f": Properties(kinds={"appid": "str", "origin": "str"}),
    "user-tag-access": Properties(
        kinds={"user-allow": "str", "user-allow-list": "set"},
        defaults={"user-allow": "free"},
        choices={"user-allow": ("none", "list", "existing", "free")},
    ),
    "webauthn": Properties(
        kinds={"allow-subdomains": "bool", "id": "str", "origin": "str", "rp": "str"},
        defaults={"allow-subdomains": True},
    ),
}


def keyed(properties: Properties) -> Codec:
    """PVE takes such an option as a property string, and answers most as an object (PVE::DataCenterConfig)."""

    def decode(wire: Json) -> dict[str, Json]:
        text = wire if isinstance(wire, str) else properties.separator.join(f"{k}={v}" for k, v in wire.items())
        return properties.decode(text)

    return replace(properties.codec(), decode=decode)


def _upper(value: object) -> str:
    return str(value).upper().rstrip(":")


PREFIX = matching(
    r"(?i)[0-9a-f][02468ace](:[0-9a-f]{2}){0,2}:?", "the beginning of a MAC address, up to three bytes such as BC:24:11"
)


def _one_of(choices: Sequence[str]) -> Values:
    """Argument spec of an option with a few values; the empty one removes what is set."""
    return {"choices": [*choices, ""]}


FIELDS: tuple[Field, ...] = (
    *(Field(name.replace("-", "_"), keyed(kind), wire=name) for name, kind in PROPERTIES.items()),
    Field("consent_text", wire="consent-text"),
    Field("console", spec=_one_of(CONSOLES)),
    Field("description", DESCRIPTION),
    Field("email_from"),
    Field("fencing", default="watchdog", spec=_one_of(FENCING)),
    Field("http_proxy", matching(r"http://.*", "of the form http://...")),
    Field("keyboard", spec=_one_of(KEYBOARDS)),
    Field("language", spec=_one_of(LANGUAGES)),
    Field(
        "mac_prefix",
        replace(PREFIX, parse=lambda value: _upper(PREFIX.parse(value)), decode=_upper),
        default=MAC_PREFIX,
    ),
    Field("max_workers", within(INTEGER, 1)),
    Field("registered_tags", set_of(";"), wire="registered-tags"),
)


def describe(read: Reader, _wish: Values) -> Json:
    """What is set. Raises RefusedError where PVE only answers what everybody may see (PVE::API2::Cluster)."""
    have: Values = read.get(PATH)
    if "mac_prefix" not in have:
        raise RefusedError(
            f"GET {PATH}: Proxmox VE hides the options from the login. Grant Sys.Audit on / to the user, and to the "
            "token if it has privilege separation."
        )
    return have


def plan(wish: Values, have: Json) -> Plan:
    """Set what differs, and remove what is to be empty."""
    changes = diff(FIELDS, parsed(FIELDS, wish), settings(have))
    if not changes:
        return Plan(reason="the cluster's options are as wished")
    before, after = views(changes)
    names = ", ".join(sorted(change.key for change in changes))
    step = Step("PUT", PATH, encoded(changes), f"set {names} of the cluster's options")
    return Plan((step,), changes, before=before, after=after)


def settings(have: Values) -> dict[str, Json]:
    """What is set, in canonical form: a MAC prefix that is PVE's own counts as none."""
    values = decoded(FIELDS, have)
    return {name: value for name, value in values.items() if (name, value) != ("mac_prefix", MAC_PREFIX)}


def shown(have: Values) -> dict[str, Json]:
    """The module's return value."""
    return {"cluster_options": decoded(FIELDS, have)}


CLUSTER_OPTIONS = Resource(
    kind="cluster options",
    options={},
    fields=FIELDS,
    describe=describe,
    plan=plan,
    result=shown,
    writes=(f"PUT {PATH}",),
)
