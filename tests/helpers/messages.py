"""The catalogue of odd messages (reliability, 2.1) as octets: each row has at least one of its own.

Rules of this file:

- A title begins with its row. What a message gets is not said here: ``respond`` has its own tests.
- None of them needs more than one answer, and none is larger than a datagram may be.
"""

import struct

from tests.helpers.octets import (
    IN,
    POINTER_TO_QUESTION,
    QR,
    RD,
    SOA,
    A,
    header,
    name,
    opt,
    option,
    question,
    record,
    tsig,
)

WEB = name("web.prod.svc.cluster.local")
APEX = name("cluster.local")
PLAIN = header() + question(WEB)
AN_ADDRESS = record(POINTER_TO_QUESTION, A, IN, bytes(4))
A_SOA = record(POINTER_TO_QUESTION, SOA, IN, bytes(2) + struct.pack("!5I", 1, 2, 3, 4, 5))
LABEL_63 = b"\x3f" + b"a" * 63


def asked(owner: bytes, rtype: int = A, rclass: int = IN) -> bytes:
    """Return a plain query."""
    return header() + question(owner, rtype, rclass)


def with_records(*records: bytes) -> bytes:
    """Return a query with additional records."""
    return header(ar=len(records)) + question(WEB) + b"".join(records)


MESSAGES: dict[str, bytes] = {
    "M-01 one octet": b"x",
    "M-01 eleven octets": PLAIN[:11],
    "M-02 a response": header(QR | RD) + question(WEB),
    "M-02 a response's header": header(QR, qd=0),
    "M-03 opcode 1": header(1 << 11) + question(WEB),
    "M-03 opcode 15, header": header(15 << 11, qd=0),
    "M-04 notify": header(4 << 11) + question(WEB, SOA),
    "M-04 update": header(5 << 11) + question(APEX, SOA),
    "M-05 no question": header(qd=0),
    "M-06 a cookie alone": header(qd=0, ar=1) + opt(option(10, bytes(8))),
    "M-07 two questions": header(qd=2) + question(WEB) + question(WEB),
    "M-08 65,535 questions": header(qd=65535),
    "M-09 cut in the name": PLAIN[:20],
    "M-09 cut in the class": PLAIN[:-1],
    "M-10 an answer": header(an=1) + question(WEB) + AN_ADDRESS,
    "M-11 an authority": header(ns=1) + question(WEB) + AN_ADDRESS,
    "M-12 an address in addition": with_records(AN_ADDRESS),
    "M-13 65,535 records": header(ar=65535) + question(WEB) + opt(),
    "M-14 500 records": with_records(*[record(POINTER_TO_QUESTION, 16, IN, bytes(100))] * 500),
    "M-15 a label of type 01": header() + b"\x40" + bytes(80),
    "M-15 a label of type 10": header() + b"\x80" + bytes(200),
    "M-16 a label of 63": asked(LABEL_63 + name("prod.svc.cluster.local")),
    "M-16 a label of 64": asked(b"\x40" + b"a" * 64 + APEX),
    "M-17 a name of 255": asked(LABEL_63 * 3 + b"\x2f" + b"a" * 47 + APEX),
    "M-17 a name of 256": asked(LABEL_63 * 3 + b"\x30" + b"a" * 48 + APEX),
    "M-18 127 labels": asked(b"\1a" * 127 + b"\0"),
    "M-19 a pointer to itself": asked(b"\xc0\x0c"),
    "M-19 a pointer past the end": asked(b"\3web\xff\xff"),
    "M-20 a pointer to the header": asked(b"\3web\xc0\x04"),
    "M-21 a name without an end": header() + b"\3web\4prod",
    "M-22 the root": asked(b"\0", 2),
    "M-23 an empty inner label": asked(b"\1_\4_tcp" + WEB),
    "M-23 dots for labels": asked(b"\1.\1o\1o\2po\3pod" + APEX),
    "M-24 odd octets": asked(b"\5\0 \xff\n\x1b" + name("prod.svc.cluster.local")),
    "M-25 mixed case": asked(name("wEb.PrOd.sVc.cLuStEr.LoCaL")),
    "M-26 class CH": asked(name("version.bind"), 16, 3),
    "M-26 class ANY": asked(WEB, A, 255),
    "M-26 class 0": asked(WEB, A, 0),
    "M-27 type 65280": asked(WEB, 65280),
    "M-27 type 0": asked(name("nope.prod.svc.cluster.local"), 0),
    "M-28 AXFR": asked(APEX, 252),
    "M-28 IXFR": header(ns=1) + question(APEX, 251) + A_SOA,
    "M-29 ANY": asked(WEB, 255),
    "M-30 type MAILA": asked(WEB, 254),
    "M-30 type OPT": asked(WEB, 41),
    "M-31 all bits": header(RD | 0x06DF) + question(WEB),
    "M-32 AD and CD": header(RD | 0x0030) + question(WEB),
    "M-33 outside, no recursion": header(0) + question(name("example.org")),
    "M-34 garbage behind": PLAIN + b"\xff" * 400,
    "M-35 an unknown key": with_records(tsig()),
    "M-36 a key before OPT": with_records(tsig(), opt()),
    "M-36 two keys": with_records(tsig(), tsig()),
    "M-37 OPT with an owner": with_records(opt(owner=name("x"))),
    "M-37 two OPT": with_records(opt(), opt()),
    "M-37 OPT past the end": with_records(record(b"\0", 41, 1232, b"", size=100)),
    "M-38 2,000 options": with_records(opt(option(65001) * 2000)),
    "M-39 a broken client subnet": with_records(opt(option(8, b"\xff"))),
    "M-40 a cookie of 3": with_records(opt(option(10, bytes(3)))),
    "M-41 a cookie": with_records(opt(option(10, bytes(8)))),
    "M-43 keepalive": with_records(opt(option(11, b"\0\x64"))),
    "M-44 no payload": with_records(opt(payload=0)),
    "M-44 a payload of 65,535": with_records(opt(payload=65535)),
    "T-59 another EDNS version": with_records(opt(version=1)),
}
