#!/usr/bin/python
# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module realm_sync_job_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: realm_sync_job_info
short_description: List the jobs that fetch realms' users and groups
version_added: 0.1.0
author: homelab.pve contributors (@homelab-pve)
description:
  - Lists jobs, with the times of their last and next run. Every criterion that is set has to be met.
  - Needs the privilege C(Sys.Audit) on V(/).
extends_documentation_fragment:
  - homelab.pve.connection
  - homelab.pve.attributes.reads
options:
  id:
    description: Name of the job.
    type: str
  realm:
    description: Name of the realm.
    type: str
"""

EXAMPLES = r"""
- name: Look when the directory is fetched
  homelab.pve.realm_sync_job_info:
    realm: example
  register: found

- name: Show it
  ansible.builtin.debug:
    msg: "{{ found.jobs | map(attribute='schedule') }}"
"""

RETURN = r"""
jobs:
  description:
    - The jobs, ordered by name, as M(homelab.pve.realm_sync_job) tells them; C(last_run) and C(next_run) are in seconds
      since 1970.
  type: list
  elements: dict
  returned: success
  sample:
    - {id: people, realm: example, schedule: hourly, scope: users, enabled: true, next_run: 1763744400}
"""

from ansible_collections.homelab.pve.plugins.module_utils.module import Question, ask
from ansible_collections.homelab.pve.plugins.module_utils.resources.realm_sync import INFO_OPTIONS, info


def main() -> None:
    """Entry point."""
    ask(Question(INFO_OPTIONS, info))


if __name__ == "__main__":
    main()
