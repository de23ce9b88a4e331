"""Questions to others, read back by dnspython; exact octets where a server may depend on them."""

import pytest

from kubedns_py.dns.ask import PAYLOAD_OCTETS, Ask, write_ask
from kubedns_py.dns.name import from_text
from kubedns_py.dns.rrset import AAAA, IN, A
from tests.helpers import oracle

WWW = from_text("www.example")


def test_a_question_is_these_octets() -> None:
    """C-24: header, question and a fresh OPT record without options, nothing else."""
    octets = write_ask(Ask(WWW, A, IN), 0x2B1D)

    assert octets == bytes.fromhex(
        "2b1d 0120 0001 0000 0000 0001"
        "03 777777 07 6578616d706c65 00 0001 0001"
        "00 0029 04d0 00000000 0000"
    )


def test_without_edns_it_ends_behind_the_question() -> None:
    """C-13: what a server is asked that refuses EDNS."""
    octets = write_ask(Ask(WWW, A, IN), 0x2B1D, edns=False)

    assert octets == bytes.fromhex(
        "2b1d 0120 0001 0000 0000 0000 03 777777 07 6578616d706c65 00 0001 0001"
    )


def test_dnspython_reads_it_as_a_query_with_edns() -> None:
    """RFC 6891, 6.1; RFC 9715, 3.2: no more than 1232 octets over UDP are asked for."""
    reading = oracle.read(write_ask(Ask(WWW, AAAA, IN), oracle.ID))

    assert reading.message_id == oracle.ID
    assert reading.opcode == "QUERY"
    assert reading.question == ("www.example. IN AAAA",)
    assert reading.edns == oracle.Edns(0, PAYLOAD_OCTETS, 0, (), ())
    assert PAYLOAD_OCTETS == 1232
    assert (reading.answer, reading.authority, reading.additional) == ((), (), ())


def test_recursion_is_desired_and_validation_is_asked_about() -> None:
    """RFC 6840, 5.7: AD in a query asks for AD in the reply."""
    assert oracle.read(write_ask(Ask(WWW, A, IN), 1)).flags == {"RD", "AD"}


def test_checking_is_disabled_where_the_client_wants_it_so() -> None:
    """C-18; RFC 4035, 3.2.2."""
    assert oracle.read(write_ask(Ask(WWW, A, IN, cd=True), 1)).flags == {"RD", "AD", "CD"}


def test_dnssec_records_are_asked_for_where_the_client_wants_them() -> None:
    """C-18; RFC 3225, 3."""
    reading = oracle.read(write_ask(Ask(WWW, A, IN, do=True), 1))

    assert reading.edns is not None
    assert reading.edns.flags == 0x8000


def test_without_edns_dnssec_records_cannot_be_asked_for() -> None:
    """C-13: an answer without signatures is better than none."""
    assert oracle.read(write_ask(Ask(WWW, A, IN, do=True), 1, edns=False)).edns is None


@pytest.mark.parametrize("ident", [0, 1, 65535])
def test_any_id_is_said_as_it_is_given(ident: int) -> None:
    """C-04: 16 bits."""
    assert oracle.read(write_ask(Ask(WWW, A, IN), ident)).message_id == ident


def test_the_shortest_and_the_longest_question_have_17_and_282_octets() -> None:
    """RFC 1035, 3.1: a name has 1 to 255 octets."""
    longest = (b"x" * 63, b"y" * 63, b"z" * 63, b"w" * 61)

    assert len(write_ask(Ask((), A, IN), 0, edns=False)) == 17
    assert len(write_ask(Ask(longest, A, IN), 0)) == 282


def test_any_octet_of_a_label_is_sent_as_it_is() -> None:
    """RFC 2181, 11: a dot within a label is no separator."""
    reading = oracle.read(write_ask(Ask((b"a.b", b"\0\xff", b"example"), 65280, IN), 0))

    assert reading.question == (r"a\.b.\000\255.example. IN TYPE65280",)


def test_two_questions_differ_where_an_answer_may_differ() -> None:
    """C-18: name, type, class, DO and CD are the key of whatever is remembered."""
    plain = Ask(WWW, A, IN)
    others = [
        Ask(from_text("example"), A, IN),
        Ask(WWW, AAAA, IN),
        Ask(WWW, A, 3),
        Ask(WWW, A, IN, do=True),
        Ask(WWW, A, IN, cd=True),
    ]

    assert len({plain, *others}) == 6
    assert plain == Ask(WWW, A, IN, do=False, cd=False)
