"""Questions in random case: which goes out, which reply is taken, what is remembered (C-05)."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.rcode import NXDOMAIN, REFUSED, SERVFAIL
from kubedns_py.dns.response import Response
from kubedns_py.upstream.exchange import Exchange, Failure
from kubedns_py.upstream.random_case import PLAIN_S, RandomCase
from tests.helpers.fake_exchanges import FakeExchanges, ManualClock, Sent, an_ask

ONE, TWO = Nameserver("10.0.0.1"), Nameserver("10.0.0.2")


class Stage:
    """Exchanges in random case, over some that a test ends.

    Attributes:
        ends: what was heard of those that were begun.
    """

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.udp = FakeExchanges(self.clock)
        self.ends: list[Response | Failure] = []
        self._cased = RandomCase(self.udp, self.clock.time)

    def ask(self, server: Nameserver = ONE, ask: Ask | None = None) -> Exchange:
        """Begin one."""
        return self._cased.begin(server, ask or an_ask(), self.ends.append, edns=True)

    def other_case(self, sent: Sent) -> None:
        """Have a reply in another case come."""
        assert sent.spelling is not None
        sent.mismatches += 1
        sent.spelling.on_other()

    @property
    def addresses(self) -> list[str]:
        """The last octet of each answer."""
        return [str(end.answer[0].rdatas[0][-1]) for end in self.ends if isinstance(end, Response)]


@pytest.fixture
def stage() -> Stage:
    """Return a stage on which nothing has happened."""
    return Stage()


def kinds(sents: list[Sent]) -> list[str]:
    """Return for each question whether it went out in random case."""
    return ["plain" if sent.spelling is None else "random" for sent in sents]


def test_a_question_goes_out_in_random_case_and_ends_with_its_reply(stage: Stage) -> None:
    """C-05: asked for once; the name is the same but for its case."""
    stage.ask()
    (sent,) = stage.udp.sent
    assert sent.spelling is not None
    assert sent.spelling.octets.lower() == b"\3www\7example\3org\0"
    assert (sent.server, sent.ask, sent.edns) == (ONE, an_ask(), True)

    sent.say("192.0.2.1")

    assert stage.addresses == ["1"]
    stage.ask()
    assert kinds(stage.udp.sent) == ["random", "random"]


def test_a_name_without_letters_is_asked_for_as_it_is(stage: Stage) -> None:
    """C-05: the root, numbers."""
    for name in (".", "10.0.96.10"):
        stage.ask(ask=an_ask(name))

    assert kinds(stage.udp.sent) == ["plain", "plain"]


def test_a_reply_in_another_case_has_the_question_sent_in_lower_case_at_once(stage: Stage) -> None:
    """C-05: the wait for the first goes on; the second is answered first, and all is well."""
    exchange = stage.ask()
    (first,) = stage.udp.sent
    stage.other_case(first)
    second = stage.udp.sent[1]
    assert kinds(stage.udp.sent) == ["random", "plain"]
    assert (second.server, second.ask, second.edns) == (ONE, an_ask(), True)
    assert first.is_open
    assert second.at == first.at
    assert exchange.mismatches == 1

    second.say("192.0.2.2")

    assert stage.addresses == ["2"]
    assert first.is_cancelled
    assert exchange.mismatches == 1


def test_a_server_with_a_case_of_its_own_gets_lower_case_for_a_quarter_of_an_hour(
    stage: Stage,
) -> None:
    """C-05: the fallback list; each server for itself."""
    stage.ask()
    stage.other_case(stage.udp.sent[0])
    stage.udp.sent[1].say("192.0.2.2")
    stage.udp.sent.clear()

    stage.ask()
    stage.ask(TWO)
    stage.clock.advance(PLAIN_S - 1)
    stage.ask()
    stage.clock.advance(1)
    stage.ask()

    assert kinds(stage.udp.sent) == ["plain", "random", "plain", "random"]


def test_several_replies_in_another_case_send_one_more_question(stage: Stage) -> None:
    """C-05, C-11: no reply makes us send without end."""
    exchange = stage.ask()
    for _ in range(3):
        stage.other_case(stage.udp.sent[0])

    assert kinds(stage.udp.sent) == ["random", "plain"]
    assert exchange.mismatches == 3


def test_a_forged_reply_in_another_case_gains_nothing(stage: Stage) -> None:
    """C-05: the server's own reply to the first is on its way; it is taken, nothing remembered."""
    stage.ask()
    stage.other_case(stage.udp.sent[0])
    stage.udp.sent[0].say("192.0.2.1")

    assert stage.addresses == ["1"]
    assert stage.udp.sent[1].is_cancelled
    stage.ask()
    assert kinds(stage.udp.sent)[-1] == "random"


def test_a_refusal_may_be_because_of_the_capitals(stage: Stage) -> None:
    """C-05; DVE-2017-0006: asked again in lower case; if that helps it is remembered."""
    stage.ask()
    stage.udp.sent[0].say(rcode=REFUSED)
    assert stage.ends == []
    stage.udp.sent[1].say("192.0.2.2")

    assert stage.addresses == ["2"]
    stage.ask()
    assert kinds(stage.udp.sent) == ["random", "plain", "plain"]


def test_a_refusal_in_lower_case_too_is_one(stage: Stage) -> None:
    """C-05: and says nothing of the capitals."""
    stage.ask()
    for number in range(2):
        stage.udp.sent[number].say(rcode=REFUSED)

    (end,) = stage.ends
    assert isinstance(end, Response)
    assert end.rcode == REFUSED
    stage.ask()
    assert kinds(stage.udp.sent) == ["random", "plain", "random"]


def test_a_refusal_stands_when_the_second_question_fails(stage: Stage) -> None:
    """C-05: what is known is said."""
    stage.ask()
    stage.udp.sent[0].say(rcode=REFUSED)
    stage.udp.sent[1].end(Failure.UNREACHABLE)

    (end,) = stage.ends
    assert isinstance(end, Response)
    assert end.rcode == REFUSED


@pytest.mark.parametrize("rcode", [SERVFAIL, NXDOMAIN])
def test_any_other_reply_in_the_right_case_is_taken(stage: Stage, rcode: int) -> None:
    """C-05; DVE-2017-0003: a denial because of capitals cannot be told from another."""
    stage.ask()
    stage.udp.sent[0].say(rcode=rcode)

    assert len(stage.ends) == len(stage.udp.sent) == 1


def test_when_the_second_fails_the_first_is_still_waited_for(stage: Stage) -> None:
    """C-05: and its refusal is then final."""
    exchange = stage.ask()
    stage.other_case(stage.udp.sent[0])
    stage.udp.sent[1].mismatches = 10
    stage.udp.sent[1].end(Failure.SUSPICIOUS)
    assert stage.ends == []
    assert exchange.mismatches == 11

    stage.udp.sent[0].say(rcode=REFUSED)

    assert len(stage.ends) == 1
    assert len(stage.udp.sent) == 2


@pytest.mark.parametrize("failure", [Failure.UNREACHABLE, Failure.SUSPICIOUS])
def test_when_the_first_fails_that_is_the_end(stage: Stage, failure: Failure) -> None:
    """C-03: whoever asked goes on by TCP, or to another server."""
    stage.ask()
    stage.other_case(stage.udp.sent[0])
    stage.udp.sent[0].end(failure)

    assert stage.ends == [failure]
    assert stage.udp.sent[1].is_cancelled


def test_after_cancel_nothing_is_heard_and_nothing_sent(stage: Stage) -> None:
    """The contract of Exchanges; twice is harmless."""
    exchange = stage.ask()
    first = stage.udp.sent[0]
    stage.other_case(first)
    exchange.cancel()
    exchange.cancel()
    stage.other_case(first)

    assert [sent.is_cancelled for sent in stage.udp.sent] == [True, True]
    assert stage.ends == []
    assert exchange.mismatches == 1


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Keep the collector of cycles out."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_nothing_is_left_for_the_collector_of_cycles(stage: Stage) -> None:
    """L-10: what is answered is gone, without a pause for it."""
    exchange = stage.ask()
    stage.other_case(stage.udp.sent[0])
    stage.udp.sent[1].say("192.0.2.2")
    gone = weakref.ref(stage.udp.sent[0])

    stage.udp.sent.clear()
    del exchange

    assert gone() is None
