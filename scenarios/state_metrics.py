"""``./run.sh state metrics``: a cluster's figures for Prometheus."""

from __future__ import annotations

import sys

from scenarios import prometheus
from scenarios.state_front import SAME, Asked, Front, conduct, outputs, scenario


def metrics(asked: Asked) -> int:
    """Read them with one request, and print them."""
    report = conduct(scenario(asked), {}, asked.flags)
    if not report.success:
        return report.exit_code
    if not asked.flags.json_output:
        rows = outputs(report, asked.verb.name)["state_resources"]
        sys.stdout.write(prometheus.exposition(prometheus.of_cluster(rows)))
    return SAME


FRONT = Front(metrics, help="One request reads them all. For a scrape, let a timer write them to a file.")
