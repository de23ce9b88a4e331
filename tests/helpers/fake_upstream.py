"""A name server on loopback that does to each question what a script says: UDP, TCP, TLS.

    async with fake_upstream([forged("id"), answer("@ 60 IN A 192.0.2.1")]) as up:
        ...  # ask up.nameserver
    assert [asked.rtype for asked in up.asked] == ["A", "A"]

A script is one behaviour for every question, or a list: one for each question in order, the last
one for all that follow. Behaviours are made in ``upstream_script.py``. What a behaviour raises
fails the test at the end of the block.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import dns.message
import dns.rdatatype
import trustme

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.upstream.streams import tls_context
from tests.helpers.waiting import until

_RESET_ON_CLOSE = struct.pack("=ii", 1, 0)
_MAX_MESSAGE = 65535


@dataclass(frozen=True)
class Asked:
    """A question as it came.

    Attributes:
        transport: ``udp``, ``tcp`` or ``tls``.
        source: address and port it came from.
        octets: the message, without the length that TCP puts before it.
        message: the same as dnspython reads it.
        connection: number of the TCP connection, from 1; 0 over UDP.
    """

    transport: str
    source: tuple[str, int]
    octets: bytes
    message: dns.message.Message
    connection: int = 0

    @property
    def name(self) -> str:
        """The name asked for, absolute."""
        return self.message.question[0].name.to_text()

    @property
    def rtype(self) -> str:
        """The mnemonic of the type asked for."""
        return dns.rdatatype.to_text(self.message.question[0].rdtype)


class Turn:
    """One question and the way back."""

    def __init__(self, up: FakeUpstream, asked: Asked, writer: asyncio.StreamWriter | None) -> None:
        self.up = up
        self.asked = asked
        self._writer = writer

    def send(self, message: bytes, *, to: tuple[str, int] | None = None) -> None:
        """Send a message back; over UDP also to somebody else."""
        if self._writer is not None:
            self.send_octets(len(message).to_bytes(2) + message)
        else:
            self.up.udp_socket.sendto(message, to or self.asked.source)

    def send_octets(self, octets: bytes) -> None:
        """Write octets to the stream as they are."""
        assert self._writer is not None, "no stream"
        self._writer.write(octets)

    def close(self, *, reset: bool = False) -> None:
        """End the connection with a FIN after what was written, or at once with RST."""
        assert self._writer is not None, "no stream"
        end(self._writer, reset=reset)


Behaviour = Callable[[Turn], Coroutine[Any, Any, None]]
Script = Behaviour | Sequence[Behaviour]


def end(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    """Close a stream with a FIN, or with RST."""
    if reset:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        writer.transport.abort()
    else:
        writer.close()


@dataclass
class FakeUpstream:
    """The running server; made by ``fake_upstream``.

    Attributes:
        nameserver: where it is.
        asked: everything that came, in order.
        script: may be replaced; a new list begins with the next question.
        authority: what has issued its certificate, if it has one; see ``trust``.
        connections: streams accepted so far; of TLS, those whose handshake has succeeded.
        writers: streams that are open.
        spoken: of each TLS connection, version and protocol, such as ``TLSv1.3 dot``.
    """

    nameserver: Nameserver
    udp_socket: socket.socket
    authority: trustme.CA | None
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    writers: dict[int, asyncio.StreamWriter] = field(default_factory=dict)
    spoken: list[str] = field(default_factory=list)
    _script: list[Behaviour] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _errors: list[BaseException] = field(default_factory=list)

    @property
    def script(self) -> list[Behaviour]:
        """Behaviours of the next questions; the last is for all that follow."""
        return self._script

    @script.setter
    def script(self, script: Script) -> None:
        self._script = [script] if callable(script) else list(script)

    def trust(self) -> ssl.SSLContext:
        """Return what ``Streams`` uses, made to trust this server's certificate as well."""
        assert self.authority is not None, "no TLS"
        context = tls_context()
        self.authority.configure_trust(context)
        return context

    async def has_been_asked(self, count: int) -> None:
        """Wait until that many questions have come in all."""
        await until(lambda: len(self.asked) >= count)

    async def close_streams(self, *, reset: bool = False) -> None:
        """End every connection that is open now, and wait until that is done here."""
        ended = dict(self.writers)
        for writer in ended.values():
            end(writer, reset=reset)
        await until(lambda: not ended.keys() & self.writers.keys())

    def read_datagrams(self) -> None:
        """Take what has come over UDP."""
        with contextlib.suppress(BlockingIOError):
            while True:
                message, source = self.udp_socket.recvfrom(_MAX_MESSAGE)
                self._take("udp", source[:2], message)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection."""
        self.connections += 1
        self.writers[self.connections] = writer
        if (tls := writer.get_extra_info("ssl_object")) is not None:
            self.spoken.append(f"{tls.version()} {tls.selected_alpn_protocol()}")
        self._run(self._serve(self.connections, reader, writer))

    async def stop(self) -> None:
        """End all behaviours and connections.

        Raises:
            ExceptionGroup: what behaviours raised.
        """
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._errors:
            raise BaseExceptionGroup("the script raised", self._errors)

    async def _serve(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        source = writer.get_extra_info("peername")[:2]
        transport = "tls" if self.nameserver.tls_name else "tcp"
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(2))
                self._take(transport, source, await reader.readexactly(size), number)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has closed, or we have
        finally:
            writer.transport.abort() if reader.exception() else writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            del self.writers[number]

    def _take(
        self, transport: str, source: tuple[str, int], message: bytes, connection: int = 0
    ) -> None:
        read = dns.message.from_wire(message)
        asked = Asked(transport, source, message, read, connection)
        self.asked.append(asked)
        behave = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        self._run(behave(Turn(self, asked, self.writers.get(connection))))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._errors.append(error)


@contextlib.asynccontextmanager
async def fake_upstream(
    script: Script | None = None,
    *,
    host: str = "127.0.0.1",
    udp: bool = True,
    tcp: bool = True,
    tls: str = "",
) -> AsyncIterator[FakeUpstream]:
    """Serve until the block ends.

    Args:
        script: what to do to questions; to say nothing, if None.
        host: address to serve on.
        udp: whether anything listens there; else the host answers with ICMP.
        tcp: whether anything listens there; else the host answers with RST.
        tls: the name on the certificate: then it speaks TLS over TCP, and no UDP.
    """
    listener, datagrams = _sockets(host, tcp=tcp, udp=udp and not tls)
    authority, own = _certificate(tls) if tls else (None, None)
    up = FakeUpstream(Nameserver(host, listener.getsockname()[1], tls), datagrams, authority)
    up.script = script or _say_nothing
    loop = asyncio.get_running_loop()
    with listener, datagrams:
        loop.add_reader(datagrams, up.read_datagrams)
        server = await asyncio.start_server(up.accept, sock=listener, ssl=own) if tcp else None
        try:
            yield up
        finally:
            loop.remove_reader(datagrams)
            if server is not None:
                server.close()
            await up.stop()


@contextlib.contextmanager
def nobody(host: str = "127.0.0.1") -> Iterator[Nameserver]:
    """Yield a Nameserver with a port that nobody listens on, over UDP and TCP, and nobody gets."""
    listener, datagrams = _sockets(host, tcp=False, udp=False)
    with listener, datagrams:
        yield Nameserver(host, listener.getsockname()[1])


def _sockets(host: str, *, tcp: bool, udp: bool) -> tuple[socket.socket, socket.socket]:
    """Return a TCP and a UDP socket with one port number; one that is not wanted refuses."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(100):
        stream = socket.socket(family, socket.SOCK_STREAM)
        datagrams = socket.socket(family, socket.SOCK_DGRAM)
        try:
            stream.bind((host, 0))
            datagrams.bind((host, stream.getsockname()[1]))
        except OSError:
            stream.close()
            datagrams.close()
            continue
        datagrams.setblocking(False)  # noqa: FBT003 - the socket's own signature
        if tcp:
            stream.listen(128)
        if not udp:
            datagrams.connect((host, 9))  # it hears nobody else: what comes is refused with ICMP
        return stream, datagrams
    raise AssertionError("no port is free for both")


def _certificate(name: str) -> tuple[trustme.CA, ssl.SSLContext]:
    """Return a new authority, and a server's context with a certificate of it."""
    authority = trustme.CA()
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.set_alpn_protocols(["dot"])
    authority.issue_cert(name).configure_cert(own)
    return authority, own


async def _say_nothing(_: Turn) -> None:
    pass
