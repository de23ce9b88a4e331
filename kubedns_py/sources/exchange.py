"""One HTTP/1.1 connection to a server: a request out, its response in (RFC 9112).

Rules of this file:

- llhttp reads what comes, through httptools: it is strict, and nothing here guesses.
- A body that is not whole ends in an error, never in order.
- A body is taken as it is asked for: whoever reads slowly slows the sender down (row F-06).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from kubedns_py.errors import HttpError

PORTION_OCTETS: Final = 65_536
"""How much is taken at a time; twice that may wait to be read."""

_MOST_HEAD_OCTETS: Final = 65_536
"""More than any server says before a body."""

_FIRST_STATUS: Final = 200
_LENGTHS: Final = frozenset({"content-length", "transfer-encoding"})


class Connection:
    """A connection on which nobody waits for an answer.

    Args:
        reader: what comes.
        writer: what goes.
        through: what this one is a tunnel in; with nobody to hold it asyncio would close it.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        through: Connection | None = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._through = through
        self._was_asked = False

    @property
    def transport(self) -> asyncio.WriteTransport:
        """What a tunnel goes through."""
        return self._writer.transport

    @property
    def is_open(self) -> bool:
        """Whether the server did not close it, as far as is known."""
        return not self._reader.at_eof() and not self._writer.is_closing()

    async def ask(self, method: str, target: str, headers: Mapping[str, str]) -> Response:
        """Send a request without a body; return its answer, of which nothing has come yet.

        Args:
            method: such as ``GET``.
            target: of the request line (RFC 9112, 3.2).
            headers: without line ends in them.

        Raises:
            HttpError: the server closed the connection, or something came that is an answer to
                nothing; OSError as well.
        """
        if self._was_asked:
            await self._nothing_came()
        self._was_asked = True
        lines = [f"{method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
        self._writer.write("\r\n".join(lines).encode())
        return Response(self._reader)

    async def _nothing_came(self) -> None:
        """Look whether the server said something since its last answer, such as 408."""
        try:
            async with asyncio.timeout(0):
                octets = await self._reader.read(1)
        except TimeoutError:
            return
        raise HttpError("an answer to nothing" if octets else "the connection was closed")

    def close(self) -> None:
        """Close it at once, whatever is still to come."""
        self.transport.abort()
        if self._through is not None:
            self._through.close()


class Response:
    """What a server answers, as it comes.

    Attributes:
        status: 200 to 999.
        reason: the words beside it, perhaps none.
        headers: by name in lower case; of a name that comes twice, the last.
    """

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.status = 0
        self.reason = ""
        self.headers: dict[str, str] = {}
        self._reader = reader
        self._parser = HttpResponseParser(self)
        self._octets = 0
        self._has_head = False
        self._parts: list[bytes] = []
        self._is_whole = False
        self._goes_on = False

    async def head(self) -> None:
        """Wait for everything before the body. Raises as ``body``."""
        while not self._has_head:
            await self._more()
            if not self._has_head and self._octets > _MOST_HEAD_OCTETS:
                raise HttpError(f"more than {_MOST_HEAD_OCTETS} octets of headers")

    async def body(self, idle_s: float) -> AsyncGenerator[bytes, None]:
        """Yield the body, a portion at a time, once.

        Args:
            idle_s: how long to wait for each; what comes with no octet of the body is no portion.

        Raises:
            HttpError: it broke off, or is no HTTP; OSError as well.
            TimeoutError: none came for so long.
        """
        while True:
            if self._parts:
                portion = b"".join(self._parts)
                self._parts.clear()
                yield portion
            if self._is_whole:
                return
            async with asyncio.timeout(idle_s):
                while not self._parts and not self._is_whole:
                    await self._more()

    @property
    def leaves_usable(self) -> bool:
        """Whether another request can be sent on the connection."""
        return self._goes_on

    async def _more(self) -> None:
        octets = await self._reader.read(PORTION_OCTETS)
        if not octets:
            self._ended()
            return
        self._octets += len(octets)
        try:
            self._parser.feed_data(octets)
        except HttpParserUpgrade as error:  # its words are a number
            raise HttpError("the answer is no HTTP/1.1: it goes over to something else") from error
        except HttpParserError as error:
            raise HttpError(f"the answer is no HTTP/1.1: {error}") from error

    def _ended(self) -> None:
        """Note that the server closed the connection: the end of a body of no stated length."""
        if not self._octets:
            raise HttpError("the connection was closed without an answer")
        if not self._has_head or self.headers.keys() & _LENGTHS:
            raise HttpError("the answer broke off")
        self._is_whole = True

    # -- what the parser calls; behind a whole answer it is for what nobody asked for

    def on_message_begin(self) -> None:
        """Begin, perhaps anew."""
        self._goes_on = False

    def on_status(self, octets: bytes) -> None:
        """Take some of the words beside the status."""
        if not self._is_whole:
            self.reason += octets.decode(errors="replace")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what follows a body are trailers."""
        if not self._has_head:
            self.headers[name.decode(errors="replace").lower()] = value.decode(errors="replace")

    def on_headers_complete(self) -> None:
        """Note that the head is complete, unless it is one that comes before (RFC 9110, 15.2)."""
        if not self._is_whole:
            self.status = self._parser.get_status_code()
            self._has_head = self.status >= _FIRST_STATUS

    def on_body(self, octets: bytes) -> None:
        """Take some of the body."""
        if not self._is_whole:
            self._parts.append(octets)

    def on_message_complete(self) -> None:
        """Note the end, of the answer or of what came before it."""
        if not self._has_head:
            self.reason, self.headers = "", {}
        elif not self._is_whole:
            self._is_whole = True
            self._goes_on = self._parser.should_keep_alive()
