"""Octets to a query: what is accepted, what is refused with which words, what gets silence.

Messages are written by hand: header fields, then octets. Row ids M-nn are those of the catalogue of
malformed messages; whole replies to them are tested in tests/server.
"""

import struct

import dns.message
import pytest

from kubedns_py.dns.query import Drop, Edns, Query, Reject, read_query
from kubedns_py.dns.rcode import FORMERR, NOTIMP
from tests.helpers import oracle

ID = 0x1234
RD = 0x0100
A_IN = b"\0\1\0\1"
WEB = b"\3web\4shop\0"
QUESTION = WEB + A_IN
OPT = b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0)
TSIG = b"\3key\0" + struct.pack("!HHIH", 250, 255, 0, 0)


def message(
    body: bytes = QUESTION,
    *,
    flags: int = RD,
    questions: int = 1,
    answers: int = 0,
    authorities: int = 0,
    additionals: int = 0,
) -> bytes:
    """Return a header with these counts, and the body."""
    return struct.pack("!6H", ID, flags, questions, answers, authorities, additionals) + body


def opt(
    *,
    payload: int = 1232,
    version: int = 0,
    flags: int = 0,
    owner: bytes = b"\0",
    data: bytes = b"",
) -> bytes:
    """Return an OPT record (RFC 6891, 6.1)."""
    ttl = version << 16 | flags
    return owner + struct.pack("!HHIH", 41, payload, ttl, len(data)) + data


def edns_of(octets: bytes) -> Edns | None:
    """Return the EDNS of a query that must be accepted."""
    query = read_query(octets)
    assert isinstance(query, Query)
    return query.edns


def test_a_query_is_read_with_its_name_folded_and_its_question_as_sent() -> None:
    """M-25, ENV-8, ENV-9."""
    assert read_query(message(b"\3WeB\4shop\0" + A_IN)) == Query(
        id=ID,
        flags=RD,
        question=b"\3WeB\4shop\0" + A_IN,
        name=(b"web", b"shop"),
        qtype=1,
        qclass=1,
        edns=None,
    )


def test_what_a_client_library_sends_is_read() -> None:
    """An independent writer of queries: dnspython."""
    octets = oracle.query("web.shop.svc.cluster.local.", "AAAA", edns=4096, dnssec_ok=True)

    query = read_query(octets)

    assert isinstance(query, Query)
    assert query.name == (b"web", b"shop", b"svc", b"cluster", b"local")
    assert query.qtype == 28
    assert query.edns == Edns(4096, 0, do=True)


def test_the_root_has_no_labels() -> None:
    """M-22."""
    query = read_query(message(b"\0" + A_IN))

    assert isinstance(query, Query)
    assert query.name == ()
    assert query.question == b"\0" + A_IN


def test_labels_are_octets_whatever_they_are() -> None:
    """M-24, BAD-14: a dot in a label is no separator, and nothing is decoded."""
    query = read_query(message(b"\6a.b\0 \xff\1B\0" + A_IN))

    assert isinstance(query, Query)
    assert query.name == (b"a.b\0 \xff", b"b")


@pytest.mark.parametrize("size", range(12))
def test_less_than_a_header_gets_silence(size: int) -> None:
    """M-01."""
    assert read_query(message()[:size]) == Drop("short")


@pytest.mark.parametrize("flags", [0x8000, 0x8180, 0xFFFF])
def test_a_response_gets_silence(flags: int) -> None:
    """M-02, ENV-20: answering one would let two servers talk for ever."""
    assert read_query(message(flags=flags)) == Drop("response")


@pytest.mark.parametrize("opcode", range(1, 16))
@pytest.mark.parametrize("body", [b"", QUESTION, b"\xff"], ids=["header", "question", "garbage"])
def test_other_opcodes_are_not_implemented_whatever_follows(opcode: int, body: bytes) -> None:
    """M-03, M-04, ENV-21, ENV-22."""
    flags = opcode << 11 | RD

    assert read_query(message(body, flags=flags)) == Reject(NOTIMP, ID, flags)


@pytest.mark.parametrize("questions", [0, 2, 65535])
def test_a_query_has_one_question(questions: int) -> None:
    """M-05, M-07, M-08, ENV-18, RFC 9619."""
    assert read_query(message(questions=questions)) == Reject(FORMERR, ID, RD)
    assert read_query(message(b"", questions=questions)) == Reject(FORMERR, ID, RD)


def test_opt_alone_is_refused_with_opt() -> None:
    """M-06 without cookies: FORMERR, and an OPT record for an OPT record (RFC 6891, 7)."""
    octets = message(OPT, questions=0, additionals=1)

    assert read_query(octets) == Reject(FORMERR, ID, RD, edns=Edns(1232, 0, do=False))


@pytest.mark.parametrize(
    "octets",
    [
        message(OPT, questions=0, answers=1, additionals=1),
        message(OPT, questions=0, authorities=1, additionals=1),
        message(OPT, questions=2, additionals=1),
        message(OPT * 2, questions=0, additionals=2),
        message(OPT[:-1], questions=0, additionals=1),
    ],
    ids=["answer", "authority", "two questions", "two OPT", "cut"],
)
def test_opt_is_not_looked_for_among_other_things_without_a_question(octets: bytes) -> None:
    """M-06: only the plain form is recognised."""
    assert read_query(octets) == Reject(FORMERR, ID, RD)


@pytest.mark.parametrize("size", range(len(QUESTION)))
def test_a_question_that_is_cut_is_malformed(size: int) -> None:
    """M-09, M-21."""
    assert read_query(message(QUESTION[:size])) == Reject(FORMERR, ID, RD)


@pytest.mark.parametrize("length", [64, 127, 128, 191])
def test_reserved_label_types_are_malformed(length: int) -> None:
    """M-15, M-16, RFC 6891, 5."""
    octets = message(bytes((length,)) + b"a" * length + b"\0" + A_IN)

    assert read_query(octets) == Reject(FORMERR, ID, RD)


@pytest.mark.parametrize(
    "name",
    [b"\xc0\x0c", b"\3web\xc0\x0c", b"\xc0\x00", b"\xff\xff", b"\xc0"],
    ids=["itself", "behind a label", "header", "past the end", "half"],
)
def test_a_pointer_in_the_question_is_malformed(name: bytes) -> None:
    """M-19, M-20: no earlier name exists, and none is followed."""
    assert read_query(message(name + A_IN)) == Reject(FORMERR, ID, RD)


def test_a_label_of_63_octets_is_accepted() -> None:
    """M-16."""
    query = read_query(message(b"\x3f" + b"a" * 63 + b"\0" + A_IN))

    assert isinstance(query, Query)
    assert query.name == (b"a" * 63,)


def test_a_name_of_255_octets_is_accepted_and_one_of_256_is_malformed() -> None:
    """M-17, ENV-31."""
    three = (b"\x3f" + b"a" * 63) * 3
    longest = three + b"\x3d" + b"a" * 61 + b"\0"
    too_long = three + b"\x3e" + b"a" * 62 + b"\0"

    assert (len(longest), len(too_long)) == (255, 256)
    assert isinstance(read_query(message(longest + A_IN)), Query)
    assert read_query(message(too_long + A_IN)) == Reject(FORMERR, ID, RD)
    assert read_query(message(three + b"\x3f" * 64 + b"\0" + A_IN)) == Reject(FORMERR, ID, RD)


def test_as_many_labels_as_fit_are_accepted() -> None:
    """M-18."""
    query = read_query(message(b"\1a" * 127 + b"\0" + A_IN))

    assert isinstance(query, Query)
    assert len(query.name) == 127
    assert read_query(message(b"\1a" * 128 + b"\0" + A_IN)) == Reject(FORMERR, ID, RD)


@pytest.mark.parametrize(
    ("counts", "body"),
    [
        ({"answers": 1}, b""),
        ({"answers": 1, "additionals": 1}, OPT),
        ({"authorities": 1}, b""),
        ({"additionals": 3}, OPT * 3),
        ({"additionals": 65535}, OPT),
    ],
    ids=["answer", "OPT as answer", "authority", "three", "65535"],
)
def test_records_that_no_query_has_are_malformed_with_the_question(
    counts: dict[str, int], body: bytes
) -> None:
    """M-10, M-11, M-13, M-14, M-37, ENV-19."""
    assert read_query(message(QUESTION + body, **counts)) == Reject(FORMERR, ID, RD, QUESTION)


@pytest.mark.parametrize(
    "additional",
    [
        b"\0" + struct.pack("!HHIH", 1, 1, 0, 4) + b"\1\2\3\4",
        opt(owner=b"\1a\0"),
        opt(owner=b"\xc0\x14"),
        OPT[:-1],
        OPT[:5],
        b"",
        opt(data=b"\0\1\0\0")[:-1],
        b"\0" + struct.pack("!HHIH", 41, 1232, 0, 1),
        opt(data=b"\0"),
        opt(data=b"\0\x0a\0\2\0"),
        opt(data=b"\0\x0a\0\0\0"),
        b"\3key\0" + struct.pack("!HHIH", 250, 1, 0, 0),
        b"\x40" + OPT,
        b"\3ke",
        b"\xc0",
    ],
    ids=[
        "A record",
        "OPT with a name",
        "OPT behind a pointer",
        "OPT cut in its length",
        "OPT cut in its type",
        "nothing",
        "OPT cut in its data",
        "OPT without its data",
        "half an option",
        "option past the end",
        "octets behind the last option",
        "TSIG of class IN",
        "reserved label type",
        "cut owner",
        "half a pointer",
    ],
)
def test_an_additional_record_that_is_not_opt_or_tsig_is_malformed(additional: bytes) -> None:
    """M-12, M-36, M-37, RFC 6891, 6.1.1."""
    octets = message(QUESTION + additional, additionals=1)

    assert read_query(octets) == Reject(FORMERR, ID, RD, QUESTION)


@pytest.mark.parametrize(
    "additional", [OPT + OPT, TSIG + OPT, TSIG + TSIG], ids=["2 OPT", "OPT last", "2 TSIG"]
)
def test_two_additional_records_are_opt_and_then_tsig(additional: bytes) -> None:
    """M-36, M-37."""
    octets = message(QUESTION + additional, additionals=2)

    assert read_query(octets) == Reject(FORMERR, ID, RD, QUESTION)


def test_the_owner_of_a_record_may_be_long_but_not_endless() -> None:
    """M-45: a name is looked at for 255 octets."""
    fixed = struct.pack("!HHIH", 250, 255, 0, 0)
    endless = message(QUESTION + b"\1a" * 200 + b"\0" + fixed, additionals=1)

    assert read_query(endless) == Reject(FORMERR, ID, RD, QUESTION)
    assert edns_of(message(QUESTION + b"\1a" * 127 + b"\0" + fixed, additionals=1)) is None


def test_tsig_is_accepted_and_not_trusted() -> None:
    """M-35: the answer is the one that anybody gets."""
    assert edns_of(message(QUESTION + TSIG, additionals=1)) is None
    assert edns_of(message(QUESTION + OPT + TSIG, additionals=2)) == Edns(1232, 0, do=False)
    assert edns_of(message(QUESTION + b"\xc0\x0c" + TSIG[5:], additionals=1)) is None


@pytest.mark.parametrize("payload", [0, 511, 512, 1232, 65535])
def test_the_payload_size_is_kept_as_sent(payload: int) -> None:
    """M-44."""
    octets = message(QUESTION + opt(payload=payload), additionals=1)

    assert edns_of(octets) == Edns(payload, 0, do=False)


def test_edns_versions_and_flags_are_told_apart() -> None:
    """2.2: only DO is a flag that means something; 0x40 and others are ignored."""
    assert edns_of(message(QUESTION + opt(version=1), additionals=1)) == Edns(1232, 1, do=False)
    assert edns_of(message(QUESTION + opt(flags=0x8000), additionals=1)) == Edns(1232, 0, do=True)
    assert edns_of(message(QUESTION + opt(flags=0x7FFF), additionals=1)) == Edns(1232, 0, do=False)


@pytest.mark.parametrize(
    "data",
    [b"\0\x0a\0\x08abcdefgh", b"\0\x0a\0\x01a", b"\0\x08\0\0" * 2000, b"\0\x64\0\0\0\x03\0\0"],
    ids=["cookie", "short cookie", "2000 options", "two"],
)
def test_options_that_are_well_formed_are_ignored(data: bytes) -> None:
    """M-38, M-39, M-40, M-41, M-43, ENV-13."""
    assert edns_of(message(QUESTION + opt(data=data), additionals=1)) == Edns(
        1232, 0, do=False, has_options=True
    )


@pytest.mark.parametrize("tail", [b"\0", b"x" * 400], ids=["1", "400"])
def test_octets_behind_the_message_are_ignored(tail: bytes) -> None:
    """M-34."""
    assert read_query(message(QUESTION + tail)) == read_query(message())


@pytest.mark.parametrize("qtype", [41, 249, 250, 253, 254])
def test_types_that_cannot_be_asked_are_not_implemented(qtype: int) -> None:
    """M-30, ENV-28: OPT, TKEY, TSIG, MAILB, MAILA."""
    question = WEB + struct.pack("!HH", qtype, 1)

    assert read_query(message(question)) == Reject(NOTIMP, ID, RD, question)
    assert read_query(message(question + OPT, additionals=1)) == Reject(
        NOTIMP, ID, RD, question, Edns(1232, 0, do=False)
    )


@pytest.mark.parametrize("qtype", [0, 251, 252, 255, 1000, 65280, 65535])
@pytest.mark.parametrize("qclass", [0, 3, 4, 254, 255, 65535])
def test_every_other_type_and_class_is_left_to_the_rules(qtype: int, qclass: int) -> None:
    """M-26, M-27, M-28, M-29."""
    query = read_query(message(WEB + struct.pack("!HH", qtype, qclass)))

    assert isinstance(query, Query)
    assert (query.qtype, query.qclass) == (qtype, qclass)


@pytest.mark.parametrize("flags", [0x07FF, 0x0200, 0x0400, 0x0080, 0x0040, 0x000F])
def test_flags_that_a_query_should_not_have_are_no_error(flags: int) -> None:
    """M-31, M-32."""
    query = read_query(message(flags=flags))

    assert isinstance(query, Query)
    assert query.flags == flags


IXFR = WEB + struct.pack("!HH", 251, 1)
SOA = b"\xc0\x0c" + struct.pack("!HHIH", 6, 1, 0, 22) + b"\0\0" + bytes(20)


def test_an_incremental_transfer_may_have_a_soa() -> None:
    """M-11, M-28, RFC 1995, 3; its OPT record behind is read like any other."""
    assert edns_of(message(IXFR)) is None
    assert edns_of(message(IXFR + SOA, authorities=1)) is None
    assert edns_of(message(IXFR + SOA + OPT, authorities=1, additionals=1)) == Edns(
        1232, 0, do=False
    )


def test_the_soa_of_an_incremental_transfer_is_a_whole_record_and_one() -> None:
    """M-11."""
    cut = message(IXFR + SOA[:-1], authorities=1)
    two = message(IXFR + SOA + SOA, authorities=2)

    assert read_query(cut) == Reject(FORMERR, ID, RD, IXFR)
    assert read_query(two) == Reject(FORMERR, ID, RD, IXFR)


def test_the_judge_agrees_that_the_helpers_make_sound_messages() -> None:
    """What this file builds is what dnspython reads; only then do refusals mean something."""
    whole = dns.message.from_wire(message(QUESTION + opt(flags=0x8000), additionals=1))

    assert str(whole.question[0]) == "web.shop. IN A"
    assert (whole.edns, whole.payload) == (0, 1232)
