"""Whether a server answers rightly: its speed counts for nothing otherwise.

Only what can be compared at a glance is: the RCODE and the number of answers. The tests compare the
rest.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterable, Iterator, Sequence

from bench.mixes import Question
from bench.running import question

QTYPES = {"A": 1, "PTR": 12, "AAAA": 28, "SRV": 33}
"""Mnemonics of the mixes as numbers."""

_NXDOMAIN = 3
_TIMEOUT_S = 0.25
_PAUSE_S = 0.002
_TRIES = 8
_SPACING_S = 0.0002


def query(asked: Question, ident: int = 0) -> bytes:
    """Return a question as octets."""
    return question(asked.name, QTYPES[asked.qtype], ident)


def is_right(reply: bytes, asked: Question) -> bool:
    """Tell whether a reply has the RCODE and the number of answers; an empty one has not."""
    if len(reply) < 12:
        return False
    rcode = _NXDOMAIN if asked.answers is None else 0
    answers = int.from_bytes(reply[6:8], "big")
    return reply[3] & 0xF == rcode and answers == (asked.answers or 0)


def wait_until_all_right(port: int, questions: Iterable[Question], deadline_s: float) -> float:
    """Ask each question until its answer is right; return the monotonic time of the last one.

    Args:
        port: of loopback.
        questions: asked in this order, so that a server that learns them in it is waited for once.
        deadline_s: for all of them.

    Raises:
        TimeoutError: with the question that was not answered.
    """
    deadline = time.monotonic() + deadline_s
    with _socket(port) as sock:
        for number, asked in enumerate(questions):
            while not is_right(_reply(sock, query(asked, number & 0xFFFF)), asked):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{asked} was not answered within {deadline_s:.0f} s")
                time.sleep(_PAUSE_S)
    return time.monotonic()


def expect_right(port: int, questions: Sequence[Question]) -> None:
    """Ask each question, again only if a datagram was lost.

    Raises:
        ValueError: an answer was wrong, or none came.
    """
    with _socket(port) as sock:
        for number, asked in enumerate(questions):
            message = query(asked, number & 0xFFFF)
            reply = next(filter(None, _replies(sock, message)), b"")
            if not is_right(reply, asked):
                raise ValueError(f"a wrong answer to {asked}: {reply[:12].hex(' ') or 'none'}")


class AddressAsker:
    """Asks one question for A until the answer has an address in it."""

    def __init__(self, port: int, name: str, patience_s: float) -> None:
        self._query = question(name)
        self._patience_s = patience_s
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(_TIMEOUT_S)
        self._socket.connect(("127.0.0.1", port))

    def ask(self) -> bytes:
        """Return the reply to the question, empty where there was none in time."""
        return _reply(self._socket, self._query)

    def wait(self, address: str) -> float:
        """Return the monotonic time at which the first answer with this address was there.

        Raises:
            TimeoutError: there was none within the patience.
        """
        octets = socket.inet_aton(address)
        deadline = time.monotonic() + self._patience_s
        while octets not in self.ask():
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer with {address} in {self._patience_s:.0f} s")
            time.sleep(_SPACING_S)
        return time.monotonic()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _replies(sock: socket.socket, message: bytes) -> Iterator[bytes]:
    for _ in range(_TRIES):
        yield _reply(sock, message)


def _reply(sock: socket.socket, message: bytes) -> bytes:
    """Return the reply to a question, empty where there was none in time."""
    with contextlib.suppress(OSError):  # nobody listens yet, or the datagram was lost
        sock.send(message)
        while True:
            reply = sock.recv(4096)
            if reply[:2] == message[:2]:
                return reply
    return b""


@contextlib.contextmanager
def _socket(port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_TIMEOUT_S)
        sock.connect(("127.0.0.1", port))
        yield sock
