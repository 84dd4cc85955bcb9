"""Whoever can write the log, but has no key, can't forge what was signed."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios import audit, audit_signing
from scenarios.audit_cli import audit as command
from scenarios.errors import UsageError


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "audit.key"
    audit_signing.generate(path)
    return path


def log(count: int) -> Path:
    path = audit.default_path()
    for number in range(count):
        audit.append(path, "phase", message=f"m{number}")
    return path


def invoke(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, list(words))
    return result.exit_code, result.output + (str(result.exception) if result.exception else "")


def verified(key: Path) -> tuple[int, str]:
    return invoke("verify", "--public-key", f"{key}.pub")


def test_a_signed_log_verifies_with_the_public_key_alone(key: Path) -> None:
    path = log(3)
    assert invoke("sign", "--key", str(key)) == (0, f"3 entries signed: {audit_signing.signature_path(path)}\n")
    key.unlink()
    assert verified(key) == (0, f"3 entries, none changed, removed or moved, all signed: {path}\n")


def forged(path: Path) -> None:
    """A whole log made anew, with its head, as somebody does who may write both."""
    count = len(audit.read(path))
    path.unlink()
    audit.head_path(path).unlink()
    for number in range(count):
        audit.append(path, "phase", message=f"forged {number}")


def appended(path: Path) -> None:
    audit.append(path, "phase", message="not me")


def cut(path: Path) -> None:
    lines = audit.read(path)[:-1]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    audit.head_path(path).write_text(json.dumps({"entries": len(lines), "last": audit.digest(lines[-1])}))


def unsigned(path: Path) -> None:
    audit_signing.signature_path(path).unlink()


def damaged(path: Path) -> None:
    audit_signing.signature_path(path).write_text("{", encoding="utf-8")


def signed_by_another(path: Path) -> None:
    other = path.with_name("other.key")
    audit_signing.generate(other)
    head = audit.read_head(path)
    assert head
    audit_signing.sign(path, head, other)


@pytest.mark.parametrize(
    ("crime", "message"),
    [
        (forged, "entry 3 or one before it is not what was signed"),
        (appended, "the entries after 3 are not signed"),
        (cut, "entry 3 and later ones are missing: 3 were signed"),
        (unsigned, "it is not signed"),
        (damaged, "its signature is not one of the key SHA256:"),
        (signed_by_another, "its signature is not one of the key SHA256:"),
    ],
)
def test_a_forgery_is_found(crime: object, message: str, key: Path) -> None:
    path = log(3)
    invoke("sign", "--key", str(key))
    crime(path)  # type: ignore[operator]
    # The chain by itself is in order.
    assert invoke("verify")[0] == 0
    code, said = verified(key)
    assert code == 1
    assert message in said


def test_a_damaged_log_is_not_signed(key: Path) -> None:
    path = log(2)
    path.write_text(path.read_text(encoding="utf-8").replace("m0", "mX"), encoding="utf-8")
    code, said = invoke("sign", "--key", str(key))
    assert code == 1
    assert "so it is not signed" in said


def test_with_the_setting_every_entry_is_signed(key: Path, tmp_path: Path) -> None:
    settings_file = tmp_path / "config" / "homelab-pve" / "config.yaml"
    settings_file.parent.mkdir(parents=True)
    settings_file.write_text(f"audit:\n  key: {key}\n", encoding="utf-8")
    log(2)
    assert verified(key)[0] == 0
    settings_file.write_text("audit:\n  key: /no/such/key\n", encoding="utf-8")
    with pytest.raises(UsageError, match="The key /no/such/key can't be read: No such file or directory"):
        log(1)


def test_a_key_is_private_and_never_replaced(key: Path) -> None:
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="exists already"):
        audit_signing.generate(key)


def test_keys_of_openssh(tmp_path: Path) -> None:
    path = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    log(1)
    assert invoke("sign", "--key", str(path))[0] == 0
    assert verified(path)[0] == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (["-t", "rsa", "-N", ""], "is no ed25519 key"),
        (["-t", "ed25519", "-N", "secret phrase"], "can be read without a passphrase"),
    ],
)
def test_keys_that_will_not_do(make: list[str], message: str, tmp_path: Path) -> None:
    path = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", *make, "-f", str(path)], check=True)
    with pytest.raises(UsageError, match=message):
        audit_signing.read_private(path)


def test_what_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("no key", encoding="utf-8")
    with pytest.raises(UsageError, match="is no private key"):
        audit_signing.read_private(path)
    with pytest.raises(UsageError, match="is no public key"):
        audit_signing.read_public(path)


@settings(max_examples=30)
@given(st.integers(1, 6), st.data())
def test_any_changed_count_or_hash_or_signature_is_found(count: int, data: st.DataObject) -> None:
    private = Ed25519PrivateKey.generate()
    digests = [audit.digest(str(number)) for number in range(count)]
    head = {"entries": count, "last": digests[-1]}
    good = {**head, "signature": base64.b64encode(private.sign(audit_signing.signed_text(head))).decode()}
    assert audit_signing.problem(digests, good, private.public_key()) is None
    field = data.draw(st.sampled_from(["entries", "last", "signature"]))
    wrong = data.draw(st.integers(0, 9) if field == "entries" else st.text(max_size=90))
    if wrong != good[field]:
        assert audit_signing.problem(digests, {**good, field: wrong}, private.public_key()) is not None


FULL = """
import resource, sys
from pathlib import Path
from scenarios import audit
path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, resource.RLIM_INFINITY))
try:
    audit.append_all(path, [{"event": "change", "id": "x" * 60}, {"event": "change", "id": "y" * 60}])
except OSError as error:
    print(type(error).__name__)
"""


def test_a_full_disk_leaves_the_log_as_it_was() -> None:
    # A limit of a file's size is met as a full disk is: in the middle of a write.
    path = log(2)
    before = path.read_bytes()
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "OSError\n"
    assert path.read_bytes() == before
    assert audit.problem(audit.read(path), audit.read_head(path)) is None
    log(1)
    assert invoke("verify")[0] == 0


def test_what_is_no_file_is_no_log(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.symlink_to("/dev/full")
    with pytest.raises(OSError, match="no file a log could be kept in"):
        audit.append(path, "x")


@given(st.lists(st.integers(0, 4), max_size=6))
def test_entries_added_together_are_a_chain(sizes: list[int]) -> None:
    path = audit.default_path().with_name(f"chain-{'-'.join(map(str, sizes))}.jsonl")
    for file in (path, audit.head_path(path)):
        file.unlink(missing_ok=True)
    for size in sizes:
        audit.append_all(path, [{"event": "e", "n": number} for number in range(size)])
    lines = audit.read(path)
    assert len(lines) == sum(sizes)
    assert audit.problem(lines, audit.read_head(path)) is None
