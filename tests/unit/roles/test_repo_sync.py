"""A working copy reaches a node as the commit that was asked for, and is itself left as it was."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

FILES = Path(__file__).parents[3] / "roles" / "nested_pve" / "files"


def run(*argv: str | Path, cwd: Path | None = None) -> str:
    return subprocess.run(list(map(str, argv)), cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


def git(where: Path, *argv: str) -> str:
    return run("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "-C", where, *argv)


def bundle(source: Path, ref: str, uncommitted: str, target: Path | None = None) -> str:
    """The commit; its bundle is moved to ``target``."""
    commit, made = run("sh", FILES / "repo-bundle.sh", source, ref, uncommitted).splitlines()
    if target:
        shutil.move(made, target)
    shutil.rmtree(Path(made).parent)
    return commit


def checkout(bundle_file: Path, commit: str, target: Path) -> None:
    run("sh", FILES / "repo-checkout.sh", bundle_file, commit, target)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    where = tmp_path / "a source"
    run("git", "init", "--quiet", where)
    (where / ".gitignore").write_text("ignored\n")
    for text in ("one", "two"):
        (where / "file").write_text(text)
        git(where, "add", "--all")
        git(where, "commit", "--quiet", "--message", text)
    return where


@pytest.mark.parametrize(("ref", "text"), [("HEAD", "two"), ("HEAD~1", "one")])
def test_committed_files_travel(source: Path, tmp_path: Path, ref: str, text: str) -> None:
    (source / "file").write_text("not committed")
    commit = bundle(source, ref, "false", tmp_path / "bundle")
    assert commit == git(source, "rev-parse", ref)
    for copy in ("first", "again"):
        shutil.copy(tmp_path / "bundle", tmp_path / copy)
        checkout(tmp_path / copy, commit, tmp_path / "there")
        assert not (tmp_path / copy).exists()
        assert (tmp_path / "there" / "file").read_text() == text
    assert git(tmp_path / "there", "rev-parse", "HEAD") == commit


def test_uncommitted_files_travel_when_asked_for(source: Path, tmp_path: Path) -> None:
    for name in ("file", "untracked", "ignored"):
        (source / name).write_text("not committed")
    before = git(source, "status", "--porcelain"), git(source, "for-each-ref"), git(source, "count-objects")
    commit = bundle(source, "HEAD", "true", tmp_path / "bundle")
    checkout(tmp_path / "bundle", commit, tmp_path / "there")
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == [".git", ".gitignore", "file", "untracked"]
    assert (tmp_path / "there" / "file").read_text() == "not committed"
    assert git(tmp_path / "there", "rev-parse", "HEAD~1") == git(source, "rev-parse", "HEAD")
    assert (git(source, "status", "--porcelain"), git(source, "for-each-ref"), git(source, "count-objects")) == before


def test_same_files_are_the_same_commit(source: Path) -> None:
    (source / "untracked").write_text("not committed")
    assert bundle(source, "HEAD", "true") == bundle(source, "HEAD", "true") != bundle(source, "HEAD", "false")


def test_nothing_uncommitted_is_the_commit_itself(source: Path) -> None:
    assert bundle(source, "HEAD", "true") == git(source, "rev-parse", "HEAD")


def test_shallow_working_copy_travels_without_history(source: Path, tmp_path: Path) -> None:
    run("git", "clone", "--quiet", "--depth", "1", f"file://{source}", tmp_path / "shallow")
    commit = bundle(tmp_path / "shallow", "HEAD", "false", tmp_path / "bundle")
    checkout(tmp_path / "bundle", commit, tmp_path / "there")
    assert (tmp_path / "there" / "file").read_text() == "two"
    assert git(tmp_path / "there", "rev-list", "--count", "HEAD") == "1"


def test_nothing_is_bundled_for_a_node_that_has_it(source: Path) -> None:
    commit = git(source, "rev-parse", "HEAD")
    assert run("sh", FILES / "repo-bundle.sh", source, "HEAD", "false", commit) == commit


def test_ref_that_is_not_there_is_named(source: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        bundle(source, "nope", "false")
    assert failure.value.stderr == (
        f"Cannot sync {source}: 'nope' names no commit of a git working copy there. "
        "Name an existing branch, tag or commit.\n"
    )
