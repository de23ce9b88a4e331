"""The life of a TCP connection in words: what it waits for, and why it ended."""

from __future__ import annotations

import enum


class Phase(enum.Enum):
    """What a connection waits for."""

    OPENING = enum.auto()  # the event loop to hand over the transport
    IDLE = enum.auto()  # a query
    READING = enum.auto()  # the rest of a message
    ANSWERING = enum.auto()  # its next turn: more messages are here
    WAITING = enum.auto()  # replies; and queries, unless so many replies are waited for
    BLOCKED = enum.auto()  # the client to read
    FINISHING = enum.auto()  # replies and the client to read them, and then FIN
    LINGERING = enum.auto()  # the client to close
    CLOSED = enum.auto()


class Outcome(enum.StrEnum):
    """Why a connection ended."""

    PEER_CLOSED = enum.auto()
    PEER_RESET = enum.auto()
    IDLE = enum.auto()
    LIFETIME = enum.auto()
    QUERIES = enum.auto()  # it has had as many as it may
    READ_DEADLINE = enum.auto()
    WRITE_DEADLINE = enum.auto()
    UNREAD = enum.auto()  # more replies came than are kept for a client that does not read
    GARBAGE = enum.auto()  # a length below 12, or a response instead of a query
    EVICTED = enum.auto()  # the longest idle one, for a new one
    LAMEDUCK = enum.auto()  # the server is going away
