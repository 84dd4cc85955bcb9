# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with the lab as a whole."""

from __future__ import annotations


class LabError(Exception):
    """The lab could not do what was asked; says what was tried, what happened and what to do."""


class ImageError(LabError):
    """The root image could not be built; says which step failed, with its last output."""
