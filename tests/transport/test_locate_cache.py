from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher

from sipapp.transport.dnscache import DNSCache, Found
from sipapp.transport.hosts import HostsFile, parseHosts
from sipapp.transport.records import DNSFailure, Question

HOST = Question("example.com", "A")


class Cached:
    """A cache, and the questions that it has asked."""

    def __init__(self, **settings: Any) -> None:
        self.now = 100.0
        self.asked: list[tuple[Question, Deferred[Found]]] = []
        self.cache = DNSCache(self.ask, lambda: self.now, **settings)

    def ask(self, question: Question) -> Deferred[Found]:
        answered: Deferred[Found] = Deferred()
        self.asked.append((question, answered))
        return answered

    def learn(self, question: Question, found: Found) -> Any:
        learnt: list[Any] = []
        self.cache.ask(question).addCallback(learnt.append)
        self.asked.pop()[1].callback(found)
        return learnt[0]


def test_remembers_for_the_ttl() -> None:
    cached = Cached()
    assert cached.cache.known(HOST) is None
    assert cached.learn(HOST, Found(["192.0.2.1"], 60)) == ["192.0.2.1"]
    cached.now += 59.9
    assert cached.cache.known(HOST) == ["192.0.2.1"]
    cached.now += 0.1
    assert cached.cache.known(HOST) is None
    assert len(cached.cache) == 0


@pytest.mark.parametrize(
    "found, seconds",
    [
        (Found(["192.0.2.1"], 1e9), 86_400),
        (Found((), None), 30),
        (Found((), 7), 7),
        (Found((), 1e9), 3600),
    ],
)
def test_how_long(found: Found, seconds: float) -> None:
    cached = Cached(negativeTTL=30)
    cached.learn(HOST, found)
    cached.now += seconds - 0.1
    assert cached.cache.known(HOST) == found.records
    cached.now += 0.2
    assert cached.cache.known(HOST) is None


def test_a_ttl_of_nothing_is_not_remembered() -> None:
    cached = Cached(negativeTTL=0)
    assert cached.learn(HOST, Found(["192.0.2.1"], 0)) == ["192.0.2.1"]
    assert cached.cache.known(HOST) is None
    assert cached.learn(HOST, Found((), None)) == ()
    assert cached.cache.known(HOST) is None


def test_the_same_question_is_asked_once() -> None:
    cached = Cached()
    answers: list[Any] = []
    for _ in range(3):
        cached.cache.ask(HOST).addCallback(answers.append)
    cached.cache.ask(Question("example.com", "AAAA"))
    assert [question for question, _ in cached.asked] == [HOST, ("example.com", "AAAA")]
    cached.asked[0][1].callback(Found(["192.0.2.1"], 0))
    assert answers == [["192.0.2.1"]] * 3


def test_a_question_from_the_callback_of_an_answer_is_new() -> None:
    cached = Cached()
    answers: list[Any] = []
    cached.cache.ask(HOST).addCallback(lambda _: cached.cache.ask(HOST)).addCallback(answers.append)
    cached.asked[0][1].callback(Found(["192.0.2.1"], 0))
    cached.asked[1][1].callback(Found(["192.0.2.2"], 0))
    assert answers == [["192.0.2.2"]]


def test_a_failure_is_an_answer_and_kept_for_a_moment() -> None:
    cached = Cached()
    answers: list[Any] = []
    cached.cache.ask(HOST).addCallback(answers.append)
    failure = DNSFailure("silence", silent=True)
    cached.asked[0][1].errback(failure)
    assert answers == [failure]
    assert cached.cache.known(HOST) is failure
    cached.now += 5
    assert cached.cache.known(HOST) is None


def test_a_client_that_breaks_is_logged_and_answered_for() -> None:
    events: list[Any] = []
    globalLogPublisher.addObserver(events.append)
    answers: list[Any] = []

    def ask(question: Question) -> Deferred[Found]:
        raise RuntimeError("broken")

    try:
        DNSCache(ask, lambda: 0.0).ask(HOST).addCallback(answers.append)
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert isinstance(answers[0], DNSFailure)
    assert str(answers[0]) == "broken"
    assert any("unexpected" in event.get("log_format", "") for event in events)


def test_bounded_and_the_least_used_goes_first() -> None:
    cached = Cached(maxEntries=3)
    one, two, three, four = (Question(f"{n}.example.com", "A") for n in range(4))
    for question in (one, two, three):
        cached.learn(question, Found(["192.0.2.1"], 60))
    assert cached.cache.known(one)
    cached.learn(four, Found(["192.0.2.1"], 60))
    assert len(cached.cache) == 3
    assert cached.cache.known(two) is None
    assert cached.cache.known(one)


def test_what_holds_no_longer_goes_without_being_asked_for() -> None:
    """Who sends made-up names gets no more memory than what is remembered of them at a time."""
    cached = Cached()
    for number in range(1000):
        cached.now += 1
        cached.learn(Question(f"{number}.example.com", "A"), Found((), 10))
    assert len(cached.cache) == 10


def test_so_many_questions_at_once() -> None:
    """Each takes a socket until it is answered, or until nobody has answered it."""
    cached = Cached()
    answers: list[Any] = []
    questions = [Question(f"h{number}.example.com", "A") for number in range(513)]
    for question in questions:
        cached.cache.ask(question).addCallback(answers.append)
    assert len(cached.asked) == 512
    [refused] = answers
    assert isinstance(refused, DNSFailure)
    assert refused.silent
    assert cached.cache.failures == 1
    # Who asks for the same as others costs nothing.
    cached.cache.ask(questions[0]).addCallback(answers.append)
    cached.asked.pop(0)[1].callback(Found(["192.0.2.1"], 60))
    assert answers[1:] == [["192.0.2.1"]] * 2
    # What was refused may be asked again at once.
    assert cached.cache.known(questions[512]) is None
    cached.cache.ask(questions[512])
    assert cached.asked[-1][0] == questions[512]


def test_what_is_no_name_is_not_remembered() -> None:
    """It may be as long as a message."""
    cached = Cached()
    question = Question("x" * 8000, "A")
    cached.cache.ask(question)
    cached.asked.pop()[1].errback(DNSFailure("no domain name"))
    assert len(cached.cache) == 0
    assert cached.cache.known(question) is None


def test_an_error_is_kept_without_what_has_led_to_it() -> None:
    cached = Cached()
    cached.cache.ask(HOST)
    try:
        raise DNSFailure("the name server is silent")
    except DNSFailure as error:
        cached.asked[0][1].errback(error)
    known = cached.cache.known(HOST)
    assert isinstance(known, DNSFailure)
    assert known.__traceback__ is None


def test_hosts_file() -> None:
    names = parseHosts(
        "# a comment\n"
        "127.0.0.1\tlocalhost loop # and another\n"
        "::1 localhost Loop\n"
        "::1 localhost\n"
        "\n"
        "192.0.2.1 proxy.example.com\n"
        "nonsense name\n"
    )
    assert names == {
        "localhost": ("127.0.0.1", "::1"),
        "loop": ("127.0.0.1", "::1"),
        "proxy.example.com": ("192.0.2.1",),
    }


def test_hosts_file_is_read_again_when_it_changes(tmp_path: Any) -> None:
    now = 0.0
    path = tmp_path / "hosts"
    path.write_text("192.0.2.1 one\n")
    hosts = HostsFile(lambda: now, str(path))
    assert hosts.addresses("one") == ("192.0.2.1",)
    path.write_text("192.0.2.22 one\n")
    assert hosts.addresses("one") == ("192.0.2.1",)
    now += 5
    assert hosts.addresses("one") == ("192.0.2.22",)
    now += 5
    assert hosts.addresses("one") == ("192.0.2.22",)
    path.unlink()
    now += 5
    assert hosts.addresses("one") == ()


def test_localhost_is_known_without_a_file(tmp_path: Any) -> None:
    hosts = HostsFile(lambda: 0.0, str(tmp_path / "missing"))
    assert hosts.addresses("localhost") == ("127.0.0.1", "::1")


def test_counts() -> None:
    """What was known, what was asked, and what nobody has answered."""
    cached = Cached()
    cached.cache.known(HOST)
    cached.learn(HOST, Found(["192.0.2.1"], 60))
    for _ in range(3):
        cached.cache.known(HOST)
    other = Question("example.net", "A")
    for _ in range(2):
        # Those who ask for the same at the same time ask once.
        cached.cache.ask(other)
    cached.asked.pop()[1].errback(DNSFailure("nobody has answered"))
    assert (cached.cache.hits, cached.cache.asked, cached.cache.failures) == (3, 2, 1)
