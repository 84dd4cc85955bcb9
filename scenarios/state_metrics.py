"""``./run.sh state metrics``: a cluster's figures for Prometheus."""

from __future__ import annotations

import sys

from scenarios import prometheus
from scenarios.state_front import SAME, Asked, Front, conducted


def metrics(asked: Asked) -> int:
    """Read them with one request, and print them."""
    report, told = conducted(asked)
    if not report.success:
        return report.exit_code
    if not asked.flags.json_output:
        sys.stdout.write(prometheus.exposition(prometheus.of_cluster(told["state_resources"])))
    return SAME


FRONT = Front(metrics, help="One request reads them all. For a scrape, let a timer write them to a file.")
