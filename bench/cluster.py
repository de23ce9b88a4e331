"""Clusters from a seed: the same arguments make the same Services and endpoints, whoever asks.

Rules of this file:

- A cluster is what its records need and no more; ``objects`` makes API objects of it, ``zonefile``
  a zone, ``mixes`` questions.
- Every address is in 10.0.0.0/8: cluster IPs in the range of the test control plane (10.96.0.0/16),
  endpoints from 10.128.0.0 on. All are different.
"""

from __future__ import annotations

import enum
import ipaddress
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

DOMAIN = "cluster.local."
SERVICES_EACH = 50
"""Services in a namespace."""

_FIRST_CLUSTER_IP = int(ipaddress.IPv4Address("10.96.1.0"))
_FIRST_ENDPOINT = int(ipaddress.IPv4Address("10.128.0.0"))
_MOST_SERVICES = 60_000
_HEADLESS_SHARE = 0.15
_EXTERNAL_SHARE = 0.02
_WORDS = ("cart", "orders", "search", "users", "mail", "billing", "stock", "api", "auth", "events")


class Kind(enum.Enum):
    """What a Service is."""

    CLUSTER_IP = "ClusterIP"
    HEADLESS = "Headless"
    EXTERNAL_NAME = "ExternalName"


@dataclass(frozen=True, slots=True)
class Port:
    """A named port."""

    name: str
    number: int
    protocol: str = "TCP"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A ready endpoint; ``hostname`` is empty where it has none."""

    address: str
    hostname: str = ""

    @property
    def label(self) -> str:
        """Its first label (DNS specification 1.1.0, 2.4.1; the dashed address as in CoreDNS)."""
        return self.hostname or self.address.replace(".", "-")


@dataclass(frozen=True, slots=True)
class Service:
    """A Service with its endpoints.

    Attributes:
        name: its name.
        namespace: where it is.
        kind: what it is.
        address: cluster IP, or the target's absolute name, or empty when it is headless.
        ports: the same of the Service and of its endpoints.
        endpoints: all ready.
    """

    name: str
    namespace: str
    kind: Kind
    address: str = ""
    ports: tuple[Port, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()

    @property
    def owner(self) -> str:
        """Its absolute name."""
        return f"{self.name}.{self.namespace}.svc.{DOMAIN}"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Services, in an order in which any first part of them is a smaller cluster."""

    services: tuple[Service, ...]
    seed: int

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces that have a Service, in the order of their first one."""
        return tuple(dict.fromkeys(each.namespace for each in self.services))

    @property
    def endpoints(self) -> int:
        """How many endpoints there are."""
        return sum(len(each.endpoints) for each in self.services)

    def first(self, services: int) -> Cluster:
        """Return the cluster of the first Services alone."""
        return replace(self, services=self.services[:services])

    def of_kind(self, kind: Kind) -> tuple[Service, ...]:
        """Return the Services of one kind."""
        return tuple(each for each in self.services if each.kind is kind)


def a_cluster(services: int, endpoints: int, seed: int = 1) -> Cluster:
    """Return a cluster of exactly so many Services and endpoints.

    15 % of the Services are headless, half of these with named endpoints, and 2 % are ExternalName.
    Endpoints are spread unevenly: a Service has one up to nearly twice the mean.

    Raises:
        ValueError: no cluster has these numbers.
    """
    chance = random.Random(f"{seed}/{services}/{endpoints}")  # noqa: S311 - no secret
    kinds = [_kind(chance) for _ in range(services)]
    with_endpoints = sum(kind is not Kind.EXTERNAL_NAME for kind in kinds)
    if not 0 < services <= _MOST_SERVICES or endpoints < with_endpoints or not with_endpoints:
        raise ValueError(f"no cluster of {services} Services has {endpoints} endpoints")
    counts = _counts(with_endpoints, endpoints)
    addresses = map(str, map(ipaddress.IPv4Address, itertools.count(_FIRST_ENDPOINT)))
    made = tuple(
        _service(number, kind, 0 if kind is Kind.EXTERNAL_NAME else next(counts), addresses)
        for number, kind in enumerate(kinds)
    )
    return Cluster(made, seed)


def _kind(chance: random.Random) -> Kind:
    drawn = chance.random()
    if drawn < _EXTERNAL_SHARE:
        return Kind.EXTERNAL_NAME
    return Kind.HEADLESS if drawn < _EXTERNAL_SHARE + _HEADLESS_SHARE else Kind.CLUSTER_IP


def _counts(services: int, endpoints: int) -> Iterator[int]:
    """Yield how many endpoints each has: 1 to twice the mean, all of them together exact."""
    widest = max(1, 2 * (endpoints // services) - 1)
    counts = [1 + 7 * number % widest for number in range(services)]
    step = 1 if sum(counts) < endpoints else -1
    missing = abs(endpoints - sum(counts))
    while missing:
        for number in range(services):
            if missing and counts[number] + step > 0:
                counts[number] += step
                missing -= 1
    return iter(counts)


def _service(number: int, kind: Kind, endpoints: int, addresses: Iterator[str]) -> Service:
    name = f"{_WORDS[number % len(_WORDS)]}-{number}"
    namespace = f"team-{number // SERVICES_EACH:03}"
    if kind is Kind.EXTERNAL_NAME:
        return Service(name, namespace, kind, f"{name}.example.com.")
    ports = (Port("http", 80), Port("metrics", 9090), Port("sync", 7946, "UDP"))
    named = kind is Kind.HEADLESS and number % 2 == 0
    found = tuple(
        Endpoint(next(addresses), f"{name}-{each}" if named else "") for each in range(endpoints)
    )
    address = str(ipaddress.IPv4Address(_FIRST_CLUSTER_IP + number))
    return Service(
        name,
        namespace,
        kind,
        "" if kind is Kind.HEADLESS else address,
        ports[: 1 + number % len(ports)],
        found,
    )
