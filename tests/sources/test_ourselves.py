"""Nameservers that are this server itself (C-22)."""

from __future__ import annotations

import pytest

from kubedns_py.config.nameserver import Nameserver, parse_nameserver
from kubedns_py.sources.ourselves import Ourselves, is_local, without_ourselves

EVERYWHERE = Ourselves(("0.0.0.0", "::"), 53, ("10.96.0.10", "FD00:0::a", "None"))
ON_LOOPBACK = Ourselves(("127.0.0.1",), 10053)


def refused(text: str, ourselves: Ourselves) -> str:
    """Return the line on a server that is us, or nothing. 10.1.0.1 and fd01::1 are local."""
    server = parse_nameserver(text, host_names=True)
    others, lines = without_ourselves(
        [server], ourselves, local=lambda address: address in {"10.1.0.1", "fd01::1"}
    )
    assert len(others) + len(lines) == 1
    return "".join(lines)


@pytest.mark.parametrize(
    ("text", "ourselves", "reason"),
    [
        ("127.0.0.1", EVERYWHERE, "is this machine, where this server has port 53"),
        ("127.0.0.53", EVERYWHERE, "is this machine, where this server has port 53"),
        ("::1", EVERYWHERE, "is this machine, where this server has port 53"),
        ("10.1.0.1", EVERYWHERE, "is this machine, where this server has port 53"),
        ("fd01::1", EVERYWHERE, "is this machine, where this server has port 53"),
        ("10.96.0.10", EVERYWHERE, "is the address of the Service that leads to this server"),
        ("10.96.0.10:5353", EVERYWHERE, "is the address of the Service that leads to this server"),
        ("fd00::a", EVERYWHERE, "is the address of the Service that leads to this server"),
        (
            "127.0.0.1:10053",
            ON_LOOPBACK,
            "is this server's own address and port (--dns-bind-address, --dns-port)",
        ),
    ],
)
def test_what_leads_back_to_us_is_refused_with_the_reason(
    text: str, ourselves: Ourselves, reason: str
) -> None:
    """C-22: at start refuse own addresses with a clear message."""
    server = parse_nameserver(text, host_names=False)

    assert refused(text, ourselves) == (
        f"nameserver {server} {reason}; it would be a loop and is not used"
    )


@pytest.mark.parametrize(
    ("text", "ourselves"),
    [
        ("10.0.0.2", EVERYWHERE),
        ("127.0.0.1:5353", EVERYWHERE),
        ("10.1.0.1:5353", EVERYWHERE),
        ("ns.corp.example", EVERYWHERE),
        ("tls://1.1.1.1#one.one.one.one", EVERYWHERE),
        ("127.0.0.1:53", ON_LOOPBACK),
        ("127.0.0.2:10053", ON_LOOPBACK),
        ("10.1.0.1:10053", ON_LOOPBACK),
        ("::1", Ourselves(("0.0.0.0",), 53)),
    ],
)
def test_what_is_somebody_else_is_kept(text: str, ourselves: Ourselves) -> None:
    """C-22: another server on this machine, at another address or port, is no loop."""
    assert refused(text, ourselves) == ""


def test_the_order_of_the_others_stays() -> None:
    """The first one is preferred."""
    servers = [Nameserver("10.0.0.3"), Nameserver("127.0.0.1"), Nameserver("10.0.0.2")]

    others, lines = without_ourselves(servers, EVERYWHERE, local=lambda _: False)

    assert others == (Nameserver("10.0.0.3"), Nameserver("10.0.0.2"))
    assert len(lines) == 1


def test_the_kernel_knows_its_own_addresses() -> None:
    """192.0.2.1 is for documentation (RFC 5737), so no machine has it."""
    assert is_local("127.0.0.1")
    assert not is_local("192.0.2.1")
    assert not is_local("2001:db8::1")


def test_an_address_to_which_there_is_no_way_is_not_here() -> None:
    """An address of one link without its link cannot be reached at all."""
    assert not is_local("fe80::1")
