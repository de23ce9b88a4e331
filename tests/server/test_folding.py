"""Which queries have the same reply."""

import struct

import pytest

from kubedns_py.dns.query import Query, read_query
from kubedns_py.server.folding import exact_key, folded, plain_octets, spliced

NAME = b"\3web\5local\0"
LIMIT = 1232


def a_message(
    name: bytes = NAME,
    *,
    ident: int = 1,
    flags: int = 0x0100,
    qtype: int = 1,
    opt: bytes | None = None,
) -> bytes:
    """Return a query."""
    header = struct.pack("!6H", ident, flags, 1, 0, 0, opt is not None)
    return header + name + struct.pack("!HH", qtype, 1) + (opt or b"")


def an_opt(payload: int = 1232, *, flags: int = 0, version: int = 0, options: bytes = b"") -> bytes:
    """Return an OPT record."""
    return struct.pack("!BHHBBHH", 0, 41, payload, 0, version, flags, len(options)) + options


COOKIE = struct.pack("!HH8s", 10, 8, b"12345678")


def a_query(message: bytes) -> Query:
    """Return what a message asks."""
    query = read_query(message)
    assert isinstance(query, Query)
    return query


def key(message: bytes, limit: int = LIMIT, family: int = 1) -> bytes:
    """Return what a message is folded to."""
    return folded(a_query(message), family, limit)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (a_message(), a_message(ident=7)),
        (a_message(), a_message(flags=0x0140)),
        (a_message(b"\3WEB\5local\0"), a_message(b"\3web\5LOCAL\0")),
        (a_message(opt=an_opt(4096)), a_message(opt=an_opt(9999))),
        (a_message(opt=an_opt()), a_message(opt=an_opt(options=COOKIE))),
    ],
    ids=["ID", "a bit that nobody echoes", "capitals", "payload sizes", "options"],
)
def test_what_does_not_shape_the_reply_is_no_part_of_the_key(one: bytes, other: bytes) -> None:
    """One entry serves them all."""
    assert key(one) == key(other)


@pytest.mark.parametrize(
    "other",
    [
        a_message(flags=0),
        a_message(flags=0x0110),
        a_message(flags=0x0120),
        a_message(qtype=65),
        a_message(b"\4web\5\5local\0"),
        a_message(b"\3wEb\5local\0"),
        a_message(opt=an_opt()),
        a_message(opt=an_opt(flags=0x8000)),
    ],
    ids=["RD", "CD", "AD", "type", "name", "any capitals", "EDNS", "DO"],
)
def test_what_shapes_the_reply_is_part_of_the_key(other: bytes) -> None:
    """And so are the room that the client has, and how it came."""
    assert key(a_message()) != key(other)
    assert key(a_message(), 512) != key(a_message(), 1232)
    assert key(a_message(), family=2) != key(a_message(), family=1)


def test_the_type_is_not_folded() -> None:
    """Type 65 is HTTPS, and 65 is the letter A."""
    assert key(a_message(qtype=65)) != key(a_message(qtype=97))


def test_another_version_of_edns_is_never_kept() -> None:
    """BADVERS (RFC 6891, 6.1.3)."""
    assert key(a_message(opt=an_opt(version=1))) == b""


def test_only_queries_whose_octets_may_come_again_have_a_key_of_their_own() -> None:
    """Cookies, padding and capitals are chance (C-20); all keys of an entry are equally long."""
    plain, with_opt = a_message(), a_message(opt=an_opt())

    def own(message: bytes) -> bytes | None:
        return exact_key(message, a_query(message), key(message))

    assert own(plain) == plain[2:]
    assert own(with_opt) == with_opt[2:]
    assert own(a_message(opt=an_opt(options=COOKIE))) is None
    assert own(a_message(b"\3wEb\5local\0")) is None
    assert plain_octets(a_query(plain)) == len(plain)
    assert plain_octets(a_query(with_opt)) == len(with_opt)


def test_a_reply_is_spliced_to_the_spelling_and_the_id_of_a_query() -> None:
    """ENV-8: the question is echoed as it was asked."""
    text = bytes(range(10)) + NAME + b"\0\1\0\1" + b"records"
    message = a_message(b"\3wEb\5lOcal\0", ident=0xABCD)

    reply = spliced(text, a_query(message))

    assert reply == b"\xab\xcd" + bytes(range(10)) + b"\3wEb\5lOcal\0\0\1\0\1records"
