# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""qm, pct, pvesh, pvesm, pveum, pvecm and pveversion on the state of the node's API.

Only the standard library, and little of it: a play starts these commands hundreds of times.
"""
