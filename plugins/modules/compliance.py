#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module compliance."""

from __future__ import annotations

DOCUMENTATION = r"""
module: compliance
short_description: Check whether a Proxmox VE server is as policies want it
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Judges guests, nodes, storages, users, tokens and the cluster by policies, such as that every guest has a recent
    backup, or that nobody gets in as root by a password. Nothing is changed.
  - What can't be seen is V(unknown), neither good nor bad.
  - Needs the privileges C(VM.Audit) on the guests, C(Datastore.Audit) on the storages and C(Sys.Audit) on V(/), each
    where a policy asks for it; for backups C(VM.Backup) and C(Datastore.AllocateSpace), and for second factors
    C(Sys.Audit) on V(/access/groups).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  files:
    description:
      - Files with policies, YAML or JSON. Of policies with the same name the one of the later file holds, above what it
        includes.
    type: list
    elements: path
    default: []
  policies:
    description:
      - Policies in the task itself, above those of O(files).
      - Each is a dictionary with C(name), C(check), and the parameters of the check. C(where) says which things it is
        about, C(severity) is V(error), V(warning) or V(info), and C(reason) says why. C(exempt) is a list of C(id),
        which may be a pattern, and C(reason).
      - The checks with their parameters, and what C(where) takes, stand in the guide to compliance, docs/compliance.md.
    type: list
    elements: dict
  fail_on:
    description: The lowest severity of a policy that makes the module fail when something is not as it wants.
    type: str
    choices: [never, error, warning]
    default: never
  max_parallel:
    description: How many things are looked at at a time.
    type: int
    default: 8
"""

EXAMPLES = r"""
- name: Check what every server has to have
  homelab.pve.compliance:
    policies:
      - name: guests that serve somebody can't be removed by mistake
        check: protection
        where: {tags: [production]}
      - name: every guest is in a backup job
        check: in_backup_job
        exempt:
          - {id: "9*", reason: templates are made anew}
      - name: certificates are renewed in time
        check: certificate_expiry
        min_days: 14
        severity: warning
  register: policies

- name: Show what is not as it should be
  ansible.builtin.debug:
    msg: "{{ policies.results | selectattr('status', 'equalto', 'fail') }}"
"""

RETURN = r"""
results:
  description: What each policy says of each thing it is about.
  type: list
  elements: dict
  returned: when the policies could be judged
  contains:
    policy:
      description: Name of the policy.
      type: str
    check:
      description: Its check.
      type: str
    severity:
      description: How bad it is if it doesn't hold.
      type: str
    kind:
      description: V(vm), V(container), V(node), V(storage), V(user), V(token) or V(cluster).
      type: str
    id:
      description: What an exemption calls it.
      type: str
    resource:
      description: What people call it.
      type: str
    node:
      description: The node it is on, or is.
      type: str
    status:
      description: V(pass), V(fail), V(exempt), or V(unknown) where it can't be seen.
      type: str
    found:
      description: What is, or why it is exempt or unknown.
      type: str
    wanted:
      description: What should be.
      type: str
    remedy:
      description: What mends it.
      type: str
    reason:
      description: Why the policy is there.
      type: str
    origin:
      description: Where the policy stands.
      type: str
  sample:
    - policy: every guest is in a backup job
      check: in_backup_job
      severity: error
      kind: vm
      id: "104"
      resource: vm 104 (web)
      node: pve1
      status: fail
      found: it is in no backup job that is enabled
      wanted: a backup job
      remedy: Add 104 to the vmid list of a backup job (backups of a document), or take all guests into one.
      reason: ""
      origin: "policies.yml:3: policies[0]"
counts:
  description: How many results there are of each status.
  type: dict
  returned: when the policies could be judged
  sample: {pass: 12, fail: 1, exempt: 1, unknown: 0}
failing:
  description: How many results fail, by severity.
  type: dict
  returned: when the policies could be judged
  sample: {error: 1}
compliant:
  description: Whether no policy of severity V(error) fails.
  type: bool
  returned: when the policies could be judged
timestamp:
  description: When that was, in ISO 8601.
  type: str
  returned: when the policies could be judged
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import ask
from ansible_collections.homelab.pve.plugins.module_utils.state.policies import COMPLIANCE


def main() -> None:
    """Entry point."""
    ask(COMPLIANCE)


if __name__ == "__main__":
    main()
