"""The agent's answers, from what iproute2 and the kernel say."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lab.guests.agent import MAX_OUTPUT, exec_result, finish, interface_entry, start

LINK: dict[str, Any] = {
    "ifname": "eth0",
    "address": "bc:24:11:00:00:01",
    "addr_info": [
        {"family": "inet", "local": "10.99.0.7", "prefixlen": 24},
        {"family": "inet6", "local": "fe80::1", "prefixlen": 64},
    ],
    "stats64": {"rx": {"bytes": 10, "packets": 1, "errors": 0, "dropped": 2}, "tx": {"bytes": 20, "packets": 3}},
}


def test_an_interface_has_the_agents_shape() -> None:
    assert interface_entry(LINK) == {
        "name": "eth0",
        "hardware-address": "bc:24:11:00:00:01",
        "ip-addresses": [
            {"ip-address-type": "ipv4", "ip-address": "10.99.0.7", "prefix": 24},
            {"ip-address-type": "ipv6", "ip-address": "fe80::1", "prefix": 64},
        ],
        "statistics": {
            "rx-bytes": 10,
            "rx-packets": 1,
            "rx-errs": 0,
            "rx-dropped": 2,
            "tx-bytes": 20,
            "tx-packets": 3,
            "tx-errs": 0,
            "tx-dropped": 0,
        },
    }


def test_an_interface_without_addresses_has_no_list_of_them() -> None:
    assert "ip-addresses" not in interface_entry({"ifname": "eth0", "address": "bc:24:11:00:00:01", "addr_info": []})


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        ((0, b"", b""), {"exited": 1, "exitcode": 0}),
        ((3, b"out", b"err"), {"exited": 1, "exitcode": 3, "out-data": "out", "err-data": "err"}),
        ((-9, b"", b""), {"exited": 1, "signal": 9}),
        ((0, b"\xff", b""), {"exited": 1, "exitcode": 0, "out-data": "\xff"}),
    ],
)
def test_a_commands_end(ended: tuple[int, bytes, bytes], expected: dict[str, Any]) -> None:
    assert exec_result(*ended) == expected


def test_more_output_than_the_agent_keeps_is_cut_off() -> None:
    result = exec_result(0, bytes(MAX_OUTPUT + 1), b"x" * MAX_OUTPUT)
    assert (len(result["out-data"]), result["out-truncated"]) == (MAX_OUTPUT, 1)
    assert (len(result["err-data"]), "err-truncated" in result) == (MAX_OUTPUT, False)


@pytest.mark.parametrize(
    ("script", "stdin", "expected"),
    [
        ("cat; echo no >&2; exit 3", b"\xfc\n", {"exitcode": 3, "out-data": "\xfc\n", "err-data": "no\n"}),
        ("exec true", b"never read" * 100_000, {"exitcode": 0}),
        ("kill -9 $$", None, {"signal": 9}),
        ("cat", None, {"exitcode": 0}),
    ],
)
def test_a_command_is_finished(script: str, stdin: bytes | None, expected: dict[str, Any]) -> None:
    async def run() -> dict[str, Any]:
        return await finish(await start(["sh", "-c", script], stdin), stdin)

    assert asyncio.run(run()) == {"exited": 1, **expected}


def test_endless_output_is_read_but_not_kept() -> None:
    async def run() -> dict[str, Any]:
        return await finish(await start(["head", "-c", "100M", "/dev/zero"]), None)

    result = asyncio.run(run())
    assert (len(result["out-data"]), result["out-truncated"], result["exitcode"]) == (MAX_OUTPUT, 1, 0)
