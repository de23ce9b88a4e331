"""Replies of others to responses: what matches the question, and what is read of it.

dnspython writes what it is able to write; the rest is made octet by octet.
"""

import struct

import pytest
from msgspec.structs import astuple, replace

from kubedns_py.dns.ask import Ask, write_ask
from kubedns_py.dns.name import from_text
from kubedns_py.dns.response import Response, Unusable, read_response
from kubedns_py.dns.rrset import AAAA, CNAME, IN, NS, OPT, SOA, A
from tests.helpers import octets
from tests.helpers.octets import POINTER_TO_QUESTION, QR, RD, header, name, opt, question
from tests.helpers.oracle import ID
from tests.helpers.replies import asking, lines_of, reply_to

WWW = asking("www.example.")
ADDRESS = "www.example. 300 IN A 192.0.2.1"
WIRE = name("www.example")
REPLY = QR | RD
TC = 0x0200
OTHER = b"\0" + struct.pack("!HHIH", 250, 255, 0, 0)  # TSIG, where OPT usually is


def record(
    rtype: int = A,
    rdata: bytes = b"\xc0\0\2\1",
    *,
    owner: bytes = POINTER_TO_QUESTION,
    rclass: int = IN,
    ttl: int = 300,
) -> bytes:
    """Return a record at the question's name unless told otherwise."""
    return owner + struct.pack("!HHIH", rtype, rclass, ttl, len(rdata)) + rdata


def message(*records: bytes, flags: int = REPLY, an: int = 0, ns: int = 0, ar: int = 0) -> bytes:
    """Return a reply to the question for www.example's address with these counts."""
    return header(flags, an=an, ns=ns, ar=ar) + question(WIRE) + b"".join(records)


def read(reply: bytes, ask: Ask = WWW) -> Response | Unusable:
    """Return what the octets are to a question with the usual ID."""
    return read_response(reply, write_ask(ask, ID), ask)


def response(reply: bytes, ask: Ask = WWW) -> Response:
    """Return the same where it must be a response."""
    found = read(reply, ask)
    assert isinstance(found, Response)
    return found


def test_an_answer_is_read() -> None:
    """RFC 1035, 4.1: code, bits and the sections that answer something."""
    found = response(reply_to(WWW, ADDRESS))

    assert astuple(found)[:4] == (0, False, False, True)
    assert lines_of(found.answer) == (ADDRESS,)
    assert found.authority == ()


def test_the_sections_stay_apart_and_the_additional_one_is_not_kept() -> None:
    """C-06: addresses of name servers are nobody's answer."""
    found = response(
        reply_to(
            WWW,
            "www.example. 300 IN CNAME web.example.",
            "web.example. 60 IN A 192.0.2.1",
            authority=("example. 900 IN NS ns.example.",),
            additional=("ns.example. 900 IN A 192.0.2.53",),
        )
    )

    assert lines_of(found.answer) == (
        "www.example. 300 IN CNAME web.example.",
        "web.example. 60 IN A 192.0.2.1",
    )
    assert lines_of(found.authority) == ("example. 900 IN NS ns.example.",)


@pytest.mark.parametrize("size", [0, 1, 11])
def test_less_than_a_header_is_short(size: int) -> None:
    """C-02."""
    assert read(reply_to(WWW, ADDRESS)[:size]) is Unusable.SHORT


def test_another_id_is_not_our_reply() -> None:
    """C-01; RFC 5452, 9.1."""
    assert read_response(reply_to(WWW, ADDRESS), write_ask(WWW, ID ^ 1), WWW) is Unusable.ID


def test_a_query_is_no_reply() -> None:
    """C-01: QR is 0."""
    assert read(reply_to(WWW, ADDRESS, flags="RD")) is Unusable.NO_RESPONSE


def test_another_opcode_is_not_our_reply() -> None:
    """C-01: NOTIFY."""
    assert read(message(flags=REPLY | 4 << 11)) is Unusable.OPCODE


@pytest.mark.parametrize(
    "other",
    [
        asking("vvv.example."),
        asking("www.example.org."),
        asking("www."),
        asking("example."),
        asking("."),
        asking("www.example.", "AAAA"),
        asking("www.example.", "TYPE257"),
        replace(WWW, qclass=3),
        replace(WWW, name=(b"www.example",)),
    ],
    ids=str,
)
def test_another_question_is_not_ours(other: Ask) -> None:
    """C-01; RFC 5452, 9.1: name, type and class."""
    octets_of_other = header(REPLY) + question(
        b"".join(bytes([len(label)]) + label for label in other.name) + b"\0",
        other.qtype,
        other.qclass,
    )

    assert read(octets_of_other) is Unusable.QUESTION
    assert isinstance(read(octets_of_other, other), Response)


def test_types_are_compared_as_numbers_and_not_as_letters() -> None:
    """C-01: 65 is HTTPS and 97 is not, though A and a are the same letter in a name."""
    assert read(header(REPLY) + question(WIRE, 97), asking(rtype="HTTPS")) is Unusable.QUESTION
    assert isinstance(read(header(REPLY) + question(WIRE, 65), asking(rtype="HTTPS")), Response)


def test_the_question_may_come_back_in_any_spelling() -> None:
    """RFC 4343, 3; so may the owners that point at it, which are folded."""
    found = response(
        header(REPLY, an=1) + question(name("wWw.EXAMPLE")) + record(owner=POINTER_TO_QUESTION)
    )

    assert lines_of(found.answer) == (ADDRESS,)


@pytest.mark.parametrize("count", [0, 2, 65535])
def test_none_and_several_questions_are_not_ours(count: int) -> None:
    """C-01: QDCOUNT 0; RFC 9619, 4."""
    reply = header(REPLY, qd=count, an=1) + question(WIRE) + record()

    assert read(reply) is Unusable.QUESTION


@pytest.mark.parametrize("cut", range(1, len(WIRE) + 4))
def test_a_question_that_is_cut_is_not_ours(cut: int) -> None:
    """C-02: anywhere in it."""
    assert read(message()[:-cut]) is Unusable.QUESTION


def test_a_question_that_is_compressed_is_not_ours() -> None:
    """RFC 1035, 4.1.4: nothing stands before it that it could point at."""
    assert read(header(REPLY) + b"\3www\xc0\x0c\0\1\0\1") is Unusable.QUESTION


@pytest.mark.parametrize("rcode", [1, 4])
@pytest.mark.parametrize("behind", [b"", bytes(16)], ids=["bare", "with octets behind"])
def test_a_header_that_refuses_is_a_response_with_its_code_alone(rcode: int, behind: bytes) -> None:
    """C-13, C-29: servers without EDNS say FORMERR or NOTIMP and send no question back."""
    assert read(header(REPLY | rcode, qd=0) + behind) == Response(
        rcode, truncated=False, authenticated=False, edns=False, answer=(), authority=()
    )


@pytest.mark.parametrize("rcode", [0, 2, 3, 5])
def test_any_other_header_alone_is_not_ours(rcode: int) -> None:
    """C-01: QDCOUNT 0 says nothing about any question."""
    assert read(header(REPLY | rcode, qd=0)) is Unusable.QUESTION


@pytest.mark.parametrize("ident", [0, ID ^ 0x8000])
def test_a_header_that_refuses_must_have_our_id(ident: int) -> None:
    """C-01: otherwise anybody could switch EDNS off."""
    assert read_response(header(REPLY | 1, qd=0), write_ask(WWW, ident), WWW) is Unusable.ID


@pytest.mark.parametrize(
    ("flags", "truncated", "authenticated"),
    [
        ("QR", False, False),
        ("QR TC", True, False),
        ("QR AD", False, True),
        ("QR TC AD", True, True),
    ],
)
def test_the_bits_that_mean_something_are_read(
    flags: str, *, truncated: bool, authenticated: bool
) -> None:
    """RFC 1035, 4.1.1; RFC 4035, 3.2.3."""
    found = response(reply_to(WWW, ADDRESS, flags=flags))

    assert (found.truncated, found.authenticated) == (truncated, authenticated)


@pytest.mark.parametrize(
    ("rcode", "number"), [("NOERROR", 0), ("SERVFAIL", 2), ("NXDOMAIN", 3), ("REFUSED", 5)]
)
@pytest.mark.parametrize("edns", [True, False])
def test_the_response_code_is_read(rcode: str, number: int, *, edns: bool) -> None:
    """RFC 1035, 4.1.1; whether there was an OPT record is said too."""
    found = response(reply_to(WWW, rcode=rcode, edns=edns))

    assert (found.rcode, found.edns) == (number, edns)


@pytest.mark.parametrize(("rcode", "number"), [("BADVERS", 16), ("BADCOOKIE", 23), ("4095", 4095)])
def test_an_extended_response_code_is_read_from_the_opt_record(rcode: str, number: int) -> None:
    """C-13; RFC 6891, 6.1.3."""
    assert response(reply_to(WWW, rcode=rcode)).rcode == number


def test_the_opt_record_is_found_among_others() -> None:
    """RFC 6891, 6.1.1: anywhere in the additional section, with any options."""
    glue = record(owner=name("ns.example"))
    with_options = opt(octets.option(10, bytes(8)), version=1)

    assert response(message(glue, with_options, glue, ar=3)).edns
    assert not response(message(glue, glue, ar=2)).edns


def test_two_opt_records_are_malformed() -> None:
    """RFC 6891, 6.1.1."""
    assert read(message(opt(), opt(), ar=2)) is Unusable.MALFORMED


@pytest.mark.parametrize("owner", [POINTER_TO_QUESTION, name("a")], ids=["pointer", "name"])
def test_an_opt_record_that_is_not_the_roots_is_malformed(owner: bytes) -> None:
    """RFC 6891, 6.1.2."""
    assert read(message(opt(owner=owner), ar=1)) is Unusable.MALFORMED


def test_the_records_of_one_set_stand_together_wherever_they_were() -> None:
    """RFC 2181, 5: whichever way their owner is written."""
    found = response(
        message(
            record(rdata=b"\xc0\0\2\1"),
            record(AAAA, b"\x20\1\x0d\xb8" + bytes(12)),
            record(rdata=b"\xc0\0\2\2", owner=name("WWW.example")),
            record(rdata=b"\xc0\0\2\3", owner=b"\3www\xc0\x10"),
            an=4,
        )
    )

    assert lines_of(found.answer) == (
        "www.example. 300 IN A 192.0.2.1",
        "www.example. 300 IN A 192.0.2.2",
        "www.example. 300 IN A 192.0.2.3",
        "www.example. 300 IN AAAA 2001:db8::",
    )
    assert [len(rrset.rdatas) for rrset in found.answer] == [3, 1]


def test_a_record_that_is_there_twice_is_kept_once() -> None:
    """RFC 2181, 5: a set has no duplicates."""
    assert lines_of(response(message(record(), record(), an=2)).answer) == (ADDRESS,)


def test_the_least_ttl_of_a_set_is_that_of_all() -> None:
    """RFC 2181, 5.2."""
    found = response(
        message(
            record(rdata=b"\xc0\0\2\1", ttl=60),
            record(rdata=b"\xc0\0\2\2", ttl=30),
            record(rdata=b"\xc0\0\2\3", ttl=90),
            an=3,
        )
    )

    assert [rrset.ttl for rrset in found.answer] == [30]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(0, 0), (1, 1), (2**31 - 1, 2**31 - 1), (2**31, 2**31 - 1), (2**32 - 1, 2**31 - 1)],
)
def test_a_ttl_is_kept_as_sent_up_to_31_bits(sent: int, kept: int) -> None:
    """C-09; RFC 8767, 4: a very large one is capped, not 0."""
    assert [rrset.ttl for rrset in response(message(record(ttl=sent), an=1)).answer] == [kept]


@pytest.mark.parametrize("rclass", [3, 4, 254, 255])
def test_records_of_another_class_are_left_out(rclass: int) -> None:
    """C-06; CVE-2026-5946: whatever their rdata is."""
    found = response(message(record(rclass=rclass, rdata=b""), record(), an=2))

    assert lines_of(found.answer) == (ADDRESS,)


def test_a_record_of_class_0_is_malformed() -> None:
    """C-02, C-29; RFC 6895, 3.2: zeros in front of a record hide it, they say nothing about it."""
    zeros = record(0, rclass=0, rdata=b"", ttl=0)

    assert read(message(zeros, record(), an=1)) is Unusable.MALFORMED


@pytest.mark.parametrize("rtype", [0, OPT, 128, 249, 250, 251, 252, 255])
def test_records_that_are_no_data_are_left_out(rtype: int) -> None:
    """RFC 6895, 3.1: types of questions and of messages."""
    assert lines_of(response(message(record(rtype), record(), an=2)).answer) == (ADDRESS,)


def test_a_name_within_rdata_is_uncompressed_and_keeps_its_spelling() -> None:
    """RFC 3597, 4; RFC 4343, 4.1."""
    found = response(
        message(
            record(CNAME, b"\3CdN\xc0\x10"),
            record(NS, b"\2nS\xc0\x10", owner=b"\xc0\x10"),
            record(SOA, b"\xc0\x0c\xc0\x10" + bytes(20), owner=b"\xc0\x10"),
            an=1,
            ns=2,
        )
    )

    assert [rrset.rdatas for rrset in found.answer] == [(b"\3CdN\7example\0",)]
    assert [rrset.rdatas for rrset in found.authority] == [
        (b"\2nS\7example\0",),
        (b"\3www\7example\0\7example\0" + bytes(20),),
    ]


def test_owners_are_folded() -> None:
    """RFC 4343, 3."""
    found = response(message(record(owner=b"\4MaIl\xc0\x10"), an=1))

    assert lines_of(found.answer) == ("mail.example. 300 IN A 192.0.2.1",)


def test_the_root_may_own_records_and_be_asked_for() -> None:
    """RFC 1035, 3.1: as itself, or as a pointer to the question."""
    root = asking(".", "NS")
    line = ". 300 IN NS a.root."
    pointed = header(REPLY, an=1) + question(b"\0", NS) + record(NS, name("a.root"))

    assert lines_of(response(reply_to(root, line), root).answer) == (line,)
    assert lines_of(response(pointed, root).answer) == (line,)


def test_an_owner_that_was_pointed_at_before_is_the_same_again() -> None:
    """RFC 1035, 4.1.4: the second pointer is not followed again."""
    target = struct.pack("!H", 0xC000 | len(message()))
    found = response(
        message(
            record(owner=name("a.example")),
            record(rdata=b"\xc0\0\2\2", owner=target),
            record(rdata=b"\xc0\0\2\3", owner=target),
            an=3,
        )
    )

    assert lines_of(found.answer) == (
        "a.example. 300 IN A 192.0.2.1",
        "a.example. 300 IN A 192.0.2.2",
        "a.example. 300 IN A 192.0.2.3",
    )


WHOLE = message(record(), record(NS, b"\2ns\xc0\x10"), record(), opt(), an=1, ns=1, ar=2)


@pytest.mark.parametrize("end", range(len(message()), len(WHOLE)))
def test_a_message_that_ends_too_early_is_malformed(end: int) -> None:
    """C-02: anywhere behind the question, in each of the sections."""
    assert isinstance(read(WHOLE), Response)
    assert read(WHOLE[:end]) is Unusable.MALFORMED


@pytest.mark.parametrize(("an", "ns", "ar"), [(2, 0, 0), (1, 1, 0), (1, 0, 1), (65535, 0, 0)])
def test_counts_that_promise_more_are_malformed(an: int, ns: int, ar: int) -> None:
    """C-02; RFC 9267, 4."""
    assert read(message(record(), an=an, ns=ns, ar=ar)) is Unusable.MALFORMED


@pytest.mark.parametrize("counts", [{"an": 1}, {"ns": 1}, {"ar": 1}], ids=str)
@pytest.mark.parametrize(
    "owner",
    [b"\xc0\xff", b"\xc0\x1d", b"\xc0\0", b"\x41a\0", b"\x80a\0", b"\3abc", b"\xc0"],
    ids=["ahead", "itself", "header", "extended", "reserved", "no end", "half a pointer"],
)
def test_an_owner_that_is_no_name_is_malformed(owner: bytes, counts: dict[str, int]) -> None:
    """C-02: bad pointers and labels, in each of the sections."""
    assert len(message()) == 0x1D
    rest = record(owner=b"") if owner != b"\xc0" else b""

    assert read(message(owner, rest, **counts)) is Unusable.MALFORMED


@pytest.mark.parametrize("counts", [{"an": 1}, {"ns": 1}], ids=str)
@pytest.mark.parametrize(
    ("rtype", "rdata"),
    [
        (A, b""),
        (A, bytes(3)),
        (A, bytes(5)),
        (AAAA, bytes(15)),
        (CNAME, b""),
        (CNAME, b"\1a\0\0"),
        (CNAME, b"\1a"),
        (SOA, b"\0\0" + bytes(19)),
    ],
)
def test_rdata_that_its_type_cannot_have_is_malformed(
    rtype: int, rdata: bytes, counts: dict[str, int]
) -> None:
    """C-02: bad RDLENGTH."""
    behind = record(rtype, rdata) + bytes(40)  # a wrong length must not read on

    assert read(message(behind, **counts)) is Unusable.MALFORMED


@pytest.mark.parametrize("rtype", [A, AAAA])
@pytest.mark.parametrize(
    "ttls", [[300], [300, 60, 900], [2**31, 2**32 - 1], [0]], ids=["one", "some", "long", "0"]
)
@pytest.mark.parametrize(
    "behind",
    [b"", opt(), opt(flags=0x8000), opt(b"\0\12\0\2ab"), opt()[:-1], opt() + b"x", b"x", OTHER],
    ids=["nothing", "OPT", "DO", "options", "half of it", "more", "garbage", "another record"],
)
def test_addresses_are_read_alike_wherever_their_owner_is_written(
    rtype: int, ttls: list[int], behind: bytes
) -> None:
    """RFC 1035, 4.1.4: what has the usual form takes a shorter way, and says the same."""
    ask = Ask(from_text("www.example"), rtype, IN)
    size = 4 if rtype == A else 16
    rdatas = [bytes((number // 2,)) * size for number in range(len(ttls))]  # one of them twice
    rows = list(zip(rdatas, ttls, strict=True))
    replies = [
        header(REPLY, an=len(ttls), ar=len(behind) > 2)
        + question(WIRE, rtype)
        + b"".join(record(rtype, rdata, owner=owner, ttl=ttl) for rdata, ttl in rows)
        + behind
        for owner in (POINTER_TO_QUESTION, WIRE)
    ]

    assert read(replies[0], ask) == read(replies[1], ask)


@pytest.mark.parametrize(
    "odd",
    [
        record(CNAME, WIRE),
        record(AAAA, bytes(16)),
        record(rclass=3),
        record(owner=b"\xc0\x10"),
        record(rdata=b"\xc0\0\2"),
    ],
    ids=["CNAME", "AAAA", "class", "owner", "size"],
)
def test_one_odd_record_among_addresses_is_no_address(odd: bytes) -> None:
    """RFC 1035, 4.1.3: the shorter way is only for what has the usual form throughout."""
    ways = [
        read(message(record(owner=owner), odd, record(owner=owner), an=3))
        for owner in (POINTER_TO_QUESTION, WIRE)
    ]

    assert ways[0] == ways[1]


def test_octets_behind_the_last_record_are_passed_over() -> None:
    """Our choice: what the counts say is whole without them."""
    assert lines_of(response(message(record(), bytes(9), an=1)).answer) == (ADDRESS,)


@pytest.mark.parametrize("end", range(len(message()), len(WHOLE)))
def test_a_truncated_message_may_end_anywhere_and_then_has_no_records(end: int) -> None:
    """C-12: all that it says is that TCP is needed."""
    cut = message(flags=REPLY | TC)[:12][:4] + WHOLE[4:end]

    assert read(cut) == Response(
        0, truncated=True, authenticated=False, edns=False, answer=(), authority=()
    )


def test_a_truncated_message_without_its_question_is_not_ours() -> None:
    """C-01: TC excuses no mismatch."""
    assert read(header(REPLY | TC)) is Unusable.QUESTION


def test_the_words_of_unusable_messages_are_labels() -> None:
    """C-01: a counter per reason."""
    assert {str(word) for word in Unusable} == {
        "short",
        "id",
        "no_response",
        "opcode",
        "question",
        "malformed",
        "case",
    }


def test_the_question_is_compared_by_labels() -> None:
    """C-01: a dot within a label is no separator."""
    dotted = Ask((b"www.example",), A, IN)

    assert read(message(), dotted) is Unusable.QUESTION
    assert from_text(r"www\.example") == dotted.name
