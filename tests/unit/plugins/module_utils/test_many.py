"""Many wishes at once: what is asked, who claims which id, and what happens when one fails."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.apply import Outcome
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    RESERVED,
    Bound,
    Claim,
    Listing,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    kept,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    AuthenticationError,
    ConnectionError,
    HomelabPveError,
    OutcomeUnknownError,
    PveError,
    RefusedError,
    StepFailedError,
)
from ansible_collections.homelab.pve.plugins.module_utils.many import (
    SharedReads,
    Verdict,
    carry_out_all,
    claims,
    hopeless,
    look_at_all,
)

LISTING = Listing(r"(?P<list>/things)/(?P<id>\d+)/status", "id", {"full": True})
REFUSED = ConnectionError("father", 8006, "Connection refused")


@dataclass
class Book(Client):
    """A client that answers from a dictionary, writes down what it is asked, and fails where told."""

    answers: dict[str, Any] = field(default_factory=dict)
    failures: dict[str, HomelabPveError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    retries: int = 0

    def request(self, method: str, path: str, params: Any = None, _patience: float = 0.0) -> Any:
        """One answer."""
        self.asked.append(f"{method} {path}")
        if path in self.failures:
            raise self.failures[path]
        return self.answers.get(path)


def test_each_question_is_asked_once() -> None:
    book = Book({"/a": {"x": 1}, "/b": None})
    reads = SharedReads(book)
    assert [reads.get("/a"), reads.get("/a"), reads.get("/b"), reads.get("/b")] == [{"x": 1}, {"x": 1}, None, None]
    reads.get("/a", {"type": "vm"})
    reads.get("/a", {"type": "vm"})
    assert book.asked == ["GET /a", "GET /b", "GET /a"]


def test_threads_wait_for_the_one_that_asked_first() -> None:
    asked, answered = threading.Event(), threading.Event()

    class Slow(Book):
        def request(self, method: str, path: str, params: Any = None, _patience: float = 0.0) -> Any:
            asked.set()
            assert answered.wait(10)
            return super().request(method, path, params)

    book = Slow({"/a": 7})
    reads, found = SharedReads(book), list[Any]()
    threads = [threading.Thread(target=lambda: found.append(reads.get("/a"))) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert asked.wait(10)
    answered.set()
    for thread in threads:
        thread.join(10)
    assert (found, book.asked) == ([7] * 5, ["GET /a"])


def test_what_is_worked_out_is_kept_by_who_keeps_what_it_read() -> None:
    worked: list[int] = []

    def work() -> int:
        worked.append(1)
        return 7

    shared, plain = SharedReads(Book()), Book()
    assert [kept(shared, "x", work), kept(shared, "x", work), len(worked)] == [7, 7, 1]
    assert [kept(plain, "x", work), kept(plain, "x", work), len(worked)] == [7, 7, 3]


def test_an_error_is_everybodys() -> None:
    book = Book(failures={"/a": PveError("GET", "/a", 500, "no")})
    reads = SharedReads(book)
    for _ in range(2):
        with pytest.raises(PveError, match="500 no"):
            reads.get("/a")
    assert book.asked == ["GET /a"]


def test_a_list_answers_for_its_items() -> None:
    book = Book(
        {"/things": [{"id": 1, "status": "on"}, {"id": 2, "status": "off"}], "/things/3/status": {"status": "x"}}
    )
    reads = SharedReads(book, [LISTING])
    assert [reads.get(f"/things/{number}/status")["status"] for number in (1, 2, 3)] == ["on", "off", "x"]
    assert reads.get("/things/1/config") is None
    # What the list doesn't have, and what the listing isn't for, is asked of the item.
    assert book.asked == ["GET /things", "GET /things/3/status", "GET /things/1/config"]


def makes(wish: Values, view: Any) -> Plan:
    """Claims an id from 1 to 9, or the one that is wished for; nothing to do where ``there``."""
    if wish.get("refused"):
        raise RefusedError(f"{wish['name']} is refused")
    if wish.get("there"):
        return Plan(reason="as wished")
    used = set(wish.get(RESERVED, ()))
    free = (wish["id"],) if wish.get("id") else tuple(number for number in range(1, 10) if number not in used)
    claim = Claim("id", free, "already exists")
    step = Step("POST", f"/things/{wish['name']}", {"id": Bound("id")}, f"create {wish['name']}", claim)
    return Plan((step, Step("POST", f"/start/{wish['name']}", {}, f"start {wish['name']}")), after={"id": free[0]})


def describe(read: Reader, wish: Values) -> Any:
    """Asks one thing that is the same for all, and one of its own."""
    return read.get("/all"), read.get(f"/one/{wish['name']}")


THING = Resource(kind="thing", options={}, describe=describe, plan=makes, result=lambda _view: {})


def named(*names: str, **options: Any) -> list[dict[str, Any]]:
    """Wishes."""
    return [{"name": name, **options} for name in names]


def candidates(verdicts: Sequence[Verdict]) -> list[tuple[Any, ...]]:
    """The ids each plan tries."""
    return [claim.candidates for verdict in verdicts for claim in claims(verdict)]


def test_no_two_claim_the_same_id() -> None:
    book = Book()
    wishes = [*named("a"), *named("b", id=2), *named("c", there=True), *named("d", "e")]
    seen = look_at_all(THING, wishes, book, 4)
    assert candidates(seen) == [(1, 5, 6, 7, 8, 9), (2,), (3, 5, 6, 7, 8, 9), (4, 5, 6, 7, 8, 9)]
    plans = [verdict.plan.after for verdict in seen if isinstance(verdict, Outcome)]
    assert plans == [{"id": 1}, {"id": 2}, {}, {"id": 3}, {"id": 4}]
    assert sorted(book.asked) == ["GET /all", *(f"GET /one/{name}" for name in "abcde")]


def test_one_that_is_refused_does_not_stop_the_others() -> None:
    wishes: list[dict[str, Any]] = [*named("a"), *named("b", refused=True), *named("c")]
    book = Book(failures={"/start/a": PveError("POST", "/start/a", 500, "no memory")})
    seen = look_at_all(THING, wishes, book, 1)
    found = carry_out_all(THING, list(zip(wishes, seen, strict=True)), book, 1, timeout=1)
    assert [str(item).splitlines()[0] for item in found if isinstance(item, HomelabPveError)] == [
        "Cannot start a: POST /start/a: 500 no memory.",
        "b is refused",
    ]
    assert isinstance(found[2], Outcome)
    # Each verifies by a read of its own.
    assert book.asked[-2:] == ["GET /all", "GET /one/c"]


@pytest.mark.parametrize("trouble", [REFUSED, AuthenticationError("father does not accept the login")], ids=str)
def test_without_a_node_nobody_is_looked_at(trouble: HomelabPveError) -> None:
    with pytest.raises(type(trouble)):
        look_at_all(THING, named("a", "b"), Book(failures={"/all": trouble}), 1)


def test_when_the_node_is_lost_the_rest_is_not_begun() -> None:
    book = Book(failures={"/things/b": REFUSED})
    wishes = [*named("a", "b", "c"), *named("d", there=True)]
    seen = look_at_all(THING, wishes, book, 1)
    book.asked.clear()
    found = carry_out_all(THING, list(zip(wishes, seen, strict=True)), book, 1, timeout=1)
    assert [type(item).__name__ for item in found] == ["Outcome", "StepFailedError", "ConnectionError", "Outcome"]
    assert "POST /things/c" not in book.asked


def test_a_lost_answer_concerns_one_only() -> None:
    lost = OutcomeUnknownError("father", 8006, "the connection broke")
    book = Book(failures={"/things/a": lost})
    wishes = named("a", "b")
    found = carry_out_all(
        THING, list(zip(wishes, look_at_all(THING, wishes, book, 1), strict=True)), book, 1, timeout=1
    )
    assert [type(item).__name__ for item in found] == ["StepFailedError", "Outcome"]


@pytest.mark.parametrize(
    ("error", "everywhere"),
    [
        (ConnectionError("father", 8006, "no"), True),
        (AuthenticationError("no"), True),
        (OutcomeUnknownError("father", 8006, "no"), False),
        (RefusedError("no"), False),
        (StepFailedError("do", ConnectionError("father", 8006, "no"), (), ()), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_would_fail_everywhere(error: HomelabPveError, everywhere: bool) -> None:
    assert (hopeless(error) is not None) is everywhere
