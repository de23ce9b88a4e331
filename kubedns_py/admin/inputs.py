"""What the metrics are made from: Protocols that other rooms' objects satisfy by their shape.

The event loop's thread changes these objects while a scrape reads them from another thread.
Dictionaries are therefore copied before they are walked: copying one is a single step.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol


class Histogram(Protocol):
    """Counts per bucket, not cumulative; one more than there are upper bounds."""

    @property
    def bounds(self) -> Sequence[float]:
        """Upper bounds, inclusive, ascending."""

    @property
    def counts(self) -> Sequence[int]:
        """Values per bucket; the last is for what lies above all bounds."""

    @property
    def total(self) -> float:
        """Sum of the values."""


class Counts(Protocol):
    """What the server did until now; see ``server/tally.py``."""

    @property
    def requests(self) -> Mapping[tuple[str, str, int, str], int]:
        """Queries by zone, proto, family (1, 2) and type."""

    @property
    def do_requests(self) -> Mapping[str, int]:
        """Queries with the DO bit by zone."""

    @property
    def responses(self) -> Mapping[tuple[str, str, str], int]:
        """Replies by zone, RCODE and rule."""

    @property
    def drops(self) -> Mapping[str, int]:
        """What got no reply, by reason."""

    @property
    def truncated(self) -> Mapping[str, int]:
        """Replies that lost records because they did not fit, by proto."""

    @property
    def panics(self) -> int:
        """Exceptions that should not have been possible."""

    @property
    def durations(self) -> Mapping[str, Histogram]:
        """Seconds by zone."""

    @property
    def request_sizes(self) -> Mapping[tuple[str, str], Histogram]:
        """Octets by zone and proto."""

    @property
    def response_sizes(self) -> Mapping[tuple[str, str], Histogram]:
        """Octets by zone and proto."""

    @property
    def programming(self) -> Mapping[str, Histogram]:
        """Seconds by kind of service."""


class ResourceStatus(Protocol):
    """How far one watched resource is; see ``cluster/reflector.py``."""

    @property
    def synced(self) -> bool:
        """Whether a complete list was read once."""

    @property
    def last_contact(self) -> float | None:
        """When the server was last heard, monotonic seconds; None before the first time."""

    @property
    def relists(self) -> Mapping[str, int]:
        """By reason."""

    @property
    def watch_restarts(self) -> int:
        """Watches that were opened again."""

    @property
    def short_watches(self) -> int:
        """Watches that ended at once."""

    @property
    def stale_events(self) -> int:
        """Events that were older than what was known."""

    @property
    def decode_errors(self) -> int:
        """Streams dropped because a line could not be read."""

    @property
    def bad_objects(self) -> Mapping[tuple[str, str], int]:
        """Objects that could not be read, by kind and reason."""

    @property
    def api_errors(self) -> Mapping[int, int]:
        """By HTTP status; 0 is "no answer"."""

    @property
    def events(self) -> Mapping[str, int]:
        """By type of event."""

    @property
    def list_octets(self) -> int:
        """Size of the last complete list."""

    @property
    def list_seconds(self) -> float:
        """Time that the last complete list took."""

    @property
    def drift(self) -> int:
        """Objects that a relist had to correct."""
