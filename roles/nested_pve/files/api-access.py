"""Tells, on a node and as root, how the node's API is reached: api-access.py USER NAME FILE [--make].

Prints JSON with the token's ``id`` and ``secret`` as FILE holds them, the SHA-256 ``fingerprint`` of the certificate
the API shows, and whether a token was ``made``. With --make a token that is missing or doesn't work is replaced. Errors
go to stderr and never hold the secret.
"""

from __future__ import annotations

import hashlib
import json
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

HOST, PORT = "localhost", 8006
CA = "/etc/pve/pve-root-ca.pem"
UNAUTHORIZED = 401


def works(token: dict[str, str]) -> bool:
    """Whether the API accepts a token."""
    request = urllib.request.Request(
        f"https://{HOST}:{PORT}/api2/json/version",
        headers={"Authorization": f"PVEAPIToken={token['full-tokenid']}={token['value']}"},
    )
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=CA))
    )
    try:
        with opener.open(request, timeout=30):
            return True
    except urllib.error.HTTPError as error:
        if error.code == UNAUTHORIZED:
            return False
        raise


def pveum(*words: str, check: bool = True) -> str:
    """Output of a ``pveum user token`` command."""
    done = subprocess.run(["pveum", "user", "token", *words], capture_output=True, text=True, check=False)
    if check and done.returncode:
        sys.exit(f"pveum user token {words[0]} failed: {done.stderr.strip()}")
    return done.stdout


def make(user: str, name: str, file: Path) -> dict[str, str]:
    """Replace the token, and keep the new one in ``file``, readable for root alone."""
    pveum("remove", user, name, check=False)
    answer = pveum("add", user, name, "--privsep", "0", "--comment", "made by homelab.pve", "--output-format", "json")
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(answer, encoding="utf-8")
    fresh.replace(file)
    return load(answer)


def load(text: str) -> dict[str, str]:
    """A token as ``pveum user token add`` printed it."""
    token: dict[str, str] = json.loads(text)
    return token


def main(user: str, name: str, path: str, *flags: str) -> None:
    """Print how the API is reached."""
    file = Path(path)
    token = load(file.read_text(encoding="utf-8")) if file.exists() else None
    made = "--make" in flags and (token is None or not works(token))
    if made:
        token = make(user, name, file)
    if token is None:
        sys.exit(f"There is no API token in {file}: run the playbook nested-pve-repos.yml on this node first.")
    certificate = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((HOST, PORT)))
    access = {"id": token["full-tokenid"], "secret": token["value"], "made": made}
    sys.stdout.write(json.dumps({**access, "fingerprint": hashlib.sha256(certificate).hexdigest()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
