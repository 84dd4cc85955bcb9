"""Editing an SSH configuration: only our block changes, whatever else stands there."""

from __future__ import annotations

import stat
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.executor import LocalExecutor
from ansible_collections.homelab.pve.plugins.module_utils.ssh_config import (
    BACKUP,
    END,
    HOSTNAME,
    MARK,
    PATH,
    USER,
    SSHConfigParser,
    split_line,
    split_lines,
    with_host,
    without_host,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

RICH = """\
# my hosts\r
User=admin\t
Include config.d/*

Host  bastion "odd name" *.example.com !bad.example.com\r
\tHostName = 192.0.2.1   # the one at the door
  identityfile "~/my keys/id"
  IdentityFile ~/.ssh/second
  NoSuchKeyword what ever
# above the match
Match host pve* exec "test -e /tmp"
 ForwardAgent yes

Host *
    Port 2200
   # at the end, without a line feed"""


def config(folder: Path, text: str = "") -> SSHConfigParser:
    path = folder / "config"
    if text:
        path.write_bytes(text.encode())
    return SSHConfigParser(path)


def test_a_host_is_added_and_nothing_else_changes(tmp_path: Path) -> None:
    parser = config(tmp_path, RICH)
    parser.add_host("pve1", "192.0.2.10", identity_file="~/keys of mine/id", port=2222)
    text = parser.config_path.read_bytes().decode()
    assert text == (
        f"{MARK} pve1\r\nHost pve1\r\n    HostName 192.0.2.10\r\n    User root\r\n    Port 2222\r\n"
        f'    IdentityFile "~/keys of mine/id"\r\nMatch all\r\n{END} pve1\r\n{RICH}'
    )
    assert stat.S_IMODE(parser.config_path.stat().st_mode) == 0o600
    backup = tmp_path / f"config{BACKUP}"
    assert (backup.read_bytes().decode(), stat.S_IMODE(backup.stat().st_mode)) == (RICH, 0o600)
    assert parser.remove_host("pve1")
    assert parser.config_path.read_bytes().decode() == RICH


def test_a_new_file_is_private(tmp_path: Path) -> None:
    parser = SSHConfigParser(tmp_path / "new" / "config")
    parser.add_host("pve1", "pve1.example.com")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (parser.config_path.parent, parser.config_path)]
    assert modes == [0o700, 0o600]
    assert parser.remove_host("pve1")
    assert parser.config_path.read_text() == ""


def test_a_linked_file_stays_linked(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").write_text("User joe\n")
    (tmp_path / "config").symlink_to("dotfiles")
    config(tmp_path).add_host("pve1", "192.0.2.10")
    assert (tmp_path / "config").is_symlink()
    assert (tmp_path / "dotfiles").read_text().endswith(f"{END} pve1\nUser joe\n")


def test_hosts_keep_the_order_of_their_addition(tmp_path: Path) -> None:
    parser = config(tmp_path, "User joe\n")
    for name in ("b", "a", "c"):
        parser.add_host(name, "192.0.2.10")
    assert [host["name"] for host in parser.list_hosts()] == ["b", "a", "c"]


LISTED = f"""\
Host plain
    HostName 192.0.2.1
{MARK}
Host above other *.pattern
    HostName 192.0.2.2
Host inside
    Port 2222
    {MARK} by hand
    User joe
Match all
    User nobody
"""


def test_only_marked_hosts_are_listed(tmp_path: Path) -> None:
    parser = config(tmp_path, LISTED)
    assert parser.list_hosts() == [
        {"name": "above", "hostname": "192.0.2.2"},
        {"name": "other", "hostname": "192.0.2.2"},
        {"name": "inside", "port": 2222, "user": "joe"},
    ]
    assert parser.get_host("plain") == {"name": "plain", "hostname": "192.0.2.1"}
    assert parser.get_host("x.pattern") is None


def test_included_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh" / "config.d").mkdir(parents=True)
    (tmp_path / ".ssh" / "config.d" / "one").write_text(f"{MARK}\nHost one\n")
    (tmp_path / "two").write_text(f"Include ~/two\n{MARK}\nHost two\n")
    (tmp_path / ".ssh" / "config").write_text("Include config.d/* ~/two nothing/*\n")
    parser = SSHConfigParser()
    assert {str(host["name"]) for host in parser.list_hosts()} == {"one", "two"}
    with pytest.raises(ConfigError, match=f"{tmp_path}/.ssh/config.d/one:2: there is a host 'one' already"):
        parser.add_host("one", "192.0.2.10")


NAME_RULE = "it has letters, digits, '.', '_' and '-' only, and no '.' or '-' first."


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"name": "a b"}, f"A host's name cannot be 'a b': {NAME_RULE}"),
        ({"name": "-oProxyCommand=x"}, f"A host's name cannot be '-oProxyCommand=x': {NAME_RULE}"),
        ({"name": "a\nMatch all"}, f"A host's name cannot be 'a\nMatch all': {NAME_RULE}"),
        ({"name": ""}, f"A host's name cannot be '': {NAME_RULE}"),
        ({"hostname": "h\n  X y"}, "HostName cannot be 'h\n  X y': it is a DNS name or an address without brackets."),
        ({"hostname": "[::1]"}, "HostName cannot be '[::1]': it is a DNS name or an address without brackets."),
        ({"user": "r t"},
         "User cannot be 'r t': it has no spaces, quotes or any of #%$\\, and does not begin with - or =."),
        ({"port": 0}, "Port cannot be 0: it is a number from 1 to 65535."),
        ({"port": 65536}, "Port cannot be 65536: it is a number from 1 to 65535."),
        ({"identity_file": 'a"b'}, "IdentityFile cannot be 'a\"b': it is the path of a private key."),
        ({"identity_file": "none"}, "IdentityFile cannot be 'none': it is the path of a private key."),
        ({"proxy_jump": "a b"}, "ProxyJump cannot be 'a b': it is a list of [user@]host[:port] with commas between."),
    ],
)  # fmt: skip
def test_values_that_cannot_be(tmp_path: Path, wish: dict[str, Any], message: str) -> None:
    parser = config(tmp_path, RICH)
    with pytest.raises(ConfigError) as caught:
        parser.add_host(**{"name": "pve1", "hostname": "192.0.2.10", **wish})
    assert str(caught.value) == message
    assert parser.config_path.read_bytes().decode() == RICH
    assert not parser.config_path.with_name(f"config{BACKUP}").exists()


def test_a_duplicate_is_refused(tmp_path: Path) -> None:
    parser = config(tmp_path, RICH)
    with pytest.raises(ConfigError) as caught:
        parser.add_host("bastion", "192.0.2.10")
    assert str(caught.value) == f"{tmp_path}/config:5: there is a host 'bastion' already"


def test_a_block_that_is_not_ours_stays(tmp_path: Path) -> None:
    parser = config(tmp_path, LISTED)
    with pytest.raises(ConfigError) as caught:
        parser.remove_host("above")
    assert str(caught.value) == (
        f"{tmp_path}/config:4: 'above' was not added by 'host add'. Remove it there, or just its comment '{MARK}'."
    )
    assert not parser.remove_host("nobody")
    assert parser.config_path.read_text() == LISTED


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('HostName "192.0.2.1', "a quote is not closed"),
        ("HostName", "HostName has no value"),
        ("Host   # nothing", "Host has no value"),
        ("= x", "a line begins with a keyword"),
    ],
)
def test_a_broken_line_is_shown_and_nothing_is_written(tmp_path: Path, line: str, why: str) -> None:
    text = f"User joe\n{line}\nHost a\n"
    parser = config(tmp_path, text)
    for edit in (lambda: parser.add_host("pve1", "192.0.2.10"), lambda: parser.remove_host("pve1"), parser.list_hosts):
        with pytest.raises(ConfigError) as caught:
            edit()
        assert (caught.value.file, caught.value.line) == (f"{tmp_path}/config", 2)
        assert str(caught.value) == f"{tmp_path}/config:2: {why}: {line}"
    assert parser.config_path.read_text() == text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", ("", [])),
        ("  # Host a", ("", [])),
        ("Host a b\r\n", ("host", ["a", "b"])),
        ("  HostName=a", ("hostname", ["a"])),
        ("HostName = a", ("hostname", ["a"])),
        ('IdentityFile "a b"c', ("identityfile", ["a bc"])),
        ("IdentityFile 'a \"b' c", ("identityfile", ['a "b', "c"])),
        (r"IdentityFile a\"b", ("identityfile", ['a"b'])),
        ("Host a#b # c", ("host", ["a#b"])),
    ],
)
def test_lines_are_read_as_ssh_does(line: str, said: tuple[str, list[str]]) -> None:
    assert split_line(line) == said


# ------------------------------------------------------------------ properties

KEYWORDS = st.sampled_from(["User", "Port=", "HostName ", "ForwardAgent", "X", "Match", "Host", "host"])
LINES = st.one_of(
    st.builds(
        lambda indent, keyword, gap, value, end: f"{indent}{keyword}{gap}{value}{end}",
        st.sampled_from(["", "  ", "\t"]), KEYWORDS, st.sampled_from([" ", "=", " = ", "\t"]),
        st.sampled_from(["a", "b c", '"q r"', "*", "!a *", "all", "x # y"]), st.sampled_from(["\n", "\r\n"]),
    ),
    st.sampled_from(["\n", "\r\n", "# x\n", f"{MARK} other\n", f"{MARK}\n", f"  {END} other\n", "\x0b\x0c # x\n"]),
)  # fmt: skip
TEXTS = st.builds(lambda lines, rest: "".join(lines) + rest, st.lists(LINES), st.sampled_from(["", "# no line feed"]))
NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}", fullmatch=True)


@given(st.text())
def test_every_text_is_split_without_a_loss(text: str) -> None:
    assert "".join(split_lines(text)) == text


@given(TEXTS, NAMES)
def test_adding_and_removing_leaves_every_byte(text: str, name: str) -> None:
    added = with_host(text, name, {"HostName": "x"})
    lines, before = split_lines(added), split_lines(text)
    assert len(lines) == len(before) + 5
    assert any(lines[:at] + lines[at + 5 :] == before for at in range(len(before) + 1))
    assert without_host(added, name) == text


def valid(pattern: Any) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True).filter(lambda text: len(text) < 40)


@settings(max_examples=30)  # each writes files
@given(
    text=TEXTS,
    name=NAMES,
    hostname=valid(HOSTNAME.pattern),
    user=valid(USER.pattern),
    port=st.integers(1, 65_535),
    key=st.none() | valid(PATH.pattern).filter(lambda path: path.strip() == path),
)
def test_what_was_added_is_read_back(
    *, text: str, name: str, hostname: str, user: str, port: int, key: str | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        parser = config(Path(folder), text)
        assume(parser.get_host(name) is None)
        parser.add_host(name, hostname, user, port, key)
        expected = {"name": name, "hostname": hostname, "user": user, "port": port}
        assert parser.get_host(name) == (expected | {"identityfile": key} if key else expected)


@settings(max_examples=20)  # each writes files
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["a", "b", "c", "d"])), max_size=12))
def test_the_list_is_what_was_added_and_not_removed(edits: list[tuple[bool, str]]) -> None:
    expected: dict[str, None] = {}
    with tempfile.TemporaryDirectory() as folder:
        parser = config(Path(folder), "ForwardAgent yes\n\nHost *\n  User joe\n")
        for adds, name in edits:
            if not adds:
                assert parser.remove_host(name) == (name in expected)
                expected.pop(name, None)
            elif name not in expected:
                parser.add_host(name, "192.0.2.10")
                expected[name] = None
        assert [host["name"] for host in parser.list_hosts()] == list(expected)


EDITOR = """
import sys
from pathlib import Path
from ansible_collections.homelab.pve.plugins.module_utils.ssh_config import SSHConfigParser
parser = SSHConfigParser(Path(sys.argv[1]))
for number in range(8):
    parser.add_host(f"{sys.argv[2]}{number}", "192.0.2.10")
"""


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    parser = config(tmp_path, RICH)
    run = LocalExecutor().run
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: run([sys.executable, "-c", EDITOR, str(parser.config_path), name]), ["x", "y"]))
    assert {host["name"] for host in parser.list_hosts()} == {f"{name}{n}" for name in "xy" for n in range(8)}
    assert parser.config_path.read_bytes().decode().endswith(RICH)
