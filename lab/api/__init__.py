# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stateful Proxmox VE API of the lab, on top of fakepve: what it adds is state, guests that boot, and persistence."""
