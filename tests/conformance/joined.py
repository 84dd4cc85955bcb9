# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playing a transcript of nodes that are alone at first, and become a cluster while it is played.

Each node has its own API, address and authority; the recorded ones' addresses are theirs, so that what a request says
of them is true. ``events`` of such a transcript are ``["later", seconds]``, ``["uncluster", 0]`` (father leaves its
cluster), ``["login", who]`` (anew),
``["joined", node]`` and ``["ended", node]`` (wait until its API is the cluster's, or answers again).
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from lab.api.certificates import Pair
from lab.api.seed import Seed
from lab.api.server import LabApi
from lab.api.serving import Served, ServedLab
from lab.api.site import Site
from lab.api.site_serving import serve_alone

from . import golden, recorded
from .recorded import LOCAL, NODE, Played, Start

# Seconds: how often it is looked, and for how long at most.
LOOK, SECONDS = 0.01, 10.0
FINGERPRINT = "fingerprint"


def node_alone(name: str, number: int) -> LabApi:
    """One recorded node; the token is father's."""
    tokens = {golden.TOKEN_ID: golden.TOKEN_SECRET} if name == NODE else {}
    api = LabApi(name, Seed({"local": LOCAL}, (), tokens, golden.ROOT_PASSWORD), host="127.0.0.1", port=0)
    api.node_texts = {name: recorded.node_texts(name, number, recorded.RESOLVER)}
    return api


class SitePlayer(golden.Player):
    """Sends each step to the node it was sent to, with our fingerprints in the place of the recorded ones."""

    def __init__(self, lab: ServedLab, site: Site) -> None:
        """Take father's API and the site of all nodes, which are alone yet."""
        super().__init__(lab)
        self.site = site
        self.urls = {
            name: ServedLab(Served(site.api_of(name), lab.served.loop), lab.ca_path, "", "", "").url
            for name in site.nodes()
        }
        self.prints: dict[str, str] = {}

    def login_url(self, auth: str) -> str:
        """``root-mother`` logs in at mother."""
        return self.urls.get(auth.partition("-")[2], self.urls[NODE])

    def url_of(self, step: golden.Step) -> str:
        """A node keeps its address when it joins."""
        return self.urls[step.door]

    def play(self, step: golden.Step, *, at_once: bool = False) -> golden.Answer:
        """Send a step, and learn our fingerprint of each node that it tells of."""
        given = dict(step.params)
        if FINGERPRINT in given:
            given[FINGERPRINT] = self.prints.get(given[FINGERPRINT], given[FINGERPRINT])
        answer = super().play(replace(step, params=given), at_once=at_once)
        for old, new in zip(nodes_of(step.body), nodes_of(answer.body), strict=False):
            self.prints[old["pve_fp"]] = new["pve_fp"]
        return answer

    async def happen(self, what: str, value: str | float) -> None:
        """What happened before a step."""
        father = self.site.api_of(NODE)
        if what == "later":
            for api in self.site.apis():
                api.clock.set(shift=api.clock.shift + float(value))
        elif what == "login":
            self.sessions.pop(str(value), None)
        elif what == "uncluster":
            father.corosync_conf = None
        elif what == "joined":
            alone = self.site.api_of(str(value))
            alone.clock.set(shift=alone.clock.shift + 5)
            await until(lambda: self.site.api_of(str(value)) is father)
        else:
            await until(lambda: not father.is_restarting(str(value)))


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition, at most 10 s."""
    async with asyncio.timeout(SECONDS):
        while not holds():
            await asyncio.sleep(LOOK)


def nodes_of(body: object) -> list[dict[str, str]]:
    """The nodes that an answer tells how to join, in order of their names."""
    data = body.get("data") if isinstance(body, dict) else None
    found = data.get("nodelist") if isinstance(data, dict) else None
    return sorted(found or [], key=lambda item: str(item["name"]))


@contextmanager
def site_player(start: Start, folder: Path) -> Iterator[SitePlayer]:
    """A player for nodes that are alone, with what the transcript began with."""
    apis = [node_alone(name, number) for number, name in enumerate((NODE, *start.nodes), 2)]
    with serve_alone(apis, folder) as (site, loop, bundle):
        served = Served(apis[0], loop)
        lab = ServedLab(served, bundle, golden.TOKEN_ID, golden.TOKEN_SECRET, golden.ROOT_PASSWORD)
        player = SitePlayer(lab, site)
        for method, path, values in start.access:
            golden.Player(lab).ask(method, path, values)
        yield player


def play(transcript: Path, authority: Pair, certificate: Pair) -> Played:
    """Play a transcript, of nodes alone or of nodes that are what they are."""
    start = recorded.start_of(transcript.stem)
    if not start.alone:
        return recorded.play(transcript, authority, certificate)
    asked, found = 0, []
    with tempfile.TemporaryDirectory() as folder, site_player(start, Path(folder)) as player:
        for step in golden.steps(transcript):
            for what, value in start.events.get(str(step.seq), ()):
                player.lab.call(player.happen(what, value))
            if step.is_playable:
                asked += 1
                if difference := golden.difference(step, player.play(step)):
                    found.append((step, difference))
    return Played(asked, tuple(found))
