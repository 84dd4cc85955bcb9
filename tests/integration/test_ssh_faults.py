"""SSH to a host that is not as it should be: every failure has its own words, is bounded, and leaves files whole."""

from __future__ import annotations

import re
import stat
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    AuthenticationError,
    CommandTimeoutError,
    ConnectionError,
    FileError,
    HostKeyError,
    OutcomeUnknownError,
)
from ansible_collections.homelab.pve.plugins.module_utils.executor import LocalExecutor, SSHExecutor
from ansible_collections.homelab.pve.plugins.module_utils.ssh_host_keys import read, take_over
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Stand
from .tcp_tap import black_hole, silent, tapped
from .test_executor import FATHER, executor, on_father

pytestmark = pytest.mark.lab


def failing(stand: Stand, work: Callable[[SSHExecutor], Any], **changes: Any) -> Exception:
    """The error of work on father."""
    with pytest.raises(Exception) as caught:
        on_father(stand, work, **changes)
    return caught.value


def new_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(path)], check=True)
    return path


def fingerprint(key: Path) -> str:
    told = subprocess.run(["ssh-keygen", "-lf", str(key)], check=True, capture_output=True, text=True).stdout
    return told.split()[1]


@pytest.fixture
def father_key(stand: Stand) -> str:
    """Fingerprint of the key father shows."""
    (pinned,) = executor(stand).known_hosts
    return next(read(pinned, FATHER)).key.fingerprint


# ------------------------------------------------------------------ host keys


def test_a_host_is_pinned_on_first_use(stand: Stand, tmp_path: Path, father_key: str) -> None:
    pins = tmp_path / "pins" / "known_hosts"

    def twice(ssh: SSHExecutor) -> list[str | None]:
        ssh.run(["true"])
        first = ssh.newly_pinned
        again = executor(stand, known_hosts=pins, strict=True)
        again.run(["true"])
        again.close()
        return [first, again.newly_pinned]

    assert on_father(stand, twice, known_hosts=pins, strict=False) == [father_key, None]
    assert stat.S_IMODE(pins.stat().st_mode) == 0o600
    told = subprocess.run(["ssh-keygen", "-F", FATHER, "-f", str(pins)], capture_output=True, text=True, check=True)
    assert f"Host {FATHER} found: line 1" in told.stdout


def test_an_unknown_host_is_refused(stand: Stand, tmp_path: Path, father_key: str) -> None:
    error = failing(stand, lambda ssh: ssh.run(["true"]), known_hosts=tmp_path / "empty")
    assert isinstance(error, HostKeyError)
    assert str(error) == (
        f"Cannot reach {FATHER} port 22: its host key {father_key} is unknown. It is in none of {tmp_path}/empty. "
        f"Compare the fingerprint with what 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub' prints on {FATHER}, "
        "then pin it."
    )


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("strict", [True, False])
def test_a_changed_host_key_is_refused(stand: Stand, tmp_path: Path, father_key: str, kind: str, strict: bool) -> None:
    other = new_key(tmp_path / "key", kind)
    pinned = tmp_path / "known_hosts"
    before = f"# a comment\n{FATHER} {other.with_suffix('.pub').read_text()}"
    pinned.write_text(before)
    error = failing(stand, lambda ssh: ssh.run(["true"]), known_hosts=pinned, strict=strict)
    assert isinstance(error, HostKeyError)
    assert str(error) == (
        f"Cannot reach {FATHER} port 22: it shows the host key {error_key(error)}, but {fingerprint(other)} is pinned "
        f"in {pinned} line 2. If the host was installed anew, remove that line; if not, somebody may be between you "
        "and the host."
    )
    assert error_key(error) == father_key or kind != "ed25519"
    assert pinned.read_text() == before


def error_key(error: Exception) -> str:
    return str(re.findall(r"SHA256:\S+(?=,)", str(error))[0])


def test_a_revoked_host_key_is_refused(stand: Stand, tmp_path: Path, father_key: str) -> None:
    (known,) = executor(stand).known_hosts
    revoking = tmp_path / "known_hosts"
    revoking.write_text("".join(f"@revoked {line}\n" for line in known.read_text().splitlines()))
    error = failing(stand, lambda ssh: ssh.run(["true"]), known_hosts=[revoking, known])
    assert str(error) == (
        f"Cannot reach {FATHER} port 22: its host key {father_key} is revoked. Give the host a new key."
    )


def test_pins_are_taken_over_from_hashed_names(stand: Stand, tmp_path: Path, father_key: str) -> None:
    (known,) = executor(stand).known_hosts
    hashed, pins = tmp_path / "hashed", tmp_path / "pins"
    hashed.write_text(known.read_text())
    subprocess.run(["ssh-keygen", "-H", "-f", str(hashed)], check=True, capture_output=True)
    assert father_key in [key.fingerprint for key in take_over(hashed, pins, FATHER, 22)]
    assert on_father(stand, lambda ssh: ssh.run(["true"]), known_hosts=pins).success


# ------------------------------------------------------------------ who we are


def admitted(stand: Stand, key: Path) -> None:
    """Let a key into father's root account."""
    public = key.with_suffix(".pub").read_text()
    stand.ssh("father", f"echo '{public.strip()}' >> /root/.ssh/authorized_keys")


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("passphrase", ["", "open sesame"], ids=["plain", "encrypted"])
def test_keys_of_every_kind(stand: Stand, tmp_path: Path, kind: str, passphrase: str) -> None:
    key = new_key(tmp_path / "key", kind, passphrase)
    admitted(stand, key)
    options = {"key_path": key, "passphrase": passphrase or "not needed", "identities_only": True}
    assert on_father(stand, lambda ssh: ssh.run(["true"]), **options).success


def test_the_agents_key(stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, place = new_key(tmp_path / "key"), tmp_path / "agent"
    admitted(stand, key)
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(place)], stdout=subprocess.PIPE)
    try:
        assert agent.stdout
        agent.stdout.readline()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        subprocess.run(["ssh-add", "-q", str(key)], check=True)
        key.unlink()
        assert on_father(stand, lambda ssh: ssh.run(["true"]), key_path=None).success
    finally:
        agent.kill()
        agent.wait()


REFUSED = "Check the user name, and that the public key is in the user's authorized_keys there."


@pytest.mark.parametrize("case", ["other", "missing", "encrypted", "wrong passphrase", "no key", "password", "none"])
def test_what_was_offered_is_told(stand: Stand, tmp_path: Path, case: str) -> None:
    key = tmp_path / "key"
    if case in {"other", "encrypted", "wrong passphrase"}:
        new_key(key, passphrase="" if case == "other" else "open sesame")
    elif case == "no key":
        key.write_text("nonsense")
    options = {
        "key_path": None if case in {"password", "none"} else key,
        "password": "wrong" if case == "password" else None,
        "passphrase": "wrong" if case == "wrong passphrase" else None,
    }
    offered: dict[str, Callable[[], str]] = {
        "other": lambda: f"the key {key} ({fingerprint(key)})",
        "missing": lambda: f"the key {key} (not readable: No such file or directory)",
        "encrypted": lambda: f"the key {key} (encrypted: give its passphrase, or add it to the agent with ssh-add)",
        "wrong passphrase": lambda: f"the key {key} (no private key, or not of this passphrase)",
        "no key": lambda: f"the key {key} (no private key)",
        "password": lambda: "a password",
        "none": lambda: "nothing, for there is no key",
    }
    error = failing(stand, lambda ssh: ssh.run(["true"]), identities_only=True, **options)
    assert isinstance(error, AuthenticationError)
    assert str(error) == f"{FATHER} port 22 does not accept root. Offered: {offered[case]()}. {REFUSED}"
    assert "wrong" not in str(error).replace("wrong passphrase", "")


def test_an_unknown_user(stand: Stand) -> None:
    error = failing(stand, lambda ssh: ssh.run(["true"]), user="nobody-there")
    assert str(error).startswith(f"{FATHER} port 22 does not accept nobody-there. Offered: the key ")


# ------------------------------------------------------------------ jump hosts


def test_through_another_host(stand: Stand) -> None:
    """From father to its own sshd on its loopback address."""
    jump = executor(stand)
    (known,) = jump.known_hosts

    def over(_: SSHExecutor) -> str:
        inner = SSHExecutor("127.0.0.1", key_path=jump.key_paths, known_hosts=known.parent / "of-inner", strict=False,
                            jump=jump)  # fmt: skip
        try:
            return inner.run(["hostname"]).stdout + inner.run(["sh", "-c", "echo $SSH_CONNECTION"]).stdout
        finally:
            inner.close()

    assert on_father(stand, over).startswith("father\n127.0.0.1 ")


def test_a_jump_host_that_reaches_nothing(stand: Stand) -> None:
    jump = executor(stand)

    def over(_: SSHExecutor) -> None:
        try:
            SSHExecutor("127.0.0.1", port=9, key_path=jump.key_paths, jump=jump).run(["true"])
        finally:
            jump.close()

    assert str(failing(stand, over)) == (
        f"Cannot reach 127.0.0.1 port 9: Connect failed, says the jump host {FATHER}. "
        "Check that the host is up and that the address and port are right."
    )


# ------------------------------------------------------------------ connections


ADVICE = "Check that the host is up and that the address and port are right."


def test_nothing_answers(stand: Stand) -> None:
    def refused(_: SSHExecutor) -> None:
        SSHExecutor("127.0.0.1", port=9).run(["true"])

    def swallowed(_: SSHExecutor) -> None:
        with black_hole() as port:
            SSHExecutor("127.0.0.1", port=port, connect_timeout=0.2).run(["true"])

    def mute(_: SSHExecutor) -> None:
        with silent() as port:
            SSHExecutor("127.0.0.1", port=port, connect_timeout=0.2).run(["true"])

    errors = [failing(stand, work) for work in (refused, swallowed, mute)]
    assert [type(error) for error in errors] == [ConnectionError] * 3
    assert [re.sub(r"port \d+", "port P", str(error)) for error in errors] == [
        f"Cannot reach 127.0.0.1 port P: Connection refused. {ADVICE}",
        f"Cannot reach 127.0.0.1 port P: no answer in time. {ADVICE}",
        "Cannot reach 127.0.0.1 port P: something accepts connections there, but does not speak as sshd does. "
        + ADVICE,
    ]


def through_tap(stand: Stand, work: Callable[[SSHExecutor, Any], Any]) -> Any:
    """Work with an executor whose connection goes through a tap."""

    def run() -> Any:
        with tapped(FATHER) as tap:
            ssh = executor(stand)
            ssh.host, ssh.port = "127.0.0.1", tap.port
            ssh.known_hosts, ssh.strict = [ssh.known_hosts[0].parent / f"tap-{tap.port}"], False
            try:
                return work(ssh, tap)
            finally:
                ssh.close()

    return stand.in_lab(run)


def test_one_connection_for_many_commands(stand: Stand) -> None:
    def many(ssh: SSHExecutor, tap: Any) -> tuple[list[str], int]:
        with ThreadPoolExecutor(30) as pool:
            said = list(pool.map(lambda number: ssh.run(["echo", str(number)]).stdout.strip(), range(60)))
        return said, tap.connections

    assert through_tap(stand, many) == ([str(number) for number in range(60)], 1)


def test_an_idle_connection_that_was_closed_is_made_anew(stand: Stand) -> None:
    def again(ssh: SSHExecutor, tap: Any) -> tuple[str, int]:
        ssh.run(["true"])
        tap.cut()
        return ssh.run(["echo", "back"]).stdout, tap.connections

    assert through_tap(stand, again) == ("back\n", 2)


def test_a_connection_that_breaks_while_a_command_runs(stand: Stand, tmp_path: Path) -> None:
    def broken(ssh: SSHExecutor, tap: Any) -> int:
        with pytest.raises(OutcomeUnknownError, match=r"the connection broke while a command ran\. The command may or"):
            ssh.run(["sh", "-c", "echo started; sleep 60"], on_output=lambda _stream, _text: tap.cut())
        return int(tap.connections)

    assert through_tap(stand, broken) == 1  # not repeated


def test_a_connection_that_breaks_during_a_transfer(stand: Stand, tmp_path: Path) -> None:
    source, target = tmp_path / "source", Path("/root/cut")
    source.write_bytes(bytes(8_000_000))

    def broken(ssh: SSHExecutor, tap: Any) -> str:
        ssh.run(["sh", "-c", f"echo old > {target}"])
        tap.cut_after = 2_000_000
        with pytest.raises(ConnectionError) as caught:
            ssh.push_file(source, target)
        assert "the connection broke during a transfer. The file there is as it was. Try again." in str(caught.value)
        tap.cut_after = None
        return ssh.read_file(target)

    assert through_tap(stand, broken) == "old\n"


# ------------------------------------------------------------------ commands


def test_output_arrives_while_the_command_runs(stand: Stand) -> None:
    """The command waits for a file that is only made when its first line has arrived."""
    script = "echo first; while [ ! -e /root/go-on ]; do sleep 0.01; done; rm /root/go-on; echo err >&2; echo last"
    heard: list[tuple[str, str]] = []

    def streamed(ssh: SSHExecutor) -> Any:
        def hear(stream: str, text: str) -> None:
            heard.append((stream, text))
            if text == "first\n":
                ssh.run(["touch", "/root/go-on"])

        return ssh.run(["sh", "-c", script], on_output=hear)

    result = on_father(stand, streamed)
    assert (result.stdout, result.stderr) == ("first\nlast\n", "err\n")
    assert heard[0] == ("stdout", "first\n")
    assert sorted(heard[1:]) == [("stderr", "err\n"), ("stdout", "last\n")]


def test_a_callback_that_fails_ends_the_command(stand: Stand) -> None:
    def hear(_stream: str, _text: str) -> None:
        raise RuntimeError("enough")

    error = failing(stand, lambda ssh: ssh.run(["sh", "-c", "while echo x; do :; done"], on_output=hear))
    assert str(error) == "enough"


def test_a_command_that_is_stopped_is_gone_there_too(stand: Stand) -> None:
    def stopped(ssh: SSHExecutor) -> int:
        with pytest.raises(CommandTimeoutError, match=f"'sh' on {FATHER} did not end within 0.3 s and was stopped."):
            ssh.run(["sh", "-c", "sleep 4711 & sleep 4711"], timeout=0.3)
        with pytest.raises(CommandTimeoutError):
            ssh.run(["sh", "-c", "sleep 4711 & while :; do echo x; done"], timeout=0.3)
        return ssh.run(["pgrep", "-fx", "sleep 4711"], check=False).returncode

    assert on_father(stand, stopped) == 1


def test_a_death_by_signal_is_the_shells_status(stand: Stand) -> None:
    assert on_father(stand, lambda ssh: ssh.run(["sh", "-c", "kill -9 $$"], check=False)).returncode == 137


# ------------------------------------------------------------------ a login that prints, and a full disk


@pytest.fixture
def noisy(stand: Stand) -> Any:
    """Father with start-up files that print."""
    stand.ssh("father", "cp -p /root/.bashrc /root/.bashrc.quiet 2>/dev/null; "
              "printf 'echo Welcome to father\\necho mind the gap >&2\\n' > /root/.bashrc")  # fmt: skip
    yield
    stand.try_ssh("father", "rm /root/.bashrc; mv /root/.bashrc.quiet /root/.bashrc")


@pytest.mark.usefixtures("noisy")
def test_noise_of_a_login_is_left_out(stand: Stand, tmp_path: Path) -> None:
    assert "Welcome" in stand.ssh("father", "true")
    result = on_father(stand, lambda ssh: ssh.run(["sh", "-c", "echo out; echo err >&2"]))
    assert (result.stdout, result.stderr) == ("out\n", "err\n")


@contextmanager
def another_sshd(stand: Stand, *options: str) -> Iterator[int]:
    """A second sshd on father with other options; yields its port."""
    words = " ".join(f"-o '{option}'" for option in (*options, "Port=2222", "PidFile=/run/other-sshd.pid"))
    stand.ssh("father", "grep -v Subsystem /etc/ssh/sshd_config > /run/other-sshd.conf")
    stand.ssh("father", f"/usr/sbin/sshd -f /run/other-sshd.conf {words}")
    # It goes to the background first and writes this file once it listens.
    stand.ssh("father", "timeout 10 sh -c 'until test -s /run/other-sshd.pid; do sleep 0.01; done'")
    try:
        yield 2222
    finally:
        stand.ssh("father", "kill $(cat /run/other-sshd.pid); rm -f /run/other-sshd.pid")


@pytest.mark.usefixtures("noisy")
def test_a_transfer_into_a_noisy_login(stand: Stand, tmp_path: Path) -> None:
    """sshd's own SFTP needs no shell; the program Debian uses by default is started by one."""
    (tmp_path / "file").write_text("x")
    pins = tmp_path / "pins"
    assert on_father(stand, lambda ssh: ssh.push_file(tmp_path / "file", Path("/root/file")))
    with another_sshd(stand, "Subsystem=sftp /usr/lib/openssh/sftp-server") as port:
        error = failing(
            stand,
            lambda ssh: ssh.push_file(tmp_path / "file", Path("/root/file")),
            port=port,
            known_hosts=pins,
            strict=False,
        )
    assert str(error) == (
        f"Cannot reach {FATHER} port 2222: what answers there is not SFTP. Most often a start-up file of the login "
        "shell prints text, which it must do for terminals only."
    )


def test_a_password(stand: Stand, tmp_path: Path) -> None:
    stand.ssh("father", "echo root:open-sesame | chpasswd")
    with another_sshd(stand, "PermitRootLogin=yes", "PasswordAuthentication=yes") as port:
        known = {"port": port, "known_hosts": tmp_path / "pins", "strict": False, "key_path": None}
        right = on_father(stand, lambda ssh: ssh.run(["true"]), password="open-sesame", **known)
        wrong = failing(stand, lambda ssh: ssh.run(["true"]), password="hunter2", identities_only=True, **known)
    assert right.success
    assert str(wrong) == f"{FATHER} port 2222 does not accept root. Offered: a password. {REFUSED}"


def test_a_full_disk_leaves_the_old_file(stand: Stand, tmp_path: Path) -> None:
    source, target = tmp_path / "source", Path("/root/full/file")
    source.write_bytes(bytes(4_000_000))
    stand.ssh("father", "mkdir -p /root/full; mount -t tmpfs -o size=1m tmpfs /root/full; echo old > /root/full/file")
    try:
        error = failing(stand, lambda ssh: ssh.push_file(source, target))
        assert isinstance(error, FileError)
        assert str(error) == (
            f"Cannot write /root/full/file on {FATHER}: Failure. The host does not say why; often its disk is full: "
            "look at 'df -h' there."
        )
        assert stand.ssh("father", "cat /root/full/file; ls -A /root/full") == "old\nfile\n"
    finally:
        stand.ssh("father", "umount /root/full")


@pytest.mark.parametrize(
    ("verb", "path", "reason"),
    [
        ("read", "/no/such/file", "No such file"),
        ("read", "/root", "Failure"),
        ("write", "/no/such/folder/file", "No such file"),
        ("write", "/proc/version", "No such file"),
    ],
)
def test_files_that_cannot_be(stand: Stand, tmp_path: Path, verb: str, path: str, reason: str) -> None:
    (tmp_path / "file").write_text("x")

    def work(ssh: SSHExecutor) -> object:
        return ssh.read_file(Path(path)) if verb == "read" else ssh.push_file(tmp_path / "file", Path(path))

    error = failing(stand, work)
    assert isinstance(error, FileError)
    assert str(error).startswith(f"Cannot {verb} {path} on {FATHER}: {reason}.")


# ------------------------------------------------------------------ files


def test_a_replaced_file_keeps_its_owner_and_a_link_its_place(stand: Stand, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("new")
    source.chmod(0o600)
    stand.ssh("father", "mkdir -p /root/place; cd /root/place; echo old > file; chown 33:34 file; ln -sf file link")

    def push(ssh: SSHExecutor) -> str:
        ssh.push_file(source, Path("/root/place/link"), mode=0o640)
        ssh.push_file(source, Path("/root/place/given"), owner="www-data:backup")
        look = "cd /root/place; stat -c '%n %U %G %a %F' file link given; cat file; ls -A | wc -l"
        return ssh.run(["sh", "-c", look]).stdout

    assert on_father(stand, push).splitlines() == [
        "file www-data backup 640 regular file",
        "link root root 777 symbolic link",
        "given www-data backup 600 regular file",
        "new3",
    ]


NAMES = st.text(st.characters(exclude_characters="\x00/", exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda name: name not in {".", ".."} and len(name.encode()) < 200
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES, content=st.binary(max_size=200_000))
def test_what_was_pushed_is_read_back(stand: Stand, tmp_path: Path, name: str, content: bytes) -> None:
    source = tmp_path / "source"
    source.write_bytes(content)

    def there_and_back(ssh: SSHExecutor) -> str:
        ssh.run(["mkdir", "-p", "/root/names"])
        ssh.push_file(source, Path("/root/names") / name)
        return ssh.read_file(Path("/root/names") / name)

    assert on_father(stand, there_and_back).encode("utf-8", "surrogateescape") == content


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    arguments=st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), max_size=5),
    stdin=st.text(st.characters(exclude_categories=["Cs"])),
    code=st.integers(0, 255),
)
def test_the_same_command_here_and_there(stand: Stand, arguments: list[str], stdin: str, code: int) -> None:
    cmd = ["sh", "-c", 'printf "%s\\0" "$@"; cat; printf "%s" "$*" >&2; exit "$0"', str(code), *arguments]
    here = LocalExecutor().run(cmd, check=False, stdin=stdin)
    assert on_father(stand, lambda ssh: ssh.run(cmd, check=False, stdin=stdin)) == here
