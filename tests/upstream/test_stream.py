"""One connection, without a network: what is written, what is taken, and when it is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import dns.message
import dns.rdatatype
import pytest

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.response import Response, Unusable
from kubedns_py.dns.rrset import AAAA
from kubedns_py.upstream.exchange import Failure
from kubedns_py.upstream.stream import MAX_UNUSABLE, SILENT_S, Question, Stream, StreamLimits
from tests.helpers.exchanges import WWW, an_ask

FIRST, SECOND, THIRD = (an_ask(f"{word}.test.") for word in ("first", "second", "third"))


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.ended = ""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it."""
        self.writes.append(bytes(data))

    def is_closing(self) -> bool:
        """Return whether it was closed or aborted."""
        return bool(self.ended)

    def close(self) -> None:
        """Note it."""
        self.ended = "closed"

    def abort(self) -> None:
        """Note it."""
        self.ended = "aborted"

    def queries(self) -> list[dns.message.Message]:
        """Return the messages that were written, as dnspython reads them."""
        octets, found = b"".join(self.writes), []
        while octets:
            end = 2 + int.from_bytes(octets[:2])
            found.append(dns.message.from_wire(octets[2:end]))
            octets = octets[end:]
        return found


class Keeper:
    """An Owner that notes what it is told; ``idents`` are drawn before numbers from 1000 on."""

    def __init__(self, *, limits: StreamLimits | None = None, idents: Sequence[int] = ()) -> None:
        self.limits = limits or StreamLimits()
        self.time = 100.0
        self.counted: list[Unusable] = []
        self.settlements = 0
        self.lost: list[tuple[list[Question], Failure]] = []
        self._idents: list[int] = [*idents, *range(1000, 2000)]

    def draw(self) -> int:
        """Return the next ID."""
        return self._idents.pop(0)

    def count(self, reason: Unusable) -> None:
        """Note it."""
        self.counted.append(reason)

    def now(self) -> float:
        """Return the time that the test has set."""
        return self.time

    def settled(self, stream: Stream) -> None:  # noqa: ARG002 - there is one
        """Count it."""
        self.settlements += 1

    def ended(self, stream: Stream, questions: list[Question], failure: Failure) -> None:  # noqa: ARG002 - there is one
        """Note it."""
        self.lost.append((questions, failure))


class Line:
    """A connection with both of its ends."""

    def __init__(
        self,
        *,
        limits: StreamLimits | None = None,
        idents: Sequence[int] = (),
        is_open: bool = True,
    ) -> None:
        self.owner = Keeper(limits=limits, idents=idents)
        self.stream = Stream(self.owner)
        self.wire = Wire()
        self.outcomes: list[tuple[str, str]] = []
        if is_open:
            self.stream.connection_made(self.wire)

    def ask(self, ask: Ask = WWW) -> Question:
        """Place a question."""
        name = ask.name[0].decode()

        def done(outcome: Response | Failure) -> None:
            word = str(outcome) if isinstance(outcome, Failure) else "answered"
            self.outcomes.append((name, word))

        question = Question(ask, done, edns=True)
        self.stream.place(question)
        return question

    def receive(self, *messages: bytes) -> None:
        """Let messages arrive at once."""
        self.stream.data_received(b"".join(len(m).to_bytes(2) + m for m in messages))


def reply_to(question: Question, ask: Ask | None = None) -> bytes:
    """Return the reply with a question's ID, to that question or to another."""
    asked = dns.message.make_query(
        ".".join(label.decode() for label in (ask or question.ask).name) + ".",
        dns.rdatatype.RdataType.make((ask or question.ask).qtype),
        id=question.ident,
    )
    return dns.message.make_response(asked).to_wire()


def test_questions_wait_for_the_connection_and_go_out_in_one_piece() -> None:
    """RFC 7766, 6.2.1.1: pipelined; 8: length and message in one segment."""
    line = Line(is_open=False)
    line.ask(FIRST)
    line.ask(SECOND)
    assert line.wire.writes == []

    line.stream.connection_made(line.wire)

    assert len(line.wire.writes) == 1
    assert [str(query.question[0].name) for query in line.wire.queries()] == [
        "first.test.",
        "second.test.",
    ]


def test_replies_are_taken_in_any_order() -> None:
    """RFC 7766, 6.2.1.1; C-28."""
    line = Line()
    first, second, third = line.ask(FIRST), line.ask(SECOND), line.ask(THIRD)

    line.receive(reply_to(third), reply_to(first))
    line.receive(reply_to(second))

    assert line.outcomes == [("third", "answered"), ("first", "answered"), ("second", "answered")]
    assert line.owner.counted == []


def test_a_reply_may_come_octet_by_octet() -> None:
    """RFC 7766, 8: the reader must not expect a message in one segment."""
    line = Line()
    message = reply_to(line.ask())
    octets = len(message).to_bytes(2) + message

    for at in range(len(octets)):
        assert line.outcomes == []
        line.stream.data_received(octets[at : at + 1])

    assert line.outcomes == [("www", "answered")]


def test_no_two_questions_on_a_connection_have_the_same_id() -> None:
    """RFC 7766, 6.2.1: the ID tells replies apart."""
    line = Line(idents=[7, 7, 7, 8, 7])
    first, second = line.ask(FIRST), line.ask(SECOND)
    assert (first.ident, second.ident) == (7, 8)

    line.receive(reply_to(first))

    assert line.ask(THIRD).ident == 7


def test_a_reply_to_nobody_is_counted_and_passed_over() -> None:
    """C-01; RFC 7766, 7: what is outstanding is known by ID and question."""
    line = Line()
    first, second = line.ask(FIRST), line.ask(SECOND)
    second.cancel()

    line.receive(
        reply_to(second), reply_to(first, ask=THIRD), reply_to(first, an_ask("first.test.", AAAA))
    )
    assert line.owner.counted == ["id", "question", "question"]
    assert first.mismatches == 2
    assert line.outcomes == []

    line.receive(reply_to(first))

    assert line.outcomes == [("first", "answered")]


@pytest.mark.parametrize("size", [0, 1, 11])
def test_a_length_below_a_header_ends_the_connection(size: int) -> None:
    """RFC 1035, 4.2.2: there is no boundary to go on from. Replies before it are taken."""
    line = Line()
    first, second = line.ask(FIRST), line.ask(SECOND)

    line.stream.data_received(
        len(reply_to(first)).to_bytes(2) + reply_to(first) + size.to_bytes(2) + b"junk"
    )
    assert line.wire.ended == "aborted"
    line.stream.connection_lost(None)

    assert line.outcomes == [("first", "answered")]
    assert line.owner.lost == [([second], Failure.BROKEN)]
    assert not line.stream.left(second)


def test_a_server_that_sends_nothing_but_rubbish_is_hung_up_on() -> None:
    """C-01: passed over, but not for ever; a good reply in between begins anew."""
    line = Line()
    rubbish = bytes(12)
    line.receive(*[rubbish] * (MAX_UNUSABLE - 1), reply_to(line.ask()))
    question = line.ask()
    line.receive(*[rubbish] * (MAX_UNUSABLE - 1))
    assert line.wire.ended == ""

    line.receive(rubbish)

    assert line.wire.ended == "aborted"
    assert not line.stream.has_place()
    line.stream.connection_lost(None)
    assert not line.stream.left(question)


def test_a_connection_has_as_many_places_as_it_is_given() -> None:
    """Every queue is bounded; a place is free again after a reply or a cancel."""
    line = Line(limits=StreamLimits(outstanding=2))
    first = line.ask(FIRST)
    assert line.stream.has_place()
    second = line.ask(SECOND)
    assert not line.stream.has_place()

    first.cancel()
    assert line.stream.has_place()
    line.ask(THIRD)
    assert not line.stream.has_place()
    line.receive(reply_to(second))

    assert line.stream.has_place()


def test_a_connection_that_the_server_does_not_read_takes_no_more() -> None:
    """Every buffer is bounded."""
    line = Line()
    line.stream.pause_writing()
    assert not line.stream.has_place()
    before = line.owner.settlements

    line.stream.resume_writing()

    assert line.stream.has_place()
    assert line.owner.settlements == before + 1


def test_a_connection_that_the_server_is_closing_takes_no_more() -> None:
    """RFC 7766, 6.2.4: its FIN was read; ``connection_lost`` comes a turn later."""
    line = Line()
    assert line.stream.has_place()

    line.wire.close()

    assert not line.stream.has_place()


def test_a_connection_is_idle_while_it_has_no_question() -> None:
    """RFC 7766, 6.2.3."""
    line = Line(is_open=False)
    since = [line.stream.idle_since]
    line.stream.connection_made(line.wire)
    since.append(line.stream.idle_since)
    question = line.ask()
    since.append(line.stream.idle_since)
    line.owner.time = 101.0
    line.receive(reply_to(question))
    since.append(line.stream.idle_since)

    assert since == [None, 100.0, None, 101.0]


def test_a_connection_that_was_silent_while_questions_waited_is_given_up() -> None:
    """F-rows: a middle box forgets connections without a word. The other question may go on."""
    line = Line()
    first, second = line.ask(FIRST), line.ask(SECOND)
    line.owner.time += SILENT_S

    first.cancel()
    assert not line.stream.has_place()
    assert line.wire.ended == ""
    second.cancel()

    assert line.wire.ended == "aborted"


def test_short_waits_that_follow_each_other_are_one_silence() -> None:
    """The same, where whoever asks never waits as long as that."""
    line = Line()
    for _ in range(3):
        question = line.ask()
        line.owner.time += SILENT_S / 3 + 0.001
        question.cancel()

    assert line.wire.ended == "aborted"


def test_a_cancel_soon_after_the_question_says_nothing_about_the_connection() -> None:
    """Another server was faster; this one is not dead."""
    line = Line()
    question = line.ask()
    line.owner.time += SILENT_S / 2
    question.cancel()
    line.receive(reply_to(question))  # late, but a sign of life
    line.owner.time += SILENT_S * 10
    question = line.ask()
    line.owner.time += SILENT_S / 2

    question.cancel()

    assert line.wire.ended == ""
    assert line.stream.has_place()


def test_a_reply_to_another_question_is_a_sign_of_life() -> None:
    """C-28: a server may be slow with one name."""
    line = Line()
    slow, fast = line.ask(FIRST), line.ask(SECOND)
    line.owner.time += SILENT_S
    line.receive(reply_to(fast))
    line.owner.time += SILENT_S / 2

    slow.cancel()

    assert line.wire.ended == ""


def test_questions_may_be_cancelled_before_the_connection_is_open() -> None:
    """Nothing is sent for them, and the connection may be of use to the next."""
    line = Line(is_open=False)
    line.ask().cancel()
    line.owner.time += SILENT_S * 2

    line.stream.connection_made(line.wire)

    assert line.wire.writes == []
    assert line.stream.has_place()


def test_a_question_on_a_kept_connection_is_not_lost_with_it() -> None:
    """C-26; RFC 7766, 6.2.4: the server closed it as idle before it read the question."""
    line = Line()
    question = line.ask()

    line.stream.connection_lost(ConnectionResetError())

    assert line.owner.lost == [([question], Failure.BROKEN)]
    assert line.stream.left(question)
    assert question.place is None
    assert not line.stream.has_place()


def test_a_question_on_a_new_connection_is_lost_with_it() -> None:
    """C-26: a server that accepts and closes does not want to be asked."""
    line = Line(is_open=False)
    question = line.ask()
    line.stream.connection_made(line.wire)

    line.stream.connection_lost(None)

    assert not line.stream.left(question)


def test_a_question_is_not_lost_with_a_connection_that_has_answered_another() -> None:
    """RFC 7766, 6.2.4: some servers close after one answer."""
    line = Line(is_open=False)
    first, second = line.ask(FIRST), line.ask(SECOND)
    line.stream.connection_made(line.wire)
    line.receive(reply_to(first))

    line.stream.connection_lost(None)

    assert line.stream.left(second)


def test_a_question_whose_reply_has_begun_is_lost() -> None:
    """C-26: without a single octet of its reply."""
    line = Line()
    question = line.ask()
    line.stream.data_received(b"\0")

    line.stream.connection_lost(None)

    assert not line.stream.left(question)


def test_a_connection_that_could_not_be_opened_gives_its_questions_back() -> None:
    """Failure of the attempt, told once."""
    line = Line(is_open=False)
    question = line.ask()

    line.stream.fail(Failure.UNTRUSTED)

    assert line.owner.lost == [([question], Failure.UNTRUSTED)]
    assert not line.stream.left(question)


def test_a_connection_that_is_open_does_not_fail_to_open() -> None:
    """The attempt's end comes after its success."""
    line = Line()

    line.stream.fail(Failure.BROKEN)

    assert line.owner.lost == []


def test_a_lost_question_may_be_cancelled_before_it_is_told() -> None:
    """Exchange: ``done`` of one question may cancel another that was lost with it."""
    line = Line()
    question = line.ask()
    line.stream.connection_lost(None)

    question.cancel()
    question.end(Failure.BROKEN)

    assert line.outcomes == []


def test_a_cancel_after_the_end_is_harmless() -> None:
    """Exchange: after its end, or twice."""
    line = Line()
    question, other = line.ask(FIRST), line.ask(SECOND)
    line.receive(reply_to(question))

    question.cancel()
    other.cancel()
    other.cancel()

    assert line.outcomes == [("first", "answered")]


def test_closing_and_aborting_end_the_connection_and_take_nothing_more() -> None:
    """FIN when it is idle, RST when the process ends."""
    for end, word in ((Stream.close, "closed"), (Stream.abort, "aborted")):
        line = Line()
        end(line.stream)
        assert line.wire.ended == word
        assert not line.stream.has_place()


def test_a_connection_that_is_not_open_can_be_ended_too() -> None:
    """The attempt is ended by whoever made it."""
    line = Line(is_open=False)

    line.stream.close()
    line.stream.abort()

    assert not line.stream.has_place()
