"""A cluster as zone files (RFC 1035, 5.1), for a server that knows no Kubernetes.

The records are those of the DNS specification 1.1.0 that the mixes ask for: addresses and named
ports of Services, endpoints, aliases, and the pointers of 10.0.0.0/8.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.cluster import DOMAIN, Cluster, Kind, Service

REVERSE = "10.in-addr.arpa."
TTL = 30
"""That of kubeadm's Corefile, and our default."""

_BACKEND_PORTS = 8000  # see objects: endpoints listen elsewhere than their Service
_APEX = """\
$ORIGIN {zone}
@ {ttl} IN SOA ns.dns.{domain} hostmaster.{domain} 1 7200 1800 86400 5
@ {ttl} IN NS ns.dns.{domain}
"""


def write_zones(cluster: Cluster, folder: Path) -> dict[str, Path]:
    """Write a file for each zone into a folder that is there; return them by the zone's name."""
    made = {}
    forward = [f"ns.dns.{DOMAIN} {TTL} IN A 10.96.0.10"]
    forward += [line for each in cluster.services for line in forward_lines(each)]
    backward = [line for each in cluster.services for line in reverse_lines(each)]
    for zone, lines in ((DOMAIN, forward), (REVERSE, backward)):
        made[zone] = folder / f"{zone}zone"
        apex = _APEX.format(zone=zone, domain=DOMAIN, ttl=TTL)
        made[zone].write_text(apex + "\n".join(lines) + "\n")
    return made


def forward_lines(service: Service) -> Iterator[str]:
    """Yield a Service's records below the cluster's domain."""
    owner = service.owner
    if service.kind is Kind.EXTERNAL_NAME:
        yield f"{owner} {TTL} IN CNAME {service.address}"
        return
    if service.address:
        yield f"{owner} {TTL} IN A {service.address}"
        for port in service.ports:
            label = f"_{port.name}._{port.protocol.lower()}"
            yield f"{label}.{owner} {TTL} IN SRV 0 100 {port.number} {owner}"
    weight = 100 // max(1, len(service.endpoints))
    for endpoint in service.endpoints:
        target = f"{endpoint.label}.{owner}"
        yield f"{target} {TTL} IN A {endpoint.address}"
        if service.kind is Kind.HEADLESS:
            yield f"{owner} {TTL} IN A {endpoint.address}"
            for port in service.ports:
                label = f"_{port.name}._{port.protocol.lower()}"
                number = _BACKEND_PORTS + port.number
                yield f"{label}.{owner} {TTL} IN SRV 0 {weight} {number} {target}"


def reverse_lines(service: Service) -> Iterator[str]:
    """Yield a Service's pointers."""
    if service.kind is Kind.CLUSTER_IP:
        yield f"{reverse_name(service.address)} {TTL} IN PTR {service.owner}"
    for endpoint in service.endpoints:
        target = f"{endpoint.label}.{service.owner}"
        yield f"{reverse_name(endpoint.address)} {TTL} IN PTR {target}"


def reverse_name(address: str) -> str:
    """Return the name that an IPv4 address is asked by (RFC 1035, 3.5)."""
    return f"{'.'.join(reversed(address.split('.')))}.in-addr.arpa."
