"""Builds an apt repository of stand-ins for the packages of Proxmox VE, signed with a key made here.

``repository.py FOLDER`` makes ``FOLDER/repository.tar``, and ``FOLDER/key.sha256`` with the checksum of the key in it.
It needs dpkg-deb and gpg.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from textwrap import dedent

COMPONENT = "pve-no-subscription"


@dataclass(frozen=True)
class Package:
    """A Debian package: what it depends on, its files by path, and the script that dpkg runs when it is installed."""

    name: str
    # Older ones than Debian has would be broken by packages of Debian that say so.
    version: str = "100"
    depends: str = ""
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    postinst: str = ""

    @property
    def control(self) -> str:
        """Its control file."""
        depends = f"Depends: {self.depends}\n" if self.depends else ""
        return (
            f"Package: {self.name}\nVersion: {self.version}\nArchitecture: all\n{depends}"
            f"Maintainer: nobody <nobody@example.com>\nDescription: stand-in for {self.name}\n"
        )


# The kernel that runs is the one that was there when the machine booted, as /run begins empty.
UNAME = """\
#!/bin/sh
[ "$*" = -r ] && [ -e /run/stand-in-kernel ] && exec cat /run/stand-in-kernel
exec /bin/uname "$@"
"""
BOOTED = "C /run/stand-in-kernel - - - - /usr/share/stand-in-kernel\n"
# As of pve-cluster, which refuses a name that stands for an address of the loopback network.
MANAGER_POSTINST = """\
#!/bin/sh
set -e
if getent ahosts "$(hostname)" | grep -q "^127"; then
    echo "Unable to resolve node name to a non-loopback IP address" >&2
    exit 1
fi
# apt gives scripts a PATH of its own.
/usr/local/bin/uname -r > /etc/pve/installed-under
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -keyout /etc/pve/pve-ssl.key -out /etc/pve/pve-root-ca.pem 2> /dev/null
systemctl enable --now pveproxy.service
"""
API = """\
import http.server, ssl

class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"data": []}')

server = http.server.HTTPServer(("127.0.0.1", 8006), Api)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/etc/pve/pve-root-ca.pem", "/etc/pve/pve-ssl.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
PROXY_UNIT = """\
[Service]
ExecStart=/usr/bin/python3 /usr/share/pve-manager/api.py
[Install]
WantedBy=multi-user.target
"""
ENTERPRISE = {
    "bookworm": ("pve-enterprise.list", "deb https://enterprise.proxmox.com/debian/pve bookworm pve-enterprise\n"),
    "trixie": (
        "pve-enterprise.sources",
        "Types: deb\nURIs: https://enterprise.proxmox.com/debian/pve\nSuites: trixie\nComponents: pve-enterprise\n",
    ),
}
VERSIONS = {"bookworm": "8.4.1", "trixie": "9.1.2"}

# What a plain Debian has; "waiting" is left unpacked, as by an installation that was interrupted.
DEBIAN = (
    Package("linux-image-6.1.0-28-amd64"),
    Package("linux-image-amd64", depends="linux-image-6.1.0-28-amd64"),
    Package("os-prober"),
    Package("waiting", postinst="#!/bin/sh\ntouch /var/lib/waited\n"),
)


def proxmox(suite: str, key: bytes) -> tuple[Package, ...]:
    """The stand-ins for a suite."""
    enterprise, source = ENTERPRISE[suite]
    version = VERSIONS[suite]
    keyring = Package(
        "proxmox-archive-keyring",
        # The packaged file is another one than the fetched one, as keys come and go.
        files={"usr/share/keyrings/proxmox-archive-keyring.gpg": key * 2} if suite == "trixie" else {},
    )
    return (
        Package("proxmox-default-kernel", depends="proxmox-kernel-6.8"),
        Package(
            "proxmox-kernel-6.8",
            files={
                "usr/local/bin/uname": UNAME,
                "usr/share/stand-in-kernel": "6.8.12-4-pve\n",
                "usr/lib/tmpfiles.d/stand-in-kernel.conf": BOOTED,
            },
        ),
        Package("proxmox-ve", depends="pve-manager, proxmox-default-kernel, proxmox-archive-keyring"),
        keyring,
        Package(
            "pve-manager",
            version,
            files={
                f"etc/apt/sources.list.d/{enterprise}": source,
                "etc/pve/README": "stands in for the cluster's file system\n",
                "usr/bin/pveversion": f'#!/bin/sh\necho "pve-manager/{version}/0 (running kernel: $(uname -r))"\n',
                "usr/share/pve-manager/api.py": API,
                "lib/systemd/system/pveproxy.service": PROXY_UNIT,
            },
            postinst=MANAGER_POSTINST,
        ),
        *(Package(name) for name in ("postfix", "open-iscsi", "chrony")),
    )


def write(path: Path, content: str | bytes) -> None:
    """A file and its folders; what begins as a program is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(data)
    path.chmod(0o755 if data.startswith(b"#!") else 0o644)


def build(package: Package, folder: Path) -> Path:
    """Its file below a folder."""
    with tempfile.TemporaryDirectory() as work:
        root = Path(work)
        root.chmod(0o755)
        write(root / "DEBIAN" / "control", package.control)
        configuration = [f"/{path}\n" for path in package.files if path.startswith("etc/apt")]
        for path, content in package.files.items():
            write(root / path, content)
        if configuration:
            write(root / "DEBIAN" / "conffiles", "".join(configuration))
        if package.postinst:
            write(root / "DEBIAN" / "postinst", package.postinst)
        target = folder / f"{package.name}_{package.version}_all.deb"
        target.parent.mkdir(parents=True, exist_ok=True)
        # Small as they are, packing them takes longer than copying.
        run("dpkg-deb", "--root-owner-group", "-Znone", "--build", str(root), str(target))
    return target


def index(packages: Iterable[Package], files: Iterable[Path], root: Path) -> str:
    """The file Packages of a component."""
    return "\n".join(
        f"{package.control}Filename: {file.relative_to(root)}\nSize: {file.stat().st_size}\n"
        f"SHA256: {hashlib.sha256(file.read_bytes()).hexdigest()}\n"
        for package, file in zip(packages, files, strict=True)
    )


def release(suite: str, packages: str) -> str:
    """The file Release of a suite with one component for one architecture."""
    path = f"{COMPONENT}/binary-amd64/Packages"
    digest = hashlib.sha256(packages.encode()).hexdigest()
    head = f"""\
        Origin: Proxmox
        Suite: {suite}
        Codename: {suite}
        Components: {COMPONENT}
        Architectures: amd64
        Date: {formatdate(usegmt=True)}
        SHA256:
    """
    return f"{dedent(head)} {digest} {len(packages.encode())} {path}\n"


def run(*command: str, stdin: bytes = b"") -> bytes:
    """A program's output. Raises CalledProcessError."""
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True).stdout


def make(folder: Path) -> None:
    """The repository of both suites, and the packages that a plain Debian has."""
    gpg = ("gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "")
    run(*gpg, "--quick-generate-key", "repository", "ed25519", "sign", "never")
    key = run(*gpg, "--export")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "key.sha256").write_text(hashlib.sha256(key).hexdigest())
    with tempfile.TemporaryDirectory() as work:
        root = Path(work)
        write(root / "key.gpg", key)
        for package in DEBIAN:
            build(package, root / "debian")
        for suite in VERSIONS:
            packages = proxmox(suite, key)
            text = index(packages, [build(each, root / "pool" / suite) for each in packages], root)
            write(root / "dists" / suite / COMPONENT / "binary-amd64" / "Packages", text)
            signed = run(*gpg, "--clearsign", stdin=release(suite, text).encode())
            write(root / "dists" / suite / "InRelease", signed)
        with tarfile.open(folder / "repository.tar", "w") as archive:
            archive.add(root, ".")


def main(folder: Path) -> None:
    """With a keyring of its own, whose agent ends with it."""
    with tempfile.TemporaryDirectory() as keyring:
        os.environ["GNUPGHOME"] = keyring
        try:
            make(folder)
        finally:
            run("gpgconf", "--kill", "all")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
