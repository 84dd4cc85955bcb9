"""What every test gets: state of its own, the machine's lab image, and the lab's fixtures.

Nothing a test does may reach the home directory or the XDG folders of the person who runs it. The lab's root image is
the one exception: it takes half a minute to build and is only read.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
XDG_KINDS = ("STATE", "CONFIG", "CACHE", "DATA")
pytest_plugins = ["lab.pytest_plugin"]
# Files whose tests share something that is slow to make, or go on where the one before ended: one worker runs them.
# (pytest-xdist has the mark xdist_group for this, which has no effect with pytest 9.2.)
TOGETHER = frozenset(
    f"test_{name}.py"
    for name in ("container_software", "lab_archives", "lab_cluster", "lab_containers", "setup", "transports")
)


class SharedScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """`--dist loadgroup`: single tests are spread over the workers, those of some files stay together."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return path if Path(path).name in TOGETHER else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """Who runs which test; None leaves it to pytest-xdist."""
    return SharedScheduling(config, log) if config.getoption("dist") == "loadgroup" else None


# No deadline: one example may take long on a busy machine, and no test asserts timings. CI repeats the same examples;
# somebody at work gets other ones each time, and half as many.
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(ROOT / ".venv" / "cache" / "hypothesis"))
CI = "CI" in os.environ
hypothesis.settings.register_profile("house", deadline=None, derandomize=CI, max_examples=50 if CI else 25)
hypothesis.settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names of tests that are others in each process: pytest-xdist could not tell the tests apart."""
    for item in items:
        if " at 0x" in item.nodeid:
            raise pytest.UsageError(f"{item.nodeid} has an address in its name: give its parameters ids of their own")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--replay DIR`: somebody's own transcripts of a real Proxmox VE, for tests/conformance/test_replay.py."""
    parser.addoption("--replay", type=Path, metavar="DIR", help="folder of transcripts to play against the lab")


@pytest.fixture(scope="session", autouse=True)
def own_folders() -> Iterator[Path]:
    """Point HOME, the XDG variables and TMPDIR to a private folder of this test process.

    Its path is short because the lab's unix sockets lie below it (a socket's path has 108 bytes at most).
    """
    folder = Path(tempfile.mkdtemp(prefix="pve-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOMELAB_PVE_LAB_IMAGES", str(lab_images()))
        # Pytest may be started by its path; what tests start (ansible-playbook) is beside it.
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        for kind in XDG_KINDS:
            patch.setenv(f"XDG_{kind}_HOME", str(folder / kind.lower()))
        (folder / "home").mkdir(mode=0o700)
        patch.setenv("HOME", str(folder / "home"))
        (folder / "tmp").mkdir()
        patch.setenv("TMPDIR", str(folder / "tmp"))
        patch.setattr(tempfile, "tempdir", None)
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


def lab_images() -> Path:
    """The machine's cache of lab images: HOMELAB_PVE_LAB_IMAGES, else where the lab keeps it by itself."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("HOMELAB_PVE_LAB_IMAGES") or cache / "homelab-pve" / "lab")
