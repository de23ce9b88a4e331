"""Numbers of the registries (RFC 6895, 2.3; RFC 8914, 5.2)."""

import dns.edns
import dns.rcode

from kubedns_py.dns import rcode


def test_response_codes_are_those_of_the_registry() -> None:
    """RFC 6895, 2.3; dnspython is the judge."""
    names = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "BADVERS")

    assert [dns.rcode.to_text(getattr(rcode, name)) for name in names] == list(names)


def test_mnemonics_are_those_of_the_registry() -> None:
    """RFC 6895, 2.3; 11 and 23 came later (RFC 8490, RFC 7873)."""
    judged = {code: dns.rcode.to_text(dns.rcode.Rcode.make(code)) for code in rcode.MNEMONICS}

    assert judged == rcode.MNEMONICS


def test_extended_errors_are_those_of_the_registry() -> None:
    """RFC 8914, 5.2; T-60, T-53, ENV-28b."""
    codes = ("OTHER", "NOT_READY", "PROHIBITED", "NOT_AUTHORITATIVE")

    assert [dns.edns.EDECode(getattr(rcode, f"EDE_{code}")).name for code in codes] == [
        "OTHER",
        "NOT_READY",
        "PROHIBITED",
        "NOT_AUTHORITATIVE",
    ]


def test_an_extended_error_needs_no_text() -> None:
    """RFC 8914, 2: EXTRA-TEXT may be empty."""
    assert rcode.ExtendedError(rcode.EDE_OTHER).text == ""
