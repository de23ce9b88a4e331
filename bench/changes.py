"""Changes of EndpointSlices, made through the API server as a controller makes them."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.cluster import Cluster, Endpoint, Kind, Port, Service
from bench.objects import MOST_IN_SLICE, endpoint_object, slice_name
from tests.e2e.apiclient import ApiClient, ApiError

NAMESPACE = "changing"
MARK = "mark"
"""Hostname of the endpoint that changes, the first one of its Service."""

_MOVED = "10.250.{}.{}"
_WIDE = "10.{}.{}.{}"
_AGAIN_S = 0.2
_CATCH_UP_S = 0.1  # what was not changed in a pause longer than this is let go


def wide_service(number: int, endpoints: int) -> Service:
    """Return a headless Service of so many endpoints; ``number`` keeps their addresses apart."""
    found = tuple(
        Endpoint(_WIDE.format(210 + number, each >> 8, each & 0xFF), "" if each else MARK)
        for each in range(endpoints)
    )
    return Service(f"wide-{endpoints}", NAMESPACE, Kind.HEADLESS, "", (Port("http", 80),), found)


def moved_address(number: int) -> str:
    """Return the address that an endpoint has after its change of that number."""
    return _MOVED.format(number >> 8 & 0xFF, number & 0xFF)


def move(api: ApiClient, service: Service, number: int) -> None:
    """Give the first endpoint of a Service another address.

    Raises:
        OSError: the API server did not do it.
    """
    moved = replace(service.endpoints[0], address=moved_address(number))
    endpoints = (moved, *service.endpoints[1:MOST_IN_SLICE])
    change = {"endpoints": [endpoint_object(service, each) for each in endpoints]}
    try:
        api.patch("EndpointSlice", slice_name(service), service.namespace, change)
    except (ApiError, http.client.HTTPException) as error:
        raise OSError(f"no slice of {service.owner} was changed: {error}") from error


class Mover(threading.Thread):
    """Moves endpoints of one Service after the other at a rate, as long as it is let.

    Attributes:
        made: how many changes the API server took.
    """

    def __init__(self, api: ApiClient, services: Sequence[Service], rate: int) -> None:
        super().__init__()
        self.made = 0
        self._api = api
        self._services = services
        self._rate = rate
        self._over = threading.Event()
        self._one_at_a_time = threading.Lock()

    def run(self) -> None:
        """Change until ``finish``; what an API server in a restart does not take is let go."""
        due = time.monotonic()
        for number, service in enumerate(itertools.cycle(self._services)):
            if self._over.wait(max(0.0, due - time.monotonic())):
                return
            due = max(due + 1 / self._rate, time.monotonic() - _CATCH_UP_S)
            try:
                with self._one_at_a_time:
                    move(self._api, service, number)
                    self.made += 1
            except OSError:
                self._over.wait(_AGAIN_S)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Change nothing for a while, from the end of the change that is being made."""
        with self._one_at_a_time:
            yield

    def finish(self) -> None:
        """Have no further changes."""
        self._over.set()
        self.join()


@contextlib.contextmanager
def moving(api: ApiClient, cluster: Cluster, rate: int) -> Iterator[Mover]:
    """Change slices all over a cluster meanwhile."""
    services = [each for each in cluster.services if each.endpoints]
    stride = max(1, len(services) // 997)  # neighbours in the list are of one namespace
    mover = Mover(api, [each for start in range(stride) for each in services[start::stride]], rate)
    mover.start()
    try:
        yield mover
    finally:
        mover.finish()
        sys.stderr.write(f"bench: {mover.made} slices were changed\n")
