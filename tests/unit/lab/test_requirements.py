"""What the machine must offer, and the sentence for each thing it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import requirements, rootless
from lab.errors import LabError

PACKAGES = Path(requirements.__file__).with_name("packages.txt")


def test_every_tool_comes_with_a_package_that_is_installed_by_run_sh_or_essential() -> None:
    listed = {line.split()[0] for line in PACKAGES.read_text(encoding="utf-8").splitlines() if line.strip()}
    assert set(requirements.TOOLS.values()) - listed == {"util-linux"}


def test_missing_tools_are_named_by_their_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(requirements, "PATH", str(tmp_path))
    (tmp_path / "ip").touch(mode=0o755)
    with pytest.raises(LabError, match=r"apt-get install dnsmasq-base openssh-client util-linux$"):
        requirements.check(tmp_path)


@pytest.mark.parametrize("kind", sorted(requirements.UNSUITABLE))
def test_a_file_system_without_room_for_guests_is_explained(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(requirements, "TOOLS", {})
    monkeypatch.setattr(requirements, "file_system", lambda _path: kind)
    with pytest.raises(LabError, match=rf"{tmp_path}: it is on {kind}, .* Set XDG_STATE_HOME to"):
        requirements.check(tmp_path)


def test_the_kernels_own_file_system_has_a_name() -> None:
    assert requirements.file_system(Path("/proc")) == "proc"


@pytest.mark.parametrize(
    ("user", "expected"), [(0, ["true"]), (1000, ["unshare", *rootless.MAP_OPTIONS, "--", "true"])]
)
def test_only_without_root_ids_are_mapped(user: int, expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.rootless.os.geteuid", lambda: user)
    assert rootless.mapped(["true"]) == expected
