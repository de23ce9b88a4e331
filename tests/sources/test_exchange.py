"""One request and its answer, octet by octet (RFC 9112)."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubedns_py.errors import HttpError
from kubedns_py.sources.exchange import Connection, Response
from tests.helpers.http_script import Said, chunked, ok, scripted
from tests.helpers.waiting import until

IDLE_S = 5.0
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\n"


class Pieces:
    """Octets as they come from a connection that is closed behind them."""

    def __init__(self, *pieces: bytes) -> None:
        self._left = [each for each in pieces if each]

    async def read(self, _: int) -> bytes:
        """Return the next ones."""
        return self._left.pop(0) if self._left else b""


def answer_of(*pieces: bytes) -> Response:
    """Return an answer that comes so."""
    return Response(cast("asyncio.StreamReader", Pieces(*pieces)))


async def read(response: Response) -> bytes:
    """Return the whole body."""
    await response.head()
    return b"".join([each async for each in response.body(IDLE_S)])


# -- whole answers


@pytest.mark.parametrize(
    ("octets", "body"),
    [
        (ok(b"abc"), b"abc"),
        (ok(b""), b""),
        (chunked(b"ab", b"c"), b"abc"),
        (chunked(), b""),
        (chunked(b"abc", trailers="Expires: never\r\n"), b"abc"),
        (UNTIL_CLOSE + b"abc", b"abc"),
        (UNTIL_CLOSE, b""),
        (b"HTTP/1.0 200 OK\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + ok(b"abc"), b"abc"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + chunked(b"abc"), b"abc"),
    ],
)
async def test_a_body_is_as_long_as_the_server_says(octets: bytes, body: bytes) -> None:
    """RFC 9112, 6.3."""
    assert await read(answer_of(octets)) == body


async def test_the_head_of_an_answer_is_read() -> None:
    """RFC 9110: names of headers in any case; what came before the answer is none of it."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    response = answer_of(early + ok(b"", "Retry-After: 5", "X: a", status="429 Too Many Requests"))

    await response.head()

    assert (response.status, response.reason) == (429, "Too Many Requests")
    assert response.headers == {"content-length": "0", "retry-after": "5", "x": "a"}


async def test_trailers_are_no_headers() -> None:
    """RFC 9110, 6.5.1: nobody waited for them."""
    response = answer_of(chunked(b"abc", trailers="Retry-After: 5\r\n"))

    assert await read(response) == b"abc"
    assert response.headers == {"transfer-encoding": "chunked"}


@settings(deadline=None)
@given(
    octets=st.sampled_from(
        [
            ok(b"abcdef"),
            chunked(b"abc", b"def", trailers="A: b\r\n"),
            b"HTTP/1.1 100 Continue\r\n\r\n" + chunked(b"abcdef"),
            UNTIL_CLOSE + b"abcdef",
        ]
    ),
    cuts=st.lists(st.integers(1, 80), max_size=6),
)
def test_packets_may_be_cut_anywhere(octets: bytes, cuts: list[int]) -> None:
    """They know nothing of what is in them."""
    ends = sorted({*(min(each, len(octets)) for each in cuts), len(octets)})
    pieces = [octets[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    response = answer_of(*pieces)

    assert asyncio.run(read(response)) == b"abcdef"
    assert (response.status, response.reason) == (200, "OK")


# -- what is none


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"", "the connection was closed without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-", "the answer broke off"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "the answer broke off"),
        (ok(b"abc")[:-1], "the answer broke off"),
        (chunked(b"abc")[:-1], "the answer broke off"),
        (chunked(b"abc").replace(b"3\r\n", b"x\r\n"), "the answer is no HTTP/1.1: "),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "the answer is no HTTP/1.1: "),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "the answer is no HTTP/1.1: "),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
            "the answer is no HTTP/1.1: it goes over to something else",
        ),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000, "more than 65536 octets of headers"),
    ],
)
async def test_what_is_no_whole_answer_is_an_error(octets: bytes, said: str) -> None:
    """F-16: half a body is none."""
    with pytest.raises(HttpError) as caught:
        await read(answer_of(octets))
    assert str(caught.value).startswith(said)


async def test_a_body_that_stands_still_is_left() -> None:
    """F-05: each portion is waited for, and not the whole."""
    async with scripted(ok(b"abc")[:-1]) as server:
        connection = await connected(server.port)
        response = await connection.ask("GET", "/", {})
        await response.head()
        parts = response.body(0.01)

        assert await anext(parts) == b"ab"
        with pytest.raises(TimeoutError):
            await anext(parts)
        connection.close()


class Dripping(Pieces):
    """A server that never comes to the point."""

    async def read(self, _: int) -> bytes:
        """Return more of what counts for nothing."""
        await asyncio.sleep(0)
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]


async def test_a_body_that_is_promised_without_end_is_left() -> None:
    """F-05: extensions of a chunk, or trailers, are no body (RFC 9112, 7.1)."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;"
    response = Response(cast("asyncio.StreamReader", Dripping(head, b"a")))
    await response.head()

    with pytest.raises(TimeoutError):
        await anext(response.body(0.01))


# -- the connection


async def connected(port: int) -> Connection:
    """Return a connection to loopback."""
    return Connection(*await asyncio.open_connection("127.0.0.1", port))


async def test_a_request_has_its_headers_and_no_body() -> None:
    """RFC 9112, 3."""
    async with scripted(ok()) as server:
        connection = await connected(server.port)
        await (await connection.ask("GET", "/a?b=c", {"Host": "x:1", "Accept": "*/*"})).head()
        connection.close()

    assert server.requests == [(0, ["GET /a?b=c HTTP/1.1", "Host: x:1", "Accept: */*"])]


@pytest.mark.parametrize(
    ("octets", "usable"),
    [
        (ok(b"abc"), True),
        (chunked(b"abc"), True),
        (ok(b"abc", "Connection: close"), False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", False),
        (UNTIL_CLOSE + b"abc", False),
        (ok(b"abc") + b"HTTP/1.1 200 OK\r\n", False),
    ],
)
async def test_a_connection_is_used_again_where_both_sides_know_where_the_answer_ends(
    octets: bytes, *, usable: bool
) -> None:
    """RFC 9112, 9.3; what nobody asked for is not taken for the next answer."""
    response = answer_of(octets)

    assert await read(response) == b"abc"
    assert response.leaves_usable == usable


async def test_an_answer_that_nobody_asked_for_is_not_taken_for_a_part() -> None:
    """A server out of step."""
    response = answer_of(ok(b"abc") + ok(b"x", "A: b", status="500 No"))

    assert await read(response) == b"abc"
    assert (response.status, response.reason, response.headers) == (
        200,
        "OK",
        {"content-length": "3"},
    )
    assert not response.leaves_usable


async def test_a_connection_with_octets_to_come_is_not_used_again() -> None:
    """They would be taken for the next answer."""
    response = answer_of(ok(b"abc")[:-1], b"c")

    await response.head()

    assert not response.leaves_usable


async def test_a_connection_knows_when_the_server_has_closed_it() -> None:
    """RFC 9112, 9.3.1."""
    async with scripted(Said(ok(), closes=True)) as server:
        connection = await connected(server.port)
        states = [connection.is_open]
        response = await connection.ask("GET", "/", {})
        assert await read(response) == b"{}"
        with pytest.raises(HttpError):
            await read(await connection.ask("GET", "/", {}))
        states.append(connection.is_open)
        connection.close()

    assert states == [True, False]


async def test_what_came_between_two_answers_is_no_answer() -> None:
    """RFC 9112, 9.3.1: balancers say 408 before they close what is idle."""
    async with scripted(ok(), ok(b"later")) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        connection = Connection(reader, writer)
        assert await read(await connection.ask("GET", "/", {})) == b"{}"

        reader.feed_data(ok(b"{}", status="408 Request Timeout"))
        with pytest.raises(HttpError, match="an answer to nothing"):
            await connection.ask("GET", "/", {})
        connection.close()

    assert server.lines == ["GET / HTTP/1.1"]


async def test_a_connection_that_we_closed_is_not_open() -> None:
    """At once, whatever is still to come."""
    async with scripted() as server:
        connection = await connected(server.port)
        await until(lambda: server.connections == 1)
        connection.close()

        assert not connection.is_open
