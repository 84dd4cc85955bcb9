#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module state."""

from __future__ import annotations

DOCUMENTATION = r"""
module: state
short_description: Declare a whole Proxmox VE server or cluster as one document
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Plans and applies a document of everything that a server or a cluster is to have. Check mode is the plan; both have
    the same result.
  - Each entry of the document has the options of its kind's own module, V(vms) those of M(homelab.pve.vm), and is
    planned by it. What the document doesn't speak of is left alone.
  - The whole document is checked before the first request, and everything is looked at before the first change.
  - Things are made in the order in which they need each other, and removed in the opposite one; what doesn't need each
    other is done at once. One that fails doesn't stop those that don't need it. The module fails then, naming all that
    failed, with the same result as otherwise.
  - A change is made from what is there at that moment. If somebody else changes a thing meanwhile, it is looked at
    anew, so two runs at once don't make anything twice.
  - Nothing is applied in one piece. After a run that was interrupted, another one does what is left.
  - Needs the privileges of the modules behind what the document declares; a plan of all kinds needs C(VM.Audit),
    C(Datastore.Audit), C(Sys.Audit) and C(Pool.Audit) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes
options:
  files:
    description:
      - Documents, YAML or JSON, on the machine the module runs on. A later one stands above an earlier one, option by
        option.
    type: list
    elements: path
    default: []
  rendered:
    description: Texts that stand in for files, by the paths in O(files). For documents that are templates.
    type: dict
    default: {}
  document:
    description: A document in the task itself, above all O(files).
    type: dict
  secrets:
    description: Values of what stands as V(${secret:NAME}) in a document, by name.
    type: dict
    default: {}
  node:
    description: The node that is meant where the documents name none.
    type: str
  nodes:
    description: What nodes are really called that the documents name, by the documents' names.
    type: dict
    default: {}
  only:
    description:
      - Kinds that are looked at, as V(vms) or V(ha.rules), or all of an area, as V(ha). Without it, all.
    type: list
    elements: str
  prune:
    description:
      - Kinds of which everything is removed that is there and in no document, named as in O(only), or V(all). What
        Proxmox VE or the login itself can't do without stays.
    type: list
    elements: str
    default: []
  allow_delete:
    description: Whether anything may be deleted, whether the document says so or it is pruned.
    type: bool
    default: false
  allow_restart:
    description: Whether guests may be restarted for which the document sets C(restart), or a state that restarts them.
    type: bool
    default: false
  max_delete_percent:
    description:
      - How much of what is there of a kind may be deleted at once, in percent from 0 to 100. One thing of each kind
        always may.
    type: int
    default: 20
  expect:
    description:
      - RV(current_hash) and RV(desired_hash) of a plan that was agreed to. If one of them is another by now, nothing is
        done. With its RV(actions), the message says what has moved.
    type: dict
  journal:
    description:
      - A file on the machine the module runs on, to which a line of JSON is added before each change is begun and when
        it has ended. A change whose line can't be written is not begun, nor any after it. Neither is one once there is
        a file of that name with C(.stop) at the end.
    type: path
  run:
    description: What the run is called in the journal. Without it, a name is made up.
    type: str
  rollback_after:
    description:
      - Seconds within which a node has to be reached again after its network was applied, or it is taken back, as by
        M(homelab.pve.network_apply). Without it, nothing is taken back.
    type: float
  ssh_hosts:
    description: Addresses at which nodes are reached over SSH, by their names. O(rollback_after) needs them.
    type: dict
    default: {}
  max_parallel:
    description: How many things are dealt with at a time, from 1 to 64.
    type: int
    default: 8
"""

EXAMPLES = r"""
- name: Declare who may work here
  homelab.pve.state:
    document:
      groups:
        - groupid: operators
          comment: on call
      users:
        - userid: kim@pve
          groups: [operators]
      pools:
        - poolid: prod
  register: server

- name: Remove groups that are in no document
  homelab.pve.state:
    document:
      groups:
        - groupid: operators
    only: [groups]
    prune: [groups]
    allow_delete: true
    max_delete_percent: 50
"""

RETURN = r"""
actions:
  description:
    - What is planned, or was done, about each thing, in that order, what is left alone included.
    - RV(actions[].action) is V(create), V(modify), V(delete), V(no-op), or V(failed) where no plan could be made.
    - RV(actions[].status) is V(planned), V(done), V(failed) or V(skipped).
  type: list
  elements: dict
  returned: always
  contains:
    kind:
      description: Where it stands in a document.
      type: str
    id:
      description: Its name.
      type: str
    action:
      description: What is to be done.
      type: str
    status:
      description: What became of it.
      type: str
    origin:
      description: Document, line and place that declare it; empty for what no document has.
      type: str
    node:
      description: Its node; empty for what all nodes share.
      type: str
    pruned:
      description: Whether it is there, and in no document.
      type: bool
    restart:
      description: Whether a guest is restarted.
      type: bool
    plan:
      description: The steps in words, or the reason why there are none.
      type: list
      elements: str
    before:
      description: What differs, as it is.
      type: dict
    after:
      description: What differs, as it will be.
      type: dict
    pending:
      description: Options of a guest that wait for its next start.
      type: list
      elements: str
    told:
      description: What Proxmox VE tells only once, as the secret of a new token.
      type: dict
    upids:
      description: The tasks that were started.
      type: list
      elements: str
    before_hash:
      description: SHA-256 of what is there of it; null where nothing is.
      type: str
    after_hash:
      description: SHA-256 of what is there of it afterwards; null where nothing is, or it is not done yet.
      type: str
    error:
      description: Why it failed or was skipped; null otherwise.
      type: dict
summary:
  description: How many of each action, and how many restarts of guests.
  type: dict
  returned: always
  sample: {create: 3, modify: 0, delete: 0, no-op: 0, failed: 0, restart: 0}
plan:
  description: What is changed, a line for each thing.
  type: list
  elements: str
  returned: always
  sample: ["groups operators: create group operators"]
errors:
  description: What failed, a text for each thing.
  type: list
  elements: str
  returned: always
documents:
  description: The documents, in the order of their precedence.
  type: list
  elements: str
  returned: always
current_hash:
  description:
    - SHA-256 of what the plan saw, which is what there is and how it differs from the documents. It stays the same as
      long as nothing that they speak of changes.
  type: str
  returned: always
desired_hash:
  description: SHA-256 of what the documents say, with secrets by their names.
  type: str
  returned: always
timestamp:
  description: When the result was made, in UTC.
  type: str
  returned: always
  sample: "2026-03-01T02:00:00.000+00:00"
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import act
from ansible_collections.homelab.pve.plugins.module_utils.state.work import STATE


def main() -> None:
    """Entry point."""
    act(STATE)


if __name__ == "__main__":
    main()
