"""``python -m bench.scale``: what objects cost in the process that reads them, without a server.

Rules of this file:

- Each size has a process of its own, which reads the events that an API server would send from a
  file. So its memory is that of the DNS server alone, and nobody else's work is in its time.
- Times are of the processor. The least of the rounds counts: what others do at the same time only
  ever adds to it.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench.changes import moved_address, wide_service
from bench.cluster import Cluster, Service, a_cluster
from bench.objects import JsonObject, namespace_object, service_object, slice_objects
from kubedns_py.assembly import Core, Identity, assemble
from kubedns_py.cluster.reading import Wanted
from kubedns_py.cluster.reflector import Reflector
from kubedns_py.cluster.resources import Resource
from kubedns_py.config.arguments import load
from kubedns_py.resolver.view import Known
from kubedns_py.server.respond import Chances

SIZES = (1_000, 3_000, 10_000, 20_000)
"""Services; each has ten endpoints on average."""

WIDTHS = (1, 10, 100, 1_000, 5_000)
_ENDPOINTS_EACH = 10
_COMPACT = (",", ":")
_NOT_LISTED = ("apiVersion", "kind", "metadata")
_PART_OCTETS = 65_536
_CHANGES = 100
_ROUNDS = 3
_RESOURCES = (Resource.NAMESPACES, Resource.SERVICES, Resource.ENDPOINTSLICES)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one cluster costs.

    Attributes:
        list_s: processor time to take everything in.
        relist_s: the same again, with nothing changed.
        memory_mib: what the process has grown by.
        change_us: by endpoints of a Service: one moves, and the Service's name is looked up.
    """

    services: int
    endpoints: int
    list_s: float
    relist_s: float
    memory_mib: float
    change_us: dict[int, float]


def measured(services: int) -> Cost:
    """Return the least cost over the rounds, each in a process of its own."""
    cluster = a_cluster(services, services * _ENDPOINTS_EACH)
    with tempfile.TemporaryDirectory(prefix="kubedns-bench-") as folder:
        write_lists(cluster, Path(folder))
        command = [sys.executable, "-m", "bench.scale", "--read", folder]
        rounds = []
        for _ in range(_ROUNDS):
            said = subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603 - our own words
            rounds.append(json.loads(said))
    change_us = {width: min(each["change_us"][str(width)] for each in rounds) for width in WIDTHS}
    least = {name: min(each[name] for each in rounds) for name in rounds[0] if name != "change_us"}
    return Cost(services, cluster.endpoints, **least, change_us=change_us)


def write_lists(cluster: Cluster, folder: Path) -> None:
    """Write the list of each resource, as the API server does."""
    wide = [wide_service(number, width) for number, width in enumerate(WIDTHS)]
    everything = (*cluster.services, *wide)
    namespaces = dict.fromkeys(each.namespace for each in everything)
    objects: dict[Resource, Iterable[JsonObject]] = {
        Resource.NAMESPACES: map(namespace_object, namespaces),
        Resource.SERVICES: map(service_object, everything),
        Resource.ENDPOINTSLICES: (each for of in everything for each in slice_objects(of)),
    }
    for resource, items in objects.items():
        with (folder / resource.value).open("wb") as file:
            file.write(
                b'{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"2"},"items":'
            )
            file.write(b"[" + b",".join([_listed(item) for item in items]) + b"]}\n")


def read(folder: Path) -> dict[str, object]:
    """Take everything in, again and again; return what it costs."""
    core = _a_core()
    gc.freeze()
    gc.disable()  # as the server has it in effect: what is made here is not collected
    before_mib = _resident_mib()
    list_s, reflectors = _taken(folder, core)
    memory_mib = _resident_mib() - before_mib
    relist_s, reflectors = _taken(folder, core)
    core.view.known = Known.ALL
    slices = reflectors[Resource.ENDPOINTSLICES]
    change_us = {width: _change_us(core, slices, number) for number, width in enumerate(WIDTHS)}
    return {
        "list_s": list_s,
        "relist_s": relist_s,
        "memory_mib": memory_mib,
        "change_us": change_us,
    }


def _taken(folder: Path, core: Core) -> tuple[float, dict[Resource, Reflector]]:
    """Let new reflectors read everything; return the processor time, and them."""
    wanted = Wanted(pod_names=False)  # as with the default options
    reflectors = {each: Reflector(each, core.store, wanted) for each in _RESOURCES}
    spent_s = 0.0
    for resource, reflector in reflectors.items():
        reflector.next(0.0, 0.5)
        for part in _parts(folder / resource.value):
            started_s = time.process_time()
            for _ in reflector.listed(part, 0.0):
                pass
            spent_s += time.process_time() - started_s
        started_s = time.process_time()
        for _ in reflector.list_ended(0.0):
            pass
        spent_s += time.process_time() - started_s
    started_s = time.process_time()
    core.commit(0.0)
    return spent_s + time.process_time() - started_s, reflectors


def _parts(file: Path) -> Iterator[bytes]:
    """Yield about as much at a time as a connection brings."""
    with file.open("rb") as octets:
        while part := octets.read(_PART_OCTETS):
            yield part


def _change_us(core: Core, reflector: Reflector, number: int) -> float:
    """Return the microseconds from a changed slice to the records of its Service's name."""
    service = wide_service(number, WIDTHS[number])
    name = (service.name.encode(), service.namespace.encode())
    took_s = []
    reflector.next(0.0, 0.5)
    reflector.opened(0.0)
    for change in range(_CHANGES):
        line = _event("MODIFIED", _moved(service, change), str(10 + number * _CHANGES + change))
        started_s = time.process_time()
        reflector.event(line.rstrip(b"\n"), 0.0)
        core.commit(0.0)
        assert core.view.zones[0].find(name) is not None  # noqa: S101 - what is measured was done
        took_s.append(time.process_time() - started_s)
    return sorted(took_s)[_CHANGES // 2] * 1e6


def _moved(service: Service, change: int) -> JsonObject:
    """Return the Service's first slice with its first endpoint somewhere else."""
    first = replace(service.endpoints[0], address=moved_address(change))
    return next(slice_objects(replace(service, endpoints=(first, *service.endpoints[1:]))))


def _a_core() -> Core:
    config = load([], {}, program="bench").config
    return assemble(config, Chances(time.perf_counter, lambda: 0), identity=Identity("", ""))


def _listed(item: JsonObject) -> bytes:
    """Return an object as it stands in a list: without its kind, its metadata first."""
    listed = {"metadata": {**item["metadata"], "resourceVersion": "1"}}
    listed |= {name: part for name, part in item.items() if name not in _NOT_LISTED}
    return json.dumps(listed, separators=_COMPACT).encode()


def _event(kind: str, item: JsonObject, version: str) -> bytes:
    metadata = {**item["metadata"], "resourceVersion": version}
    event = {"type": kind, "object": item | {"metadata": metadata}}
    return json.dumps(event, separators=_COMPACT).encode() + b"\n"


def _resident_mib() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def main() -> int:
    """Print a Markdown table of what clusters of several sizes cost."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.read:
        sys.stdout.write(json.dumps(read(chosen.read)))
        return 0
    widths = " | ".join(f"{width:,}" for width in WIDTHS)
    sys.stdout.write(
        "| Services | endpoints | list, CPU s | relist, CPU s | memory, MiB"
        f" | a change, CPU us, of a Service with {widths} |\n{'|---' * (5 + len(WIDTHS))}|\n"
    )
    for services in chosen.sizes:
        cost = measured(services)
        changes = " | ".join(f"{cost.change_us[width]:,.0f}" for width in WIDTHS)
        sys.stdout.write(
            f"| {cost.services:,} | {cost.endpoints:,} | {cost.list_s:.2f} | {cost.relist_s:.2f}"
            f" | {cost.memory_mib:.0f} | {changes} |\n"
        )
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
