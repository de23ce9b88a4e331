"""How the informer fares with one resource: plain facts for readiness, metrics and logs.

The reflector writes them, everybody else only reads. Counters never go down. Labels come from
closed sets or are bounded numbers, so that no API server can grow a metric without end.
"""

from __future__ import annotations

import enum
from collections import Counter

from kubedns_py.cluster.resources import Resource
from kubedns_py.structs import Struct, field


class RelistReason(enum.Enum):
    """Why a complete state is asked for. The value is the word for a metric."""

    START = "start"
    EXPIRED = "expired"
    TOO_LARGE = "too-large-version"
    UNREADABLE = "unreadable"
    BACKWARDS = "version-went-back"
    ERROR = "error"
    AUDIT = "audit"


class ResourceStatus(Struct):
    """The state of one resource's list and watch.

    Attributes:
        resource: which one.
        synced: a complete list has been taken at least once; never false again.
        refused: what the API server does not let us do, and the remedy; None when it does.
        last_contact: when it last said something useful, in monotonic seconds; None before.
        last_error: the last failure in words, empty before any.
        relists: complete lists begun, by reason (see ``RelistReason``).
        watch_restarts: watches begun after the first one.
        short_watches: watches that the server ended within a second (row F-22).
        decode_errors: pages and events that could not be read (row F-16).
        stale_events: events older than what was known already (row F-19).
        bad_objects: objects skipped, or read in part, by kind and reason (row F-17).
        api_errors: refusals by HTTP status; 0 is no answer, or a stream that broke.
        events: events by type; types that are not known count as ``other``.
        list_octets: size of the last complete list.
        list_seconds: duration of the last complete list.
        drift: objects that an audit found different although no event was due. A deletion between
            the end of a watch and its audit counts too.
    """

    resource: Resource
    synced: bool = False
    refused: str | None = None
    last_contact: float | None = None
    last_error: str = ""
    relists: Counter[str] = field(default_factory=Counter)
    watch_restarts: int = 0
    short_watches: int = 0
    decode_errors: int = 0
    stale_events: int = 0
    bad_objects: Counter[tuple[str, str]] = field(default_factory=Counter)
    api_errors: Counter[int] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    list_octets: int = 0
    list_seconds: float = 0.0
    drift: int = 0
