"""The scenario driver: Scenario -> phases -> actions -> ansible-runner. No Proxmox logic lives here."""

from __future__ import annotations

__version__ = "0.1.0"
