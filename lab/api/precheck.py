# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PVE's daemon refuses before it looks at a request's parameters: without a body, and the connection is closed.

The checks, their order and their words follow pve-http-server (PVE/APIServer/AnyEvent.pm: unshift_read_header).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from lab.api.fake import Next, PveError

NOT_IMPLEMENTED, VERSION_NOT_SUPPORTED = 501, 506
METHODS = frozenset({"GET", "POST", "PUT", "DELETE"})
WITH_CONTENT = frozenset({"POST", "PUT"})
FORMATS = frozenset({"json", "extjs"})
URI = re.compile(r"/api2/+([a-z][a-z0-9]+)(/.*)?", re.DOTALL)
UPLOAD = re.compile(r"/api2/[a-z]+/nodes/[^/]+/storage/[^/]+/upload")
CONTENT_TYPES = frozenset({"", "application/x-www-form-urlencoded", "application/json"})
# Bytes of a request's body that is no upload.
LIMIT = 512 * 1024

Refusal = tuple[int, str]


def before_login(method: str, path: str, encoding: str | None) -> Refusal | None:
    """What is refused whoever asks. ``encoding`` is the request's Transfer-Encoding."""
    if method not in METHODS:
        return NOT_IMPLEMENTED, f"method '{method}' not available"
    if encoding:
        chunked = encoding.lower() == "chunked"
        text = "chunked transfer encoding not supported" if chunked else f"Unknown transfer encoding '{encoding}'"
        return NOT_IMPLEMENTED, text
    if path.startswith("/api2"):
        return without_format(path)
    return None


def without_format(path: str) -> Refusal | None:
    """What is refused of a path that names no format of answers, or none that is known."""
    found = URI.fullmatch(path)
    if found is None:
        return NOT_IMPLEMENTED, "no such uri"
    if found[1] not in FORMATS:
        return NOT_IMPLEMENTED, f"no formatter for uri {found[2] or '/'}, {found[1]}"
    return None


def after_login(method: str, length: int, content_type: str) -> Refusal | None:
    """What is refused of a body."""
    if length and method not in WITH_CONTENT:
        return NOT_IMPLEMENTED, f"Unexpected content for method '{method}'"
    if length > LIMIT:
        return NOT_IMPLEMENTED, "for data too large"
    if length and content_type.partition(";")[0].strip() not in CONTENT_TYPES:
        return VERSION_NOT_SUPPORTED, f"upload 'Content-Type '{content_type}' not implemented"
    return None


def answer(refusal: Refusal) -> web.Response:
    """PVE's empty answer; what is left of the request is not read."""
    response = web.Response(status=refusal[0], reason=plain(refusal[1]))
    response.force_close()
    return response


def plain(reason: str) -> str:
    """A reason as one line of what HTTP lets through: it may quote what was asked."""
    return re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "?", reason)


def with_plain_reason(response: web.StreamResponse) -> web.StreamResponse:
    """A response whose reason can be sent."""
    if not response.prepared and response.reason != plain(response.reason):
        response.set_status(response.status, plain(response.reason))
    return response


def middleware(authenticate: Callable[[web.Request], object]) -> Callable[..., Any]:
    """The gate in front of an API; ``authenticate`` raises PveError for who may not come in."""

    def refusal_of(request: web.Request) -> Refusal | None:
        early = before_login(request.method, request.path, request.headers.get("Transfer-Encoding"))
        if early or UPLOAD.fullmatch(request.path):
            return early
        late = after_login(request.method, request.content_length or 0, request.headers.get("Content-Type", ""))
        if late is None:
            return None
        try:
            authenticate(request)
        except PveError:
            return None  # is refused further on, in the words for that
        return late

    @web.middleware
    async def check(request: web.Request, handler: Next) -> web.StreamResponse:
        refusal = refusal_of(request)
        found = await handler(request) if refusal is None else answer(refusal)
        return with_plain_reason(found)

    return check


def is_of_the_lab(record: logging.LogRecord) -> bool:
    """Whether a line for the log is about the lab, and not about bytes that were no HTTP or a client that left."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | ConnectionError)


def keep_log_quiet() -> None:
    """Leave clients' mistakes out of the HTTP server's log: it would print a traceback for each."""
    server = logging.getLogger("aiohttp.server")
    if is_of_the_lab not in server.filters:
        server.addFilter(is_of_the_lab)
