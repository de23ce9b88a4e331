"""What replies to a question come to: the answer, another try, or a failure with its reason."""

from __future__ import annotations

import pytest

from kubedns_py.dns.name import from_text, to_wire
from kubedns_py.dns.rcode import BADVERS, FORMERR, NOERROR, NOTIMP, REFUSED, SERVFAIL
from kubedns_py.dns.render import Reply
from kubedns_py.dns.response import Response
from kubedns_py.dns.rrset import CNAME, RRset
from kubedns_py.structs import replace
from kubedns_py.upstream.counts import Retry
from kubedns_py.upstream.exchange import Failure
from tests.helpers.fake_exchanges import an_ask
from tests.helpers.lookups import ANSWER, ONE, TWO, LookupStage

# -- what nobody can read


def test_ten_replies_to_something_else_end_the_use_of_udp() -> None:
    """C-03: that question is asked over TCP."""
    stage = LookupStage([ONE, TWO])
    stage.look_up()

    stage.udp.sent[0].end(Failure.SUSPICIOUS)

    assert [str(sent) for sent in stage.tcp.sent] == ["10.0.0.1 www.example.org. A"]
    assert stage.counts.retries[Retry.SUSPICIOUS] == 1
    assert stage.suspects == []
    stage.tcp.sent[0].say("192.0.2.1")
    assert stage.lines == ANSWER


def test_unreadable_replies_are_waited_out_and_then_tcp_is_tried_once() -> None:
    """C-01, C-02: the wait goes on; after it TCP once, then the next server."""
    stage = LookupStage([ONE, TWO])
    stage.look_up()
    stage.udp.sent[0].mismatches = 1

    stage.advance(0.4)
    assert (stage.udp.hosts, stage.tcp.hosts) == ([ONE], [ONE])
    stage.advance(0.85)
    assert (stage.udp.hosts, stage.tcp.hosts) == ([ONE, TWO], [ONE])


def test_the_next_server_is_asked_where_tcp_fails_after_guesses() -> None:
    """C-03: that TCP is closed says nothing against the server."""
    stage = LookupStage([ONE, TWO])
    stage.look_up()
    stage.udp.sent[0].end(Failure.SUSPICIOUS)

    stage.tcp.sent[0].end(Failure.UNREACHABLE)

    assert stage.udp.hosts == [ONE, TWO]
    assert not stage.health(ONE).is_suspect


# -- truncation


def test_a_truncated_reply_is_asked_for_over_tcp() -> None:
    """C-12, RFC 7766, 5."""
    stage = LookupStage([ONE, TWO])
    stage.look_up()

    stage.udp.sent[0].say("192.0.2.9", truncated=True)
    assert (stage.udp.hosts, stage.tcp.hosts) == ([ONE], [ONE])
    stage.tcp.sent[0].say("192.0.2.1")

    assert stage.lines == ANSWER
    assert not stage.replies[0].truncated
    assert stage.counts.retries[Retry.TRUNCATED] == 1


@pytest.mark.parametrize("failure", list(Failure))
def test_what_is_truncated_is_handed_on_as_it_is_where_tcp_fails(failure: Failure) -> None:
    """C-12: with TC, so that the client may try."""
    stage = LookupStage([ONE])
    stage.look_up()
    stage.udp.sent[0].say("192.0.2.1", truncated=True)

    stage.tcp.sent[0].end(failure)
    stage.advance(1)

    assert stage.lines == ANSWER
    assert stage.replies[0].truncated
    assert stage.suspects == []


@pytest.mark.parametrize("failure", [Failure.UNREACHABLE, Failure.BROKEN])
def test_another_server_may_have_the_whole_where_tcp_fails(failure: Failure) -> None:
    """C-12, C-25: its TCP works."""
    stage = LookupStage([ONE, TWO])
    stage.look_up()
    stage.udp.sent[0].say("192.0.2.9", truncated=True)
    stage.tcp.sent[0].end(failure)
    assert stage.udp.hosts == [ONE, TWO]

    stage.udp.sent[1].say("192.0.2.9", truncated=True)
    assert stage.tcp.hosts == [ONE, TWO]
    stage.tcp.sent[1].say("192.0.2.1")

    assert stage.lines == ANSWER
    assert not stage.replies[0].truncated


def test_a_part_is_handed_on_where_no_server_has_the_whole() -> None:
    """C-12: with TC, and no server is asked for ever."""
    stage = LookupStage([ONE, TWO])
    stage.look_up()
    for number in range(2):
        stage.udp.sent[number].say("192.0.2.1", truncated=True)
        stage.tcp.sent[number].end(Failure.UNREACHABLE)
    stage.advance(3)

    assert stage.lines == ANSWER
    assert stage.replies[0].truncated
    assert len(stage.sent) == 4


def test_what_is_truncated_is_handed_on_after_two_seconds_where_tcp_is_silent() -> None:
    """C-12: a firewall that drops TCP."""
    stage = LookupStage([ONE])
    stage.look_up()
    stage.udp.sent[0].say(truncated=True)

    stage.advance(1.9)
    assert stage.replies == []
    stage.advance(0.2)

    assert stage.replies == [Reply(NOERROR, truncated=True)]


def test_a_truncated_reply_over_tcp_is_handed_on_as_it_is() -> None:
    """C-12: there is no third way."""
    stage = LookupStage([ONE], tls_name="dns.example")
    stage.look_up()

    stage.tcp.sent[0].say("192.0.2.1", truncated=True)

    assert stage.replies[0].truncated


def test_two_truncated_replies_from_one_server_are_asked_for_once() -> None:
    """C-11, C-12: the first question was repeated before its reply came."""
    stage = LookupStage([ONE])
    stage.look_up()
    stage.advance(1)

    stage.udp.sent[0].say(truncated=True)
    stage.udp.sent[1].say(truncated=True)

    assert len(stage.tcp.sent) == 1
    stage.tcp.sent[0].say("192.0.2.1")
    assert stage.lines == ANSWER


# -- EDNS


@pytest.mark.parametrize("rcode", [FORMERR, NOTIMP, BADVERS])
def test_a_server_that_does_not_know_edns_is_asked_without_it(rcode: int) -> None:
    """C-13: retried once without EDNS, and remembered."""
    stage = LookupStage([ONE, TWO])
    stage.look_up()

    stage.udp.sent[0].say(rcode=rcode, edns=rcode == BADVERS)
    assert [str(sent) for sent in stage.udp.sent[1:]] == [
        "10.0.0.1 www.example.org. A without EDNS"
    ]
    stage.udp.sent[1].say("192.0.2.1", edns=False)

    assert stage.lines == ANSWER
    assert stage.counts.retries[Retry.EDNS] == 1
    stage.look_up(an_ask("mail.example.org."))
    assert not stage.udp.sent[2].edns


def test_edns_is_tried_again_after_a_quarter_of_an_hour() -> None:
    """C-13: remembered 15 min."""
    stage = LookupStage([ONE])
    stage.health(ONE).refuses_edns(stage.clock.time())

    stage.look_up()
    stage.clock.advance(15 * 60)
    stage.look_up(an_ask("mail.example.org."))

    assert [sent.edns for sent in stage.udp.sent] == [False, True]


def test_an_error_that_is_not_about_edns_is_the_servers_word() -> None:
    """C-13; RFC 6891, 7: who knows EDNS puts an OPT record into the reply."""
    stage = LookupStage([ONE, TWO])
    stage.look_up()

    stage.udp.sent[0].say(rcode=NOTIMP, edns=True)

    assert stage.udp.hosts == [ONE, TWO]
    assert stage.udp.sent[1].edns


def test_who_refuses_with_and_without_edns_is_not_remembered_for_it() -> None:
    """C-13: NOTIMP may be about the type."""
    stage = LookupStage([ONE, TWO])
    stage.look_up()

    stage.udp.sent[0].say(rcode=NOTIMP, edns=False)
    stage.udp.sent[1].say(rcode=NOTIMP, edns=False)

    assert stage.udp.hosts == [ONE, ONE, TWO]
    assert stage.health(ONE).knows_edns(stage.clock.time())
    assert stage.udp.sent[2].edns


def test_a_question_without_edns_that_is_lost_is_repeated_without_edns() -> None:
    """C-13 and C-11: three sends are no more than enough."""
    stage = LookupStage([ONE])
    stage.look_up()

    stage.udp.sent[0].say(rcode=FORMERR, edns=False)
    stage.advance(2)

    assert [sent.edns for sent in stage.sent] == [True, False, False]


# -- servers that say that they cannot


@pytest.mark.parametrize("rcode", [SERVFAIL, REFUSED, NOTIMP, FORMERR])
def test_what_one_server_cannot_the_next_one_is_asked(rcode: int) -> None:
    """FWD-6, C-11."""
    stage = LookupStage([ONE, TWO])
    stage.look_up()

    stage.udp.sent[0].say(rcode=rcode)
    assert stage.udp.hosts == [ONE, TWO]
    stage.udp.sent[1].say("192.0.2.1")

    assert stage.lines == ANSWER
    assert stage.counts.retries[Retry.REFUSED] == 1
    assert stage.suspects == []  # it replies, so it is up


@pytest.mark.parametrize(
    ("rcodes", "expected"),
    [
        ((SERVFAIL, SERVFAIL), (SERVFAIL, "SERVFAIL", "SERVFAIL")),
        ((REFUSED, REFUSED), (REFUSED, "REFUSED", "REFUSED")),
        ((REFUSED, SERVFAIL), (SERVFAIL, "REFUSED", "SERVFAIL")),
        ((NOTIMP, NOTIMP), (SERVFAIL, "NOTIMP", "NOTIMP")),
    ],
)
def test_what_all_servers_cannot_the_client_is_told(
    rcodes: tuple[int, int], expected: tuple[int, str, str]
) -> None:
    """FWD-6: once each; with EDE 22 and what happened."""
    stage = LookupStage([ONE, TWO])
    stage.look_up()

    stage.udp.sent[0].say(rcode=rcodes[0])
    stage.udp.sent[1].say(rcode=rcodes[1])

    rcode, one, two = expected
    text = f"10.0.0.1:53 said {one}; 10.0.0.2:53 said {two}"
    assert stage.failure == (rcode, 22, text)
    assert len(stage.sent) == 2


def test_when_one_has_spoken_the_silent_ones_are_waited_for_two_seconds() -> None:
    """C-15: what is known to fail is not made slow as well."""
    stage = LookupStage([ONE, TWO])
    stage.look_up()
    stage.udp.sent[0].say(rcode=SERVFAIL)

    stage.advance(2.1)

    assert stage.failure == (
        SERVFAIL,
        22,
        "10.0.0.1:53 said SERVFAIL; 10.0.0.2:53 did not answer",
    )


def test_a_refusal_does_not_end_the_wait_for_another() -> None:
    """C-15: who is slow may still know."""
    stage = LookupStage([ONE, TWO])
    stage.look_up()
    stage.advance(0.5)

    stage.udp.to(TWO)[0].say(rcode=REFUSED)
    assert stage.replies == []
    stage.udp.to(ONE)[0].say("192.0.2.1")

    assert stage.lines == ANSWER


def test_a_chain_without_end_is_no_answer() -> None:
    """C-07: a loop of aliases; the next server is asked."""
    stage = LookupStage([ONE, TWO])
    ask = an_ask()
    stage.look_up(ask)
    loop = RRset(ask.name, CNAME, 60, (to_wire(ask.name),))

    stage.udp.sent[0].end(Response(NOERROR, False, False, True, (loop,), ()))  # noqa: FBT003 - fields

    assert stage.udp.hosts == [ONE, TWO]


def test_a_name_of_ours_in_a_chain_is_cut_off() -> None:
    """C-07: ``is_elsewhere`` reaches ``chain.clean``."""
    stage = LookupStage([ONE])
    stage.means = replace(stage.means, is_elsewhere=lambda name, _: name[-1] == b"local")
    ask = an_ask()
    stage.look_up(ask)
    ours = from_text("web.shop.svc.cluster.local.")
    alias = RRset(ask.name, CNAME, 60, (to_wire(ours),))
    forged = RRset(ours, 1, 60, (b"\xc0\0\2\x42",))

    stage.udp.sent[0].end(Response(NOERROR, False, False, True, (alias, forged), ()))  # noqa: FBT003 - fields

    assert stage.lines == ["www.example.org. 60 IN CNAME web.shop.svc.cluster.local."]


# -- TLS


def test_a_server_with_tls_is_asked_over_its_stream_alone() -> None:
    """RFC 7858: whatever happens, nothing goes out in the clear."""
    stage = LookupStage([ONE, TWO], tls_name="dns.example")
    stage.look_up()

    stage.tcp.sent[0].end(Failure.UNTRUSTED)
    stage.advance(5)

    assert stage.udp.sent == []
    assert stage.health(ONE) in stage.suspects
    assert len(stage.tcp.sent) == 6
    assert stage.failure[1] == 23


def test_a_stream_that_breaks_off_is_begun_again() -> None:
    """C-26: after the transparent retry of ``streams.py``."""
    stage = LookupStage([ONE], tls_name="dns.example")
    stage.look_up()

    stage.tcp.sent[0].end(Failure.BROKEN)
    stage.advance(0.5)
    stage.tcp.sent[1].say("192.0.2.1")

    assert stage.lines == ANSWER
