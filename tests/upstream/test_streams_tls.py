"""DNS over TLS: encrypted, verified, and otherwise like TCP (RFC 7858, RFC 8310)."""

from __future__ import annotations

import asyncio
import ssl

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.upstream.exchange import Failure
from kubedns_py.upstream.stream import StreamLimits
from kubedns_py.upstream.streams import tls_context
from tests.helpers.exchanges import (
    ADDRESS,
    GOOD,
    Asking,
    ask,
    streams,
)
from tests.helpers.fake_upstream import fake_upstream
from tests.helpers.upstream_script import (
    answer,
    closing,
)
from tests.helpers.waiting import until

NAME = "dns.example.test"


async def test_over_tls_the_connection_is_encrypted_and_kept() -> None:
    """RFC 7858, 3.4; ALPN ``dot``."""
    async with fake_upstream(answer(GOOD), tls=NAME) as up, streams(tls=up.trust()) as exchanges:
        for _ in range(3):
            assert await ask(exchanges, up) == [ADDRESS]

    assert [(asked.transport, asked.connection) for asked in up.asked] == [("tls", 1)] * 3
    assert up.spoken == ["TLSv1.3 dot"]


async def test_a_certificate_of_another_name_is_not_trusted() -> None:
    """RFC 8310, 5: strict; nothing is asked of such a server."""
    async with fake_upstream(answer(GOOD), tls=NAME) as up, streams(tls=up.trust()) as exchanges:
        other = up.nameserver._replace(tls_name="other.example.test")

        assert await Asking(exchanges, other).outcome() is Failure.UNTRUSTED

    assert up.asked == []


async def test_a_certificate_of_an_unknown_authority_is_not_trusted() -> None:
    """RFC 8310, 5: the system's authorities, unless a context is given."""
    async with fake_upstream(answer(GOOD), tls=NAME) as up, streams() as exchanges:
        askings = [Asking(exchanges, up.nameserver) for _ in range(2)]

        assert [await asking.outcome() for asking in askings] == [Failure.UNTRUSTED] * 2

    assert up.asked == []


async def test_a_server_that_speaks_no_tls_is_broken_and_is_not_asked_in_clear() -> None:
    """RFC 8310, 5."""
    heard = bytearray()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 this is another protocol\r\n")
        heard.extend(await reader.read())
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with streams() as exchanges:
            outcome = await Asking(exchanges, Nameserver("127.0.0.1", port, NAME)).outcome()

    assert outcome is Failure.BROKEN
    assert b"example" not in heard.replace(NAME.encode(), b"")


async def test_a_question_on_a_connection_that_the_server_closes_is_asked_again() -> None:
    """C-26, with the end of TLS before that of TCP."""
    script = [answer(GOOD), closing(), answer(GOOD)]
    async with fake_upstream(script, tls=NAME) as up, streams(tls=up.trust()) as exchanges:
        await ask(exchanges, up)

        assert await ask(exchanges, up) == [ADDRESS]

    assert [asked.connection for asked in up.asked] == [1, 1, 2]


async def test_idle_connections_are_closed() -> None:
    """RFC 7858, 3.4."""
    limits = StreamLimits(idle_s=0.05)
    async with (
        fake_upstream(answer(GOOD), tls=NAME) as up,
        streams(tls=up.trust(), limits=limits) as exchanges,
    ):
        await ask(exchanges, up)
        await until(lambda: not up.writers)

        assert await ask(exchanges, up) == [ADDRESS]


async def test_closing_ends_everything_without_a_word() -> None:
    """Start and stop, without waiting for the other end of TLS."""
    async with fake_upstream(tls=NAME) as up, streams(tls=up.trust()) as exchanges:
        asking = Asking(exchanges, up.nameserver)
        await up.has_been_asked(1)
        await exchanges.aclose()

        assert not asking.has_ended


def test_the_context_verifies_and_speaks_nothing_old() -> None:
    """RFC 8310, 5 and 8; RFC 9325, 3.1.1."""
    context = tls_context()

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
