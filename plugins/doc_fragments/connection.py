# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options every module of this collection takes."""

from __future__ import annotations


class ModuleDocFragment:
    """Read by ``extends_documentation_fragment: [homelab.pve.connection]``."""

    DOCUMENTATION = r"""
options:
  host:
    description:
      - Name or address of a Proxmox VE node. Any node of a cluster will do.
      - Required for the transports V(https) and V(ssh).
      - If not set, the environment variable E(PVE_HOST) is used.
    type: str
  port:
    description:
      - Port of the Proxmox VE API.
      - If not set, the environment variable E(PVE_PORT) is used.
    type: int
    default: 8006
  user:
    description:
      - User to log in as with O(password), with its realm, for example V(root@pam).
      - If not set, the environment variable E(PVE_USER) is used.
    type: str
  password:
    description:
      - Password of O(user). An API token is the better choice.
      - If not set, the environment variable E(PVE_PASSWORD) is used.
    type: str
  token_id:
    description:
      - Full id of the API token, V(user@realm!name).
      - If not set, the environment variable E(PVE_TOKEN_ID) is used.
    type: str
  token_secret:
    description:
      - Secret of the API token.
      - If not set, the environment variable E(PVE_TOKEN_SECRET) is used.
    type: str
  ca_path:
    description:
      - PEM file with the certificate authority that signed the node's certificate. A new Proxmox VE keeps its own
        in C(/etc/pve/pve-root-ca.pem).
      - If not set, the environment variable E(PVE_CA) is used, then the system's authorities.
    type: path
  fingerprint:
    description:
      - SHA-256 fingerprint of the node's certificate, as the web interface shows it. The connection is refused when
        the node presents another certificate. Without O(ca_path) the fingerprint alone vouches for the node.
      - If not set, the environment variable E(PVE_FINGERPRINT) is used.
    type: str
  validate_certs:
    description:
      - Whether the node's certificate is verified. Give O(ca_path) or O(fingerprint) rather than switching this off.
      - If not set, the environment variable E(PVE_VALIDATE_CERTS) is used.
    type: bool
    default: true
  timeout:
    description:
      - Seconds to wait for the answer to one request.
      - If not set, the environment variable E(PVE_TIMEOUT) is used.
    type: float
    default: 30
  connect_timeout:
    description: Seconds to wait for a connection. Kept apart from O(timeout), so that a dead host is noticed soon.
    type: float
    default: 5
  retries:
    description:
      - How often a request is repeated after a passing failure. A request that may already have changed something is
        never repeated.
      - If not set, the environment variable E(PVE_RETRIES) is used.
    type: int
    default: 3
  transport:
    description:
      - How the API is reached. V(https) talks to port O(port), V(ssh) runs C(pvesh) on O(host), V(local) runs
        C(pvesh) on this machine.
      - With V(ssh), O(host) may be a name in the user's SSH configuration. Its address, user, port, keys, jump hosts
        and files with pinned host keys are taken from there, as C(ssh -G) tells them. A C(ProxyCommand) is not
        supported.
      - C(pvesh) takes its parameters as arguments, so with V(ssh) and V(local) a secret set on a guest can be seen
        in the node's process list while the call runs.
      - If not set, the environment variable E(PVE_TRANSPORT) is used.
    type: str
    choices: [https, ssh, local]
    default: https
  ssh_config:
    description: SSH configuration for the transport V(ssh). Without it the user's own is read, C(~/.ssh/config).
    type: path
  ssh_user:
    description:
      - User for the transport V(ssh). Without it the one of the SSH configuration, else V(root), who alone may run
        C(pvesh).
    type: str
  ssh_port:
    description: Port for the transport V(ssh). Without it the one of the SSH configuration, else V(22).
    type: int
  ssh_key_path:
    description:
      - Private key for the transport V(ssh). Without it those of the SSH configuration, the SSH agent's and the user's
        default keys are tried.
    type: path
  ssh_known_hosts:
    description:
      - File with the pinned host key of O(host). Without it the files of the SSH configuration are read, by default
        C(~/.ssh/known_hosts). An unknown or a changed key is refused, whatever the configuration says.
    type: path
requirements:
  - python >= 3.11
  - proxmoxer >= 2.3
  - requests
  - paramiko and OpenSSH's client (for the transport V(ssh))
notes:
  - Runs on the controller. Delegate it to localhost, or use C(connection=local) with C(ansible_python_interpreter) set
    to C({{ ansible_playbook_python }}).
  - Set the connection once a play with C(module_defaults) and the action group C(homelab.pve.all).
"""
