# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python3 -m lab.api --config FILE``: one node's API."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from lab.api.config import ConfigFileError, load
from lab.api.daemon import serve

WRONG_USAGE = 2


def main(arguments: list[str] | None = None) -> int:
    """Serve a configuration; returns the exit code."""
    parser = argparse.ArgumentParser(prog="lab.api", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="JSON; {} is right for a nested node")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        config = load(options.config)
    except ConfigFileError as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_USAGE
    asyncio.run(serve(config))
    return 0


if __name__ == "__main__":
    sys.exit(main())
