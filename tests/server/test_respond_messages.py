"""Messages that are malformed: reliability 2.1, M-01 to M-25, through ``respond``.

Rules of this file:

- Every case is answered as over UDP and as over TCP in the same way.
- Header-only replies are compared octet for octet; others are read by dnspython.
- After every message the next good query is answered.
"""

import pytest

from tests.helpers import oracle
from tests.helpers.asking import (
    GOOD,
    NEGATIVE,
    WEB,
    ask,
    cost,
    echoes,
    is_an_error_no_larger_than_asked,
    read,
)
from tests.helpers.octets import (
    FORMERR,
    IN,
    NOTIMP,
    POINTER_TO_QUESTION,
    QR,
    RD,
    SOA,
    A,
    bare,
    header,
    name,
    opt,
    option,
    question,
    record,
)

OPCODES = [1, 2, *range(3, 16)]

# -- not questions at all


@pytest.mark.parametrize("size", range(12))
def test_less_than_a_header_is_dropped(size: int) -> None:
    """M-01."""
    assert ask(GOOD[:size]) is None


def test_nothing_is_dropped() -> None:
    """M-01."""
    assert ask(b"") is None


@pytest.mark.parametrize(
    "message",
    [header(QR, qd=0), header(QR | RD) + question(WEB), header(QR | 0x2800, qd=0)],
    ids=["header", "question", "update"],
)
def test_a_response_is_never_answered(message: bytes) -> None:
    """M-02, ENV-20: or two servers talk for ever."""
    assert ask(message) is None


@pytest.mark.parametrize("opcode", OPCODES)
@pytest.mark.parametrize(
    "rest", [b"", question(WEB, SOA), b"\xff" * 30], ids=["header", "question", "rubbish"]
)
def test_other_opcodes_are_not_implemented(opcode: int, rest: bytes) -> None:
    """M-03, M-04, T-55, ENV-21, ENV-22: a header alone, with the opcode copied."""
    flags = opcode << 11
    for message_flags in (flags, flags | RD):
        message = header(message_flags, qd=bool(rest)) + rest
        assert ask(message) == bare(NOTIMP, message_flags)


def test_other_opcodes_do_not_see_the_bits_of_the_request() -> None:
    """M-03, M-31: AA, TC, RA, Z, AD, CD and RCODE are not copied."""
    assert ask(header(0x2800 | 0x06FF, qd=0)) == bare(NOTIMP, 0x2800)


# -- counts


def test_no_question_is_a_format_error() -> None:
    """M-05, T-56, ENV-18."""
    assert ask(header(qd=0)) == bare(FORMERR)
    assert ask(header(0, qd=0)) == bare(FORMERR, 0)


def test_no_question_with_a_cookie_is_a_format_error() -> None:
    """M-06: cookies are not implemented."""
    message = header(qd=0, ar=1) + opt(option(10, bytes(8)))
    is_an_error_no_larger_than_asked(message, "FORMERR")
    assert read(message).question == ()


@pytest.mark.parametrize(
    "second",
    [
        question(WEB),
        question(name("db.prod.svc.cluster.local")),
        question(WEB, 28),
        question(WEB, A, 3),
        question(POINTER_TO_QUESTION),
    ],
    ids=["same", "name", "type", "class", "pointer"],
)
def test_two_questions_are_a_format_error(second: bytes) -> None:
    """M-07, T-56: RFC 9619."""
    assert ask(header(qd=2) + question(WEB) + second) == bare(FORMERR)


def test_a_count_of_questions_is_not_believed() -> None:
    """M-08."""
    assert ask(header(qd=65535)) == bare(FORMERR)


@pytest.mark.parametrize("cut", range(len(GOOD) - 12))
def test_a_cut_question_is_a_format_error(cut: int) -> None:
    """M-09, M-21: after the header, within the name, after name, after type, within the class."""
    assert ask(GOOD[: 12 + cut]) == bare(FORMERR)


def test_an_answer_in_a_query_is_a_format_error() -> None:
    """M-10, ENV-19."""
    rr = record(POINTER_TO_QUESTION, A, IN, bytes(4))
    is_an_error_no_larger_than_asked(header(an=1) + question(WEB) + rr, "FORMERR")


@pytest.mark.parametrize("count", [1, 2])
def test_an_authority_in_a_query_is_a_format_error(count: int) -> None:
    """M-11, ENV-19: only IXFR has one."""
    rr = record(POINTER_TO_QUESTION, A, IN, bytes(4))
    message = header(ns=count) + question(WEB) + rr * count
    is_an_error_no_larger_than_asked(message, "FORMERR")


def test_an_additional_record_that_is_no_opt_is_a_format_error() -> None:
    """M-12."""
    rr = record(POINTER_TO_QUESTION, A, IN, bytes(4))
    is_an_error_no_larger_than_asked(header(ar=1) + question(WEB) + rr, "FORMERR")
    both = header(ar=2) + question(WEB) + opt() + rr
    is_an_error_no_larger_than_asked(both, "FORMERR")


@pytest.mark.parametrize("section", ["an", "ns", "ar"])
@pytest.mark.parametrize("claimed", [1, 2, 3, 65535])
def test_a_count_of_records_that_are_not_there_is_a_format_error(
    section: str, claimed: int
) -> None:
    """M-13: no allocation by count."""
    message = header(**{section: claimed}) + question(WEB)
    is_an_error_no_larger_than_asked(message, "FORMERR")


def test_one_real_record_of_65535_is_a_format_error() -> None:
    """M-13."""
    message = header(ar=65535) + question(WEB) + opt()
    is_an_error_no_larger_than_asked(message, "FORMERR")


def test_many_records_are_not_looked_at() -> None:
    """M-14: 500 records in 60 KB cost no more than none."""
    rr = record(POINTER_TO_QUESTION, 16, IN, bytes(100))
    message = header(ar=500) + question(WEB) + rr * 500
    is_an_error_no_larger_than_asked(message, "FORMERR")
    assert cost(message) < cost(GOOD)


# -- names


@pytest.mark.parametrize("length", range(64, 192))
def test_reserved_label_types_are_a_format_error(length: int) -> None:
    """M-15."""
    assert ask(header() + bytes([length]) + bytes(200) + bytes(4)) == bare(FORMERR)
    below = b"\3web" + bytes([length]) + bytes(200) + bytes(4)
    assert ask(header() + below) == bare(FORMERR)


def test_a_label_of_63_octets_is_a_label() -> None:
    """M-16."""
    owner = bytes([63]) + b"a" * 63 + name("prod.svc.cluster.local")
    reading = read(header() + question(owner))
    assert (reading.rcode, reading.authority) == ("NXDOMAIN", (NEGATIVE,))
    assert reading.question == ("a" * 63 + ".prod.svc.cluster.local. IN A",)


def test_a_label_of_64_octets_is_a_format_error() -> None:
    """M-16."""
    owner = bytes([64]) + b"a" * 64 + name("prod.svc.cluster.local")
    assert ask(header() + question(owner)) == bare(FORMERR)


def test_a_name_of_255_octets_is_a_name() -> None:
    """M-17."""
    owner = _long_name(255)
    reading = read(header() + question(owner))
    assert (reading.rcode, reading.authority) == ("NXDOMAIN", (NEGATIVE,))


@pytest.mark.parametrize("octets", [256, 257, 300, 512, 4000])
def test_a_longer_name_is_a_format_error(octets: int) -> None:
    """M-17, ENV-31: without the question."""
    assert ask(header() + question(_long_name(octets))) == bare(FORMERR)


def test_127_labels_are_a_name() -> None:
    """M-18: outside, and under our domain."""
    reading = read(header() + question(b"\1a" * 127 + b"\0"))
    assert reading.rcode == "REFUSED"
    inside = header() + question(b"\1a" * 120 + name("cluster.local"))
    assert read(inside).rcode == "NXDOMAIN"
    assert cost(inside) < 10 * cost(GOOD)


def test_128_labels_are_a_format_error() -> None:
    """M-18: 257 octets."""
    assert ask(header() + question(b"\1a" * 128 + b"\0")) == bare(FORMERR)


@pytest.mark.parametrize(
    "owner",
    [
        b"\xc0\x0c",
        b"\xc0\x0e\xc0\x0c",
        b"\3web\xc0\x0c",
        b"\3web\xc0\x10",
        b"\3web\xc0\x00",
        b"\3web\xc0\x04",
        b"\3web\xc0\x0d",
        b"\3web\xc0\x20",
        b"\3web\xff\xff",
        b"\3web\xc0",
    ],
    ids=[
        "itself",
        "loop",
        "to-the-start",
        "at-itself",
        "id",
        "counts",
        "middle-of-a-label",
        "forward",
        "past-the-end",
        "half",
    ],
)
def test_a_pointer_in_the_question_is_a_format_error(owner: bytes) -> None:
    """M-19, M-20: there is no earlier name."""
    assert ask(header() + question(owner) + question(b"\0")) == bare(FORMERR)


def test_a_name_without_an_end_is_a_format_error() -> None:
    """M-21: RFC 9267, 4."""
    assert ask(header() + b"\3web\4prod") == bare(FORMERR)
    assert ask(header() + b"\3we") == bare(FORMERR)
    assert ask(header() + b"\1a" * 300) == bare(FORMERR)


@pytest.mark.parametrize("rtype", ["A", "NS", "SOA", "ANY", "TYPE65280"])
def test_the_root_is_not_ours(rtype: str) -> None:
    """M-22, ENV-29."""
    reading = read(oracle.query(".", rtype))
    assert reading.rcode == "REFUSED"
    assert reading.question == (f". IN {rtype}",)


@pytest.mark.parametrize(
    "owner",
    [
        "_",
        "_._tcp",
        "_._tcp.web.prod.svc.cluster.local",
        "\\.o.o.po.pod.cluster.local",
        "\\..svc.cluster.local",
        "\\.\\..prod.svc.cluster.local",
        "-.prod.pod.cluster.local",
        "---.prod.pod.cluster.local",
        "--.web.prod.svc.cluster.local",
        "_tcp._tcp.web.prod.svc.cluster.local",
        "\\.1.in-addr.arpa",
        "\\...ip6.arpa".replace("..", "."),
    ],
)
@pytest.mark.parametrize("rtype", ["A", "AAAA", "SRV", "PTR", "TXT", "ANY"])
def test_odd_names_are_no_accident(owner: str, rtype: str) -> None:
    """M-23: one of them ended CoreDNS once."""
    query = oracle.query(owner + ".", rtype)
    reading = read(query)
    assert reading.rcode in {"NXDOMAIN", "REFUSED"}
    assert echoes(query)


@pytest.mark.parametrize(
    "label",
    [b"\0", b"a.b", b"a b", b'"', b"\xff", b"\n", b"\x1b[2J", b"<script>", b"%n", b"{0}", b"\\"],
)
def test_any_octet_may_stand_in_a_label(label: bytes) -> None:
    """M-24: not found, and echoed exactly."""
    owner = bytes([len(label)]) + label + name("prod.svc.cluster.local")
    message = header() + question(owner)
    reading = read(message)
    assert (reading.rcode, reading.authority) == ("NXDOMAIN", (NEGATIVE,))
    assert echoes(message)


def test_the_question_is_echoed_in_the_spelling_of_the_client() -> None:
    """M-25, T-64: 0x20, in every kind of reply."""
    for owner in (b"\3wEb\4PrOd\3SVC\7Cluster\5LocaL\0", b"\4NOPE\7Cluster\5LocaL\0", b"\3COM\0"):
        assert echoes(header() + question(owner))


def _long_name(octets: int) -> bytes:
    """Return a name under our domain of exactly so many octets, in labels of at most 63."""
    tail = name("cluster.local")
    left = octets - len(tail)
    labels = b""
    while left:
        size = min(64, left) if left != 65 else 32
        labels += bytes([size - 1]) + b"a" * (size - 1)
        left -= size
    return labels + tail
