"""A view of a small cluster, and resolutions as presentation lines.

Endpoints are put as EndpointSlices. Sections are written one line a record; the SOA that goes with
a negative answer is the word ``SOA`` and its owner, since its fields are tested once, elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubedns_py.cluster.objects import Address, Endpoints, Namespace, Object, Pod, Service
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.store import Store
from kubedns_py.dns.name import from_text, to_text
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import IN, SOA, RRset, to_lines
from kubedns_py.resolver.view import Known, Policy, Question, View
from kubedns_py.zone.naming import Naming
from kubedns_py.zone.publishing import Publishing
from kubedns_py.zone.zone import Visibility, Zone
from tests.helpers.objects import address

_RESOURCES: dict[type[Object], Resource] = {
    Service: Resource.SERVICES,
    Endpoints: Resource.ENDPOINTSLICES,
    Namespace: Resource.NAMESPACES,
    Pod: Resource.PODS,
}
_PLAIN = Policy()
_PUBLISHING = Publishing()
ASKED: Address = address("127.0.0.1")
"""The address that every question was sent to, unless it says otherwise."""


def a_view(
    *objects: Object,
    domains: tuple[str, ...] = ("d",),
    policy: Policy = _PLAIN,
    publishing: Publishing = _PUBLISHING,
    known: Known = Known.ALL,
) -> View:
    """Return what questions are answered from; record TTL 30."""
    store = Store(lambda: None)
    for each in objects:
        store.put(_RESOURCES[type(each)], each)
    zones = tuple(
        Zone(store, Naming(from_text(domain), 30), publishing, Visibility()) for domain in domains
    )
    changes = store.take_changes()
    for zone in zones:
        zone.commit(changes, now=7.0)
    return View(zones, store, policy, known)


def a_question(
    view: View, name: str, qtype: int, qclass: int = IN, *, asked: Address = ASKED
) -> Question:
    """Return a question as the loop puts it before the rules."""
    folded = from_text(name)
    zone = view.zone_of(folded)
    path = folded[: len(folded) - len(zone.apex)] if zone else ()
    return Question(folded, qtype, qclass, zone, path, asked)


def section(rrsets: Sequence[RRset]) -> list[str]:
    """Return a section, a SOA as ``SOA owner``."""
    return [line for rrset in rrsets for line in _lines(rrset)]


def _lines(rrset: RRset) -> list[str]:
    return [f"SOA {to_text(rrset.owner)}"] if rrset.rtype == SOA else to_lines(rrset)


def shown(reply: Reply) -> tuple[int, bool, list[str], list[str]]:
    """Return a reply's rcode, its AA bit, its answer and its authority."""
    return reply.rcode, reply.authoritative, section(reply.answer), section(reply.authority)
