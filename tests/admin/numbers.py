"""What the metrics are made from, as a test wants it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kubedns_py.admin.forward_inputs import Forwarding
from kubedns_py.admin.scrape import Sources
from kubedns_py.server.tally import Tally


@dataclass(slots=True)
class FakeStatus:
    """Stands for the status that the reflector keeps of one resource."""

    synced: bool = True
    last_contact: float | None = None
    relists: dict[str, int] = field(default_factory=dict)
    watch_restarts: int = 0
    short_watches: int = 0
    stale_events: int = 0
    decode_errors: int = 0
    bad_objects: dict[tuple[str, str], int] = field(default_factory=dict)
    api_errors: dict[int, int] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    list_octets: int = 0
    list_seconds: float = 0.0
    drift: int = 0


def some_sources(
    tally: Tally | None = None,
    resources: Mapping[str, FakeStatus] | None = None,
    *,
    forwarding: Forwarding | None = None,
    clock: Callable[[], float] = lambda: 1000.0,
) -> Sources:
    """Return sources of a server that has seen nothing but what is given."""
    return Sources(
        server="dns://:53",
        counts=(tally or Tally()).snapshot,
        resources=lambda: dict(resources or {}),
        serials=lambda: {"cluster.local.": 7},
        names_too_long=lambda: {"cluster.local.": 1},
        services=lambda: 3,
        datagram_drops=lambda: {"send_full": 4},
        connections=lambda: {"open": 2, "accepted": 9, "idle": 7},
        waiting=lambda: {"udp": 5, "tcp": 6},
        manifest_problems=lambda: 2,
        answer_table=lambda: {"own": (8, 9600), "denial": (2, 1200)},
        workers=lambda: 3,
        worker_restarts=lambda: 7,
        forwarding=forwarding,
        clock=clock,
    )
