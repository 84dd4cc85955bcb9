"""A machine's names stand for its own address, and everything else in /etc/hosts stays."""

from __future__ import annotations

import pytest
from ansible_collections.homelab.pve.plugins.filter.hosts_entry import address_of, hosts_entry
from hypothesis import given
from hypothesis import strategies as st

ADDRESS, NAMES = "192.0.2.5", ["pve1.example.com", "pve1"]
OWN = "192.0.2.5 pve1.example.com pve1\n"
LOCAL = "127.0.0.1 localhost\n"
CASES = {
    "nothing there": ("", OWN),
    "cloud image": (f"127.0.1.1 pve1.example.com pve1\n{LOCAL}", f"{LOCAL}{OWN}"),
    "on the line of localhost": ("127.0.0.1 localhost pve1 # ours\n", f"127.0.0.1 localhost # ours\n{OWN}"),
    "on localhost's IPv6 line": ("::1\tlocalhost ip6-localhost pve1\n", f"::1 localhost ip6-localhost\n{OWN}"),
    "an address it once had": (f"192.0.2.77 pve1\n{LOCAL}", f"{LOCAL}{OWN}"),
    "as it should be": (f"# mine\n\n{LOCAL}{OWN}192.0.2.9 other\n", f"# mine\n\n{LOCAL}{OWN}192.0.2.9 other\n"),
    "tabs and further names stay": (
        "192.0.2.5\tpve1.example.com pve1 storage\n",
        "192.0.2.5\tpve1.example.com pve1 storage\n",
    ),
    "an IPv6 address of its own stays": (f"2001:db8::5 pve1\n{OWN}", f"2001:db8::5 pve1\n{OWN}"),
    "the short name alone": ("192.0.2.5 pve1\n", f"192.0.2.5 pve1\n{OWN}"),
    "names that only look alike": (f"127.0.0.1 pve11 pve1.example.org\n{OWN}", None),
    "no end of line": ("127.0.0.1 localhost", f"{LOCAL}{OWN}"),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES.keys())
def test_the_names_are_on_the_address(before: str, after: str | None) -> None:
    assert hosts_entry(before, ADDRESS, NAMES) == (before if after is None else after)


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="'dhcp' does not appear to be an IPv4 or IPv6 address"):
        hosts_entry("", "dhcp", NAMES)


LINES = st.one_of(
    st.just("# a comment"),
    st.just(""),
    st.builds(
        lambda address, names: f"{address} {' '.join(names)}",
        st.sampled_from(["127.0.0.1", "127.0.1.1", "::1", "192.0.2.5", "192.0.2.9", "2001:db8::5"]),
        st.lists(st.sampled_from(["localhost", "pve1", "pve1.example.com", "other"]), min_size=1),
    ),
)


@given(st.lists(LINES))
def test_doing_it_again_changes_nothing_and_no_loopback_line_names_it(lines: list[str]) -> None:
    once = hosts_entry("".join(f"{line}\n" for line in lines), ADDRESS, NAMES)
    assert hosts_entry(once, ADDRESS, NAMES) == once
    for line in once.splitlines():
        address = address_of(line)
        assert address is None or not (address.is_loopback and set(NAMES) & set(line.split()))
    left = iter(once.splitlines())
    assert all(line in left for line in lines if not set(NAMES) & set(line.split()))
