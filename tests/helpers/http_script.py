"""An HTTP server that says exactly the octets that a test wrote, for what no real one would say."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Said:
    """One answer.

    Attributes:
        octets: of all of it.
        closes: whether the connection is closed behind it.
    """

    octets: bytes
    closes: bool = False


@dataclass
class HttpScript:
    """What a server says, one answer to each request.

    Attributes:
        answers: those that were not given yet; when there are none more, connections are closed.
        requests: each with the number of its connection, and its lines.
    """

    answers: list[Said]
    port: int = 0
    requests: list[tuple[int, list[str]]] = field(default_factory=list)
    connections: int = 0

    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer on one connection."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        await asyncio.wait([task])

    async def stop(self) -> None:
        """End all connections."""
        for each in self._tasks:
            each.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self.connections = self.connections, self.connections + 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests.append((number, head.decode().split("\r\n")[:-2]))
                if not self.answers:
                    break
                said = self.answers.pop(0)
                writer.write(said.octets)
                await writer.drain()
                if said.closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # whoever asked has left
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    @property
    def lines(self) -> list[str]:
        """The request lines."""
        return [lines[0] for _, lines in self.requests]


@asynccontextmanager
async def scripted(
    *answers: bytes | Said, tls: ssl.SSLContext | None = None
) -> AsyncIterator[HttpScript]:
    """Run such a server on loopback."""
    script = HttpScript([each if isinstance(each, Said) else Said(each) for each in answers])
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0, ssl=tls)
    script.port = server.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        server.close()
        await script.stop()


def ok(body: bytes = b"{}", *headers: str, status: str = "200 OK") -> bytes:
    """Return an answer with a length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def chunked(*chunks: bytes, trailers: str = "") -> bytes:
    """Return an answer in chunks (RFC 9112, 7.1)."""
    parts = [b"%x\r\n%b\r\n" % (len(each), each) for each in chunks]
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(parts) + f"0\r\n{trailers}\r\n".encode()
