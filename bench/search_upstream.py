"""``python -m bench.search_upstream``: an upstream whose names each have addresses of their own.

The first label says what a name has: ``four-`` begins one with an IPv4 address alone, ``none-`` one
that does not exist, and every other has addresses of both families.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import zlib

from dnslib import AAAA, QTYPE, RCODE, RR, SOA, A, DNSRecord

FOUR, NONE = "four-", "none-"
_TTL = 300
_NETWORK4 = int(ipaddress.IPv4Address("198.18.0.0"))  # RFC 2544, 65,536 addresses of it
_NETWORK6 = int(ipaddress.IPv6Address("2001:db8::"))
_SOA = SOA("ns.example.org", "admin.example.org", (1, 3600, 900, 86400, _TTL))


def addresses(name: str) -> list[str]:
    """Return what a name has, in order of their texts; nothing where there is no such name."""
    name = name.rstrip(".").lower()
    if name.startswith(NONE):
        return []
    number = zlib.crc32(name.encode()) & 0xFFFF
    found = [str(ipaddress.IPv4Address(_NETWORK4 + number))]
    if not name.startswith(FOUR):
        found.append(str(ipaddress.IPv6Address(_NETWORK6 + number)))
    return sorted(found)


def reply(message: bytes) -> bytes:
    """Return the reply to a query."""
    query = DNSRecord.parse(message)
    made = query.reply(ra=1, aa=0)
    name, qtype = str(query.q.qname), query.q.qtype
    known = addresses(name)
    for text in known:
        rdata = AAAA(text) if ":" in text else A(text)
        rtype = QTYPE.AAAA if ":" in text else QTYPE.A
        if rtype == qtype:
            made.add_answer(RR(name, rtype, rdata=rdata, ttl=_TTL))
    if not made.rr:
        made.add_auth(RR("example.org", QTYPE.SOA, rdata=_SOA, ttl=_TTL))
    made.header.rcode = RCODE.NOERROR if known else RCODE.NXDOMAIN
    return bytes(made.pack())


class Upstream(asyncio.DatagramProtocol):
    """Answers each question after a while."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        """Keep the way back."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer later."""
        loop = asyncio.get_running_loop()
        loop.call_later(self._delay_s, self._transport.sendto, reply(data), addr)


async def _serve(port: int, delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: Upstream(delay_s), local_addr=("127.0.0.1", port))
    await asyncio.Event().wait()


def main() -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(prog="python -m bench.search_upstream", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("delay_ms", type=float)
    options = parser.parse_args()
    asyncio.run(_serve(options.port, options.delay_ms / 1000))


if __name__ == "__main__":
    main()
