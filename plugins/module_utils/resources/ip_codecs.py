# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IP addresses and networks in their shortest spelling, so that two spellings of one are the same. Pure."""

from __future__ import annotations

from ipaddress import ip_interface, ip_network

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Codec, Json

SAMPLES = {4: ("192.0.2.10", "/24"), 6: ("2001:db8::10", "/64")}
NETWORKS = {4: "192.0.2.0/24", 6: "2001:db8::/64"}


def address_codec(version: int, *, prefix: bool = False) -> Codec:
    """An address, with or without the length of its prefix."""
    sample = SAMPLES[version][0] + SAMPLES[version][1] * prefix
    what = f"an IPv{version} address{' with the length of its prefix' * prefix}, such as {sample}"

    def parse(value: Json) -> str:
        text = str(value).strip()
        if not text:
            return ""
        try:
            found = ip_interface(text)
        except ValueError:
            raise ValueError(f"'{value}' is not {what}") from None
        if found.version != version or ("/" in text) is not prefix:
            raise ValueError(f"'{value}' is not {what}")
        return found.with_prefixlen if prefix else str(found.ip)

    return Codec(parse, parse)


def network_codec(version: int) -> Codec:
    """A network; an address in it stands for it, as PVE takes it."""
    what = f"an IPv{version} network, such as {NETWORKS[version]}"

    def parse(value: Json) -> str:
        text = str(value).strip()
        if not text:
            return ""
        try:
            found = ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f"'{value}' is not {what}") from None
        if found.version != version or "/" not in text:
            raise ValueError(f"'{value}' is not {what}")
        return str(found)

    return Codec(parse, parse)
