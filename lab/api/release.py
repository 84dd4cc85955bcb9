# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version a node of the lab says it is: that of the schema in ../pve-api."""

from __future__ import annotations

VERSION = "9.1.4"
RELEASE = "9.1"
REPOSITORY_ID = "5ac30304265fbd8e"
KERNEL = "6.17.4-1-pve"
