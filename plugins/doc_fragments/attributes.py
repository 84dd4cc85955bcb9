# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules say about check mode and diff mode."""

from __future__ import annotations


class ModuleDocFragment:
    """``homelab.pve.attributes`` for modules that declare something, ``homelab.pve.attributes.reads`` for others,
    ``homelab.pve.attributes.probes`` for those that connect to a host whose key they may pin."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Predicts the change and the diff that the real run then has, without a write.
    support: full
  diff_mode:
    description: Shows what is managed and differs. Secrets are hidden.
    support: full
"""

    READS = r"""
options: {}
attributes:
  check_mode:
    description: Only reads, so there is no difference.
    support: full
  diff_mode:
    description: Changes nothing.
    support: none
"""

    PROBES = r"""
options: {}
attributes:
  check_mode:
    description: Asks the same, and pins no key.
    support: full
  diff_mode:
    description: Shows no difference.
    support: none
"""
