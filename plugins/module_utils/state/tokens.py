# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API tokens in a state document: a new one's secret is handed over, as the module api_token does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import BOUND, Reader, Values, without
from ansible_collections.homelab.pve.plugins.module_utils.resources import api_token, user
from ansible_collections.homelab.pve.plugins.module_utils.token_secret import store_secret

LEFT_OUT = ("renew", "current_secret")
"""Options of the module that act, or try: a document only says what is to be there."""


def told(wish: Values, answers: Sequence[Json]) -> dict[str, Json]:
    """The secret of a token that was made: into the file that is named for it, else once in the result."""
    made = next((answer["value"] for answer in answers if isinstance(answer, dict) and "value" in answer), None)
    if made is None:
        return {}
    if not wish.get("secret_path"):
        return {"secret": made}
    store_secret(Path(wish["secret_path"]), f"{wish['userid']}!{wish['tokenid']}", made)
    return {"secret_path": str(wish["secret_path"])}


def describe(read: Reader, wish: Values) -> Json | None:
    """As the module does; but a token that the list of users tells need not be asked for, which takes User.Modify."""
    listed = None if BOUND in wish else _listed(read, wish)
    return listed or api_token.describe(read, wish)


def _listed(read: Reader, wish: Values) -> Values | None:
    rows = read.get(user.SECTION.collection, {"full": 1}) or ()
    tokens = (token for row in rows if row["userid"] == wish["userid"] for token in row.get("tokens") or ())
    return next((token for token in tokens if token["tokenid"] == wish["tokenid"]), None)


TOKEN = replace(
    api_token.TOKEN,
    describe=describe,
    options=without(api_token.TOKEN.options, *LEFT_OUT),
    told=told,
    writes=api_token.SECTION.resource().writes,
)
