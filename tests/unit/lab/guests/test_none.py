"""The driver that pretends keeps to the interface's promises."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lab.guests.driver import GuestDriver, GuestError, GuestSpec, Nic
from lab.guests.none import NoneDriver, pretended_interface

SPEC = GuestSpec(
    vmid=105,
    name="vm",
    kind="qemu",
    disk=Path("/nowhere"),
    hostname="vm",
    nics=(Nic("eth0", "BC:24:11:00:00:05", "vmbr0", "dhcp"),),
)


def test_addresses_follow_the_vmid_or_the_configuration() -> None:
    dhcp = pretended_interface(SPEC.nics[0], 105)
    assert dhcp["ip-addresses"] == [{"ip-address": "10.99.0.105", "ip-address-type": "ipv4", "prefix": 24}]
    assert dhcp["hardware-address"] == "bc:24:11:00:00:05"
    assert "ip-addresses" not in pretended_interface(Nic("eth1", "BC:24:11:00:00:06", "vmbr0"), 105)


def test_a_guest_lives_from_boot_to_kill(tmp_path: Path) -> None:
    async def life(driver: GuestDriver) -> None:
        await driver.boot(SPEC)
        assert await driver.running() == {105}
        await driver.write_file(105, "/etc/motd", b"hello")
        assert await driver.read_file(105, "/etc/motd") == b"hello"
        first, second = await driver.exec(105, ["sleep", "600"]), await driver.exec(105, ["true"])
        assert await driver.exec_status(105, first) == {"exited": 0}
        assert await driver.exec_status(105, second) == {"exited": 1, "exitcode": 0}
        with pytest.raises(GuestError, match=f"^Agent error: PID {second} does not exist$"):
            await driver.exec_status(105, second)
        await driver.kill(105)
        assert await driver.running() == frozenset()

    asyncio.run(life(NoneDriver()))


@pytest.mark.parametrize("method", ["interfaces", "suspend", "resume"])
def test_a_stopped_guest_is_named(method: str) -> None:
    with pytest.raises(GuestError, match=r"^VM 105 not running$"):
        asyncio.run(getattr(NoneDriver(), method)(105))


def test_volumes_are_directories(tmp_path: Path) -> None:
    async def volumes(driver: GuestDriver) -> None:
        await driver.create_volume(tmp_path / "a")
        await driver.clone_volume(tmp_path / "a", tmp_path / "b")
        await driver.delete_volume(tmp_path / "a")
        await driver.delete_volume(tmp_path / "a")

    asyncio.run(volumes(NoneDriver()))
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
