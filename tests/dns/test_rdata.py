"""Names and rdata of a received message: what is uncompressed, and what is no name."""

import struct

import pytest

from kubedns_py.dns.rdata import Names, read_rdata
from kubedns_py.dns.rrset import AAAA, CNAME, NS, PTR, SOA, SRV, TXT, A

HEADER = bytes(12)
SIG = 24
NXT = 30
NAPTR = 35
EXAMPLE = b"\7eXample\0"
START = 12 + len(EXAMPLE)
POINTER = b"\xc0\x0c"


def name_in(octets: bytes, *, before: bytes = EXAMPLE) -> tuple[bytes, int] | None:
    """Return the name that stands behind ``before``, with what it takes up there."""
    message = HEADER + before + octets
    found = Names(message).read(12 + len(before), len(message))
    return found and (found[0], found[1] - 12 - len(before))


def rdata_of(rtype: int, rdata: bytes, *, behind: bytes = bytes(32)) -> bytes | None:
    """Return what is read of rdata behind ``EXAMPLE``; ``behind`` it there are more octets."""
    names = Names(HEADER + EXAMPLE + rdata + behind)
    return read_rdata(names, rtype, START, START + len(rdata))


@pytest.mark.parametrize(
    ("octets", "name", "size"),
    [
        (b"\0", b"\0", 1),
        (b"\1a\0", b"\1a\0", 3),
        (b"\1A\1b\0rest", b"\1A\1b\0", 5),
        (POINTER, EXAMPLE, 2),
        (b"\1a" + POINTER + b"rest", b"\1a" + EXAMPLE, 4),
        (b"\1a\xc0\x14", b"\1a\0", 4),
        (b"\3a.b\0", b"\3a.b\0", 5),
    ],
    ids=["root", "label", "labels", "pointer", "label and pointer", "to the root", "dot"],
)
def test_a_name_is_uncompressed_and_keeps_its_spelling(
    octets: bytes, name: bytes, size: int
) -> None:
    """RFC 1035, 4.1.4."""
    assert name_in(octets) == (name, size)


def test_a_pointer_to_a_name_with_a_pointer_is_followed() -> None:
    """RFC 1035, 4.1.4: a.b.example, where b.example is compressed itself."""
    before = EXAMPLE + b"\1b" + POINTER

    assert name_in(b"\1a\xc0\x15", before=before) == (b"\1a\1b" + EXAMPLE, 4)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\1",
        b"\1a",
        b"\2a",
        b"\xc0",
        b"\1a\xc0",
        b"\x40" + b"a" * 64 + b"\0",
        b"\x41a\0",
        b"\x80a\0",
        b"\xbfa\0",
        b"\xc0\x15",
        b"\1a\xc0\x15",
        b"\xc0\x17\0",
        b"\xff\xff",
        b"\xc0\0",
        b"\xc0\x0b",
        b"\1a\1b\xc0\x17",
    ],
    ids=lambda octets: octets[:4].hex() or "nothing",
)
def test_what_is_no_name_is_malformed(octets: bytes) -> None:
    """C-02: no end; extended and reserved labels; pointers to itself, ahead, into the header."""
    assert START == 0x15
    assert name_in(octets) is None


def test_two_pointers_at_each_other_are_malformed() -> None:
    """C-02: no loop."""
    assert name_in(b"\1a\xc0\x0c", before=b"\xc0\x0e\xc0\x0c") is None


@pytest.mark.parametrize(("last", "is_name"), [(61, True), (62, False)])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_name_has_255_octets_at_most(last: int, *, is_name: bool, compressed: bool) -> None:
    """RFC 1035, 3.1: also where pointers put it together."""
    front = b"".join(b"\x3f" + letter * 63 for letter in (b"a", b"b"))
    back = b"\x3f" + b"c" * 63 + bytes([last]) + b"d" * last + b"\0"

    found = name_in(front + POINTER, before=back) if compressed else name_in(front + back)

    assert (found is not None) == is_name
    assert not found or found[0] == front + back


def test_a_name_of_127_labels_is_one() -> None:
    """RFC 1035, 3.1: 255 octets; one more is none, nor are thousands."""
    assert name_in(b"\1a" * 127 + b"\0") == (b"\1a" * 127 + b"\0", 255)
    assert name_in(b"\1a" * 128 + b"\0") is None
    assert name_in(b"\1a" * 5000 + b"\0") is None


@pytest.mark.parametrize(("hops", "is_name"), [(100, True), (101, False)])
def test_a_name_has_100_pointers_at_most(hops: int, *, is_name: bool) -> None:
    """C-02; PowerDNS's bound."""
    chain = EXAMPLE + POINTER
    for _ in range(hops - 2):
        chain += struct.pack("!H", 0xC000 | 12 + len(chain) - 2)
    last = struct.pack("!H", 0xC000 | 12 + len(chain) - 2)

    assert name_in(last, before=chain) == ((EXAMPLE, 2) if is_name else None)


def test_the_names_of_a_message_take_work_in_proportion_to_its_octets() -> None:
    """M-45; CVE-2026-52682: then it is malformed, however good each name is."""
    message = HEADER + b"\1a" * 127 + b"\0" + POINTER
    names = Names(message)
    at = len(message) - 2

    found = [names.read(at, len(message)) for _ in range(100)]

    assert 4 <= 100 - found.count(None) <= 8
    assert found[-1] is None


def test_a_name_within_rdata_ends_within_it() -> None:
    """C-02: bad RDLENGTH; but what it points at is outside, of course."""
    assert rdata_of(CNAME, POINTER) == EXAMPLE
    assert rdata_of(CNAME, b"\1a", behind=b"\0" + bytes(9)) is None
    assert rdata_of(CNAME, b"\xc0", behind=b"\x0c" + bytes(9)) is None
    assert rdata_of(CNAME, b"", behind=POINTER) is None


@pytest.mark.parametrize("rtype", [NS, 3, 4, CNAME, 7, 8, 9, PTR, 39])
def test_types_that_are_one_name(rtype: int) -> None:
    """RFC 3597, 4: NS MD MF CNAME MB MG MR PTR DNAME."""
    assert rdata_of(rtype, b"\1a" + POINTER) == b"\1a" + EXAMPLE
    assert rdata_of(rtype, b"\1a" + POINTER + b"\0") is None


@pytest.mark.parametrize("rtype", [14, 17])
def test_types_that_are_two_names(rtype: int) -> None:
    """RFC 3597, 4: MINFO RP."""
    assert rdata_of(rtype, POINTER + b"\1a" + POINTER) == EXAMPLE + b"\1a" + EXAMPLE
    assert rdata_of(rtype, POINTER) is None
    assert rdata_of(rtype, POINTER + b"\0\0") is None


@pytest.mark.parametrize("rtype", [15, 18, 21, 36])
def test_types_that_are_a_number_and_a_name(rtype: int) -> None:
    """RFC 3597, 4: MX AFSDB RT KX."""
    assert rdata_of(rtype, b"\0\x0a" + POINTER) == b"\0\x0a" + EXAMPLE
    assert rdata_of(rtype, b"\0\x0a" + POINTER + b"\0") is None
    assert rdata_of(rtype, b"\0", behind=b"\x0a" + POINTER) is None


def test_px_is_a_number_and_two_names() -> None:
    """RFC 3597, 4; RFC 2163, 4."""
    assert rdata_of(26, b"\0\x0a" + POINTER + b"\0") == b"\0\x0a" + EXAMPLE + b"\0"


def test_srv_is_three_numbers_and_a_name() -> None:
    """RFC 3597, 4; RFC 2782: some servers compress the target."""
    assert rdata_of(SRV, b"\0\0\0\x0a\x1f\x90" + POINTER) == b"\0\0\0\x0a\x1f\x90" + EXAMPLE
    assert rdata_of(SRV, b"\0\0\0\x0a\x1f") is None


def test_soa_is_two_names_and_five_numbers() -> None:
    """RFC 1035, 3.3.13: exactly."""
    numbers = bytes(range(20))

    assert (
        rdata_of(SOA, POINTER + b"\1h" + POINTER + numbers) == EXAMPLE + b"\1h" + EXAMPLE + numbers
    )
    assert rdata_of(SOA, POINTER + b"\0" + numbers[1:]) is None
    assert rdata_of(SOA, POINTER + b"\0" + numbers + b"\0") is None


def test_sig_is_a_name_among_opaque_octets() -> None:
    """RFC 3597, 4; RFC 2535, 4.1."""
    fixed = bytes(range(18))

    assert rdata_of(SIG, fixed + POINTER + b"sig") == fixed + EXAMPLE + b"sig"
    assert rdata_of(SIG, fixed + POINTER) == fixed + EXAMPLE
    assert rdata_of(SIG, fixed) is None


def test_nxt_is_a_name_and_opaque_octets() -> None:
    """RFC 3597, 4; RFC 2535, 5.2."""
    assert rdata_of(NXT, POINTER + b"\x62\0") == EXAMPLE + b"\x62\0"


@pytest.mark.parametrize(
    "strings", [b"\1u\7E2U+sip\5!a!b!", b"\0\0\0", b"\0\0\xff" + b"x" * 255], ids=len
)
def test_naptr_is_two_numbers_three_strings_and_a_name(strings: bytes) -> None:
    """RFC 3597, 4; RFC 3403, 4.1."""
    fixed = b"\0\x64\0\x0a" + strings

    assert rdata_of(NAPTR, fixed + POINTER) == fixed + EXAMPLE
    assert rdata_of(NAPTR, fixed + POINTER + b"\0") is None


@pytest.mark.parametrize("size", range(10))
def test_naptr_that_ends_too_early_is_malformed(size: int) -> None:
    """C-02: within the numbers, the strings, the name."""
    whole = b"\0\x64\0\x0a\1u\0\0" + POINTER

    assert rdata_of(NAPTR, whole) is not None
    assert rdata_of(NAPTR, whole[:size], behind=whole[size:] + bytes(32)) is None


@pytest.mark.parametrize(("rtype", "size"), [(A, 4), (AAAA, 16)])
def test_addresses_have_one_size(rtype: int, size: int) -> None:
    """RFC 1035, 3.4.1; RFC 3596, 2.2."""
    assert rdata_of(rtype, bytes(size)) == bytes(size)
    assert rdata_of(rtype, bytes(size - 1)) is None
    assert rdata_of(rtype, bytes(size + 1)) is None
    assert rdata_of(rtype, b"") is None


@pytest.mark.parametrize("rtype", [TXT, 46, 47, 64, 65, 65280])
@pytest.mark.parametrize("rdata", [b"", POINTER, b"\xc0\xff"], ids=["none", "pointer", "ahead"])
def test_the_rdata_of_all_other_types_is_opaque(rtype: int, rdata: bytes) -> None:
    """RFC 3597, 4: no pointer stands in RRSIG, NSEC, SVCB or what is not known."""
    assert rdata_of(rtype, rdata) == rdata


def test_rdata_that_grows_beyond_what_can_be_sent_is_malformed() -> None:
    """RFC 1035, 3.2.1: RDLENGTH has 16 bits. Two runs of labels share the octets that they take."""
    shared = b"\1" * 101 + b"\xc0\x0c" + b"x" * 12 + b"\0"
    name = b"\1\1" * 50 + b"\1\1" * 50 + b"\1\xc0" + b"\x0c" + b"x" * 12 + b"\0"
    start = 12 + len(shared)
    largest = 65535 - start - 2
    fits = 65535 - len(name)

    def read(rest: int) -> bytes | None:
        names = Names(HEADER + shared + b"\xc0\x0d" + bytes(rest))
        return read_rdata(names, NXT, start, start + 2 + rest)

    assert fits < largest
    assert read(fits) == name + bytes(fits)
    assert read(fits + 1) is None
    assert read(largest) is None
