"""TTLs in messages of ours, found and counted down; dnspython reads what comes of it."""

import dns.message
import dns.rdatatype
import pytest

from kubedns_py.dns.lifetime import later, serials, ttls

TEXT = """id 7
opcode QUERY
rcode NOERROR
flags QR RD RA
edns 0
payload 1232
;QUESTION
www.example.org. IN A
;ANSWER
www.example.org. 300 IN CNAME example.org.
example.org. 60 IN A 192.0.2.1
example.org. 60 IN A 192.0.2.2
;AUTHORITY
example.org. 900 IN NS ns.example.org.
;ADDITIONAL
"""
MESSAGE = dns.message.from_text(TEXT).to_wire()


def read(octets: bytes) -> list[int]:
    """Return the TTL of each record, as dnspython reads them."""
    message = dns.message.from_wire(octets, one_rr_per_rrset=True)
    return [rrset.ttl for rrset in (*message.answer, *message.authority)]


def test_every_ttl_is_found_but_that_of_opt() -> None:
    """RFC 1035, 3.2.1; RFC 6891, 6.1.3: OPT has flags in its place."""
    assert [ttl for _, ttl in ttls(MESSAGE)] == [300, 60, 60, 900]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, [300, 60, 60, 900]), (59, [241, 1, 1, 841]), (60, [240, 0, 0, 840])],
)
def test_a_message_some_seconds_later_differs_in_its_ttls_alone(
    seconds: int, expected: list[int]
) -> None:
    """C-09: TTLs count down."""
    octets = later(MESSAGE, ttls(MESSAGE), seconds)

    assert read(octets) == expected
    assert dns.message.from_wire(octets) == dns.message.from_wire(MESSAGE)


def test_a_message_without_records_has_no_ttl() -> None:
    """A bare error."""
    assert ttls(dns.message.make_query(".", "NS").to_wire()) == ()


def test_the_serial_of_an_soa_is_found_behind_its_names() -> None:
    """RFC 1035, 3.3.13: whatever they are, compressed or not."""
    text = "id 1\nflags QR AA\n;QUESTION\na.d. IN A\n;AUTHORITY\nd. 5 IN SOA ns.d. me.d. 77 1 2 3 4"
    octets = dns.message.from_text(text).to_wire()

    (at,) = serials(octets)

    assert octets[at : at + 4] == (77).to_bytes(4)
    assert serials(dns.message.make_query(".", "NS").to_wire()) == ()
