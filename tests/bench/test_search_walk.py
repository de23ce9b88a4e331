"""What is measured of searches, and what counts as a wrong answer."""

from argparse import Namespace

import dns.message
import dns.rcode
import pytest

from bench.search_stage import Figures, read_lookup
from bench.search_upstream import addresses, reply
from bench.search_walk import Case, check, report

OUTSIDE = Case("musl", "outside, IPv4 alone", "cached")


def said(name: str, qtype: str) -> dns.message.Message:
    """Return the upstream's reply, as dnspython reads it."""
    query = dns.message.make_query(name, qtype)
    made = dns.message.from_wire(reply(query.to_wire()))
    assert query.is_response(made)
    return made


def test_a_name_of_the_upstream_has_what_its_first_label_says() -> None:
    """Addresses of both families, of one, or none; each name its own."""
    both, four = "dual-1.example.org", "four-1.example.org"

    for qtype in ("A", "AAAA"):
        ((found,),) = said(both, qtype).answer
        assert found.to_text() in addresses(both)
    assert said(four, "AAAA").rcode() == dns.rcode.NOERROR
    assert (said(four, "AAAA").answer, len(said(four, "AAAA").authority)) == ([], 1)
    assert said("none-1.example.org", "A").rcode() == dns.rcode.NXDOMAIN
    assert addresses(both) != addresses("dual-2.example.org")
    assert addresses(f"{four.upper()}.") == addresses(four)


def test_a_line_of_the_lookup_program_is_read() -> None:
    """Addresses come in whatever order the library prefers."""
    line = "dual-1.example.org 5250 dual-1.example.org 2001:db8::5,198.18.0.5"

    found = read_lookup(line)

    assert found.ms == 5.25
    assert found.found == ("198.18.0.5", "2001:db8::5")
    assert read_lookup("none 900 - Name does not resolve").found == ("Name does not resolve",)


def test_an_address_or_name_that_is_not_right_ends_the_measurement() -> None:
    """The same is found with and without search completion."""
    (address,) = addresses("four-1.example.org")
    right = read_lookup(f"four-1.example.org 900 four-1.example.org {address}")

    check(OUTSIDE, [right, read_lookup("none-1.example.org 900 - Name does not resolve")])

    for wrong in (
        right._replace(found=("198.18.0.1",)),
        right._replace(canonical="four-1.example.org.shop.svc.cluster.local"),
        right._replace(canonical="-", found=("Name does not resolve",)),
    ):
        with pytest.raises(ValueError, match="musl"):
            check(OUTSIDE, [wrong])


def test_the_report_has_medians_without_and_with() -> None:
    """One row for each case."""
    rounds = [Figures(8, 2, ms) for ms in (7.0, 9.0, 8.0)]
    found = {OUTSIDE: {False: rounds, True: [Figures(2, 2, 6)]}}

    lines = report(found, Namespace(lookups=200, rounds=3, upstream_ms=5.0, round_trip_ms=1.0))

    assert lines[-1] == (
        "| musl | outside, IPv4 alone | cached | 8.0 | 2.0 | 2.0 | 2.0 | 8.00 | 6.00 |"
    )
