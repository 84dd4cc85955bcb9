"""Addresses and networks in their shortest spelling. Pure."""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv6Interface

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.resources.ip_codecs import address_codec, network_codec
from hypothesis import given
from hypothesis import strategies as st


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_spellings_of_an_address_are_one(address: object) -> None:
    version = int(getattr(address, "version"))  # noqa: B009 - of either class
    codec = address_codec(version)
    assert codec.parse(getattr(address, "exploded")) == codec.parse(str(address).upper()) == str(address)  # noqa: B009


@given(st.one_of(st.ip_addresses(v=4, network="10.0.0.0/8"), st.ip_addresses(v=6, network="fd00::/8")))
def test_a_network_is_named_by_any_address_in_it(address: object) -> None:
    found: IPv4Interface | IPv6Interface
    found = IPv4Interface(f"{address}/20") if ":" not in str(address) else IPv6Interface(f"{address}/20")
    codec = network_codec(found.version)
    assert codec.parse(f"{address}/20") == codec.parse(str(found.network)) == str(found.network)


@pytest.mark.parametrize(
    ("version", "prefix", "text"),
    [(4, False, "10.0.0.1/24"), (4, True, "10.0.0.1"), (4, False, "::1"), (6, True, "10.0.0.1/8"), (4, True, "a/8")],
)
def test_what_is_no_such_address(version: int, prefix: bool, text: str) -> None:
    with pytest.raises(ValueError, match=f"^'{text}' is not an IPv{version} address"):
        address_codec(version, prefix=prefix).parse(text)


@pytest.mark.parametrize("text", ["10.0.0.0", "::/64", "10.0.0.0/33", "lan"])
def test_what_is_no_such_network(text: str) -> None:
    with pytest.raises(ValueError, match=f"^'{text}' is not an IPv4 network, such as 192.0.2.0/24$"):
        network_codec(4).parse(text)


def test_nothing_stays_nothing() -> None:
    assert address_codec(4).parse("") == network_codec(6).parse(" ") == ""
