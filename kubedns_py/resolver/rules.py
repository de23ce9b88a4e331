"""The resolver as a table: ordered rules, of which the first verdict wins.

A rule is a small function ``question, view -> Resolution or None``. Its name is its label in
metrics and, later, in ``explain``. Row ids are those of the behaviour tables in the tests.
"""

from __future__ import annotations

from collections.abc import Callable

from kubedns_py.cluster.objects import Address, ServiceKind
from kubedns_py.dns.name import ROOT, Name, from_wire, to_wire
from kubedns_py.dns.rcode import (
    EDE_NOT_AUTHORITATIVE,
    EDE_NOT_READY,
    EDE_PROHIBITED,
    NOERROR,
    NXDOMAIN,
    REFUSED,
    SERVFAIL,
    ExtendedError,
)
from kubedns_py.dns.render import Reply
from kubedns_py.dns.reverse import NotAnAddress, read_reverse, reverse_apex
from kubedns_py.dns.rrset import (
    AAAA,
    ANY,
    AXFR,
    CH,
    CNAME,
    IN,
    IXFR,
    NS,
    SOA,
    TXT,
    A,
    RRset,
    address_type,
    txt,
)
from kubedns_py.resolver.answers import (
    data,
    forwarded,
    from_rrsets,
    nameserver_rrsets,
    nodata,
    ns_reply,
    nxdomain,
    soa_rrset,
)
from kubedns_py.resolver.reverse_rules import answering_stub, reverse_names
from kubedns_py.resolver.view import Known, Onward, Question, Resolution, View
from kubedns_py.structs import replace
from kubedns_py.zone.naming import DNS, DNS_VERSION, NS_DNS, POD, SVC, dashed, read_dashed
from kubedns_py.zone.tree import Node
from kubedns_py.zone.zone import Zone

Rule = Callable[[Question, View], Resolution | None]

_TRANSFERS = frozenset({AXFR, IXFR})
_VERSION = txt(b"1.1.0")
_VERSION_TTL = 28800
_ENDPOINT_PATH = 3
_FEWEST_SOUGHT = 2
"""Labels: a single one that is no Service is hardly ever a name of the outside, and nobody else
need hear it."""
_NDOTS = 5
"""Dots from which on a resolver asks for the name as it is first; kubelet writes ``ndots:5``."""


def other_class(question: Question, view: View) -> Resolution | None:
    """T-54: only IN is served. CHAOS names are an option (ENV-23)."""
    if question.qclass == IN:
        return None
    reply = Reply(REFUSED)
    if question.qclass == CH and question.qtype == TXT:
        for name, text in view.policy.chaos:
            if name == question.name:
                chaos = RRset(question.name, TXT, 0, (txt(text.encode()[:255]),))
                reply = Reply(NOERROR, authoritative=True, answer=(chaos,))
    return Resolution(reply, None, "other_class")


def transfer(question: Question, view: View) -> Resolution | None:
    """T-53: no zone transfer to anybody (ENV-27)."""
    if question.qtype not in _TRANSFERS:
        return None
    ede = ExtendedError(EDE_PROHIBITED, "zone transfer is not served")
    zone = question.zone.apex if question.zone else None
    return Resolution(Reply(REFUSED, ede=ede), zone, "transfer")


def not_synced(question: Question, view: View) -> Resolution | None:
    """T-60: never "no" before we know.

    Where the API server refuses the endpoints for good, what only depends on services is answered
    all the same (F-12).
    """
    if view.known is Known.ALL:
        return None
    apex = question.zone.apex if question.zone else reverse_apex(question.name)
    if apex is None:
        return None
    if view.known is Known.WITHOUT_ENDPOINTS and not _needs_endpoints(question, view):
        return None
    ede = ExtendedError(EDE_NOT_READY, view.known.value)
    return Resolution(Reply(SERVFAIL, ede=ede), apex, "not_synced")


def _needs_endpoints(question: Question, view: View) -> bool:
    """Tell whether the answer may depend on endpoints: theirs and headless names, and pointers."""
    if question.zone is None:
        return not _is_cluster_ip(question.name, view)
    path = question.path
    if len(path) < 3 or path[-1] != SVC:
        return False
    key = question.zone.service(path[-2], path[-3])
    service = view.store.service(key) if key else None
    if service is None or service.kind is ServiceKind.EXTERNAL_NAME:
        return False
    if service.kind is ServiceKind.HEADLESS or question.zone.find(path[-3:-1]) is None:
        return True  # absent for now: with endpoints it may be there (CIP-10)
    return len(path) > 3 and not path[-4].startswith(b"_")


def _is_cluster_ip(name: Name, view: View) -> bool:
    """Tell whether a reverse name is that of a Service's own address."""
    address = read_reverse(name)
    if isinstance(address, NotAnAddress):
        return False
    keys = view.zones[0].pointer_services(Address(address))
    services = (view.store.service(key) for key in keys)
    return any(each is not None and address in each.cluster_ips for each in services)


def stub_domain(question: Question, view: View) -> Resolution | None:
    """FWD-2: a name that a stub domain answers for."""
    stub = answering_stub(question.name, question.zone, view)
    return None if stub is None else forwarded(question, stub, "stub_domain")


def outside(question: Question, view: View) -> Resolution | None:
    """FWD-1: a name in no zone of ours. ENV-28b: refused where nobody here forwards."""
    if question.zone is not None or reverse_apex(question.name) is not None:
        return None
    if view.policy.forwards:
        return forwarded(question, ROOT, "outside")
    ede = ExtendedError(EDE_NOT_AUTHORITATIVE, "not a name of this cluster")
    return Resolution(Reply(REFUSED, ede=ede), None, "outside")


def apex(question: Question, view: View) -> Resolution | None:
    """T-1 to T-3: the zone's own SOA and NS, and nothing else, at the cluster domain."""
    zone = question.zone
    if zone is None or question.path:
        return None
    if question.qtype == NS:
        return Resolution(ns_reply(zone.apex, zone, question.asked, view), zone.apex, "apex")
    rrsets = {SOA: soa_rrset(zone.apex, zone, view, zone.naming.ttl)}
    reply = from_rrsets(rrsets, question, zone.apex, zone, view)
    return Resolution(reply, zone.apex, "apex")


def infrastructure(question: Question, view: View) -> Resolution | None:
    """T-4 to T-7: ``ns.dns``, ``dns-version`` and the empty names ``dns``, ``svc`` and ``pod``."""
    zone, path = question.zone, question.path
    if zone is None:
        return None
    rrsets: dict[int, RRset]
    if path == (DNS_VERSION,):
        rrsets = {TXT: RRset(question.name, TXT, _VERSION_TTL, (_VERSION,))}
    elif path == NS_DNS:
        rrsets = nameserver_rrsets(zone, question.asked, view)
    elif path in {(DNS,), (SVC,), (POD,)}:
        rrsets = {}
    else:
        return None
    reply = from_rrsets(rrsets, question, zone.apex, zone, view)
    return Resolution(reply, zone.apex, "infrastructure")


def pod_names(question: Question, view: View) -> Resolution | None:
    """T-47 to T-49: ``a-b-c-d.N.pod.D`` (POD-1 to POD-16)."""
    zone, path = question.zone, question.path
    if zone is None or path[-1] != POD:
        return None
    mode = view.policy.pods
    if mode == "disabled" or len(path) > _ENDPOINT_PATH or not zone.has_namespace(path[-2]):
        return Resolution(nxdomain(zone.apex, zone, view), zone.apex, "pod_names")
    if len(path) < _ENDPOINT_PATH:
        return Resolution(nodata(zone.apex, zone, view), zone.apex, "pod_names")
    address = read_dashed(path[0])
    if address is None or (
        mode == "verified"
        and path[1] not in {each.encode() for each in view.store.pod_namespaces(address)}
    ):
        return Resolution(nxdomain(zone.apex, zone, view), zone.apex, "pod_names")
    rtype = address_type(address)
    rrsets = {rtype: RRset(question.name, rtype, zone.naming.ttl, (address,))}
    reply = from_rrsets(rrsets, question, zone.apex, zone, view)
    return Resolution(reply, zone.apex, "pod_names")


def alias(question: Question, view: View) -> Resolution | None:
    """T-30 to T-40: an ExternalName is an alias for every type (RFC 1034, 3.6.2).

    CNAME and ANY match the alias itself (RFC 1034, 4.3.2, step 3a; RFC 8482, 4.2).
    """
    node = _service_node(question)
    if question.zone is None or node is None or CNAME not in node.rrsets:
        return None
    return _alias_at(node, question, question.zone)


def _alias_at(node: Node, question: Question, zone: Zone) -> Resolution:
    rrset = node.rrsets[CNAME]
    followed = None if question.qtype in {CNAME, ANY} else from_wire(rrset.rdatas[0])
    return Resolution(data(rrset), zone.apex, "alias", followed)


def service_names(question: Question, view: View) -> Resolution | None:
    """T-5, T-8 to T-29, T-63, T-65: namespaces, services, their ports and endpoints."""
    zone, path = question.zone, question.path
    if zone is None or path[-1] != SVC:
        return None
    if len(path) == len((SVC, b"N")) and zone.has_namespace(path[0]):
        return Resolution(nodata(zone.apex, zone, view), zone.apex, "service_names")
    node = _service_node(question)
    if node is None:
        return None
    return _service_at(node, question, zone, view)


def _service_at(node: Node, question: Question, zone: Zone, view: View) -> Resolution:
    reply = from_rrsets(node.rrsets, question, zone.apex, zone, view)
    return Resolution(reply, zone.apex, "service_names")


def _alias_or_service(question: Question, view: View) -> Resolution | None:
    """``alias``, then ``service_names``, with one look-up, below a namespace."""
    zone = question.zone
    assert zone is not None  # noqa: S101 - see ``rules_for``
    node = zone.find(question.path[:-1])
    if node is None:
        return None
    if CNAME in node.rrsets:
        return _alias_at(node, question, zone)
    return _service_at(node, question, zone, view)


def other_spelling(question: Question, view: View) -> Resolution | None:
    """HDL-10: an IPv6 endpoint's dashed name, in any spelling that parses to its address."""
    zone, path = question.zone, question.path
    if zone is None or path[-1] != SVC or len(path) != _ENDPOINT_PATH + 1:
        return None
    address = read_dashed(path[0]) if path[0].count(b"-") > 1 else None
    label = dashed(address) if address else path[0]
    node = zone.find((label, *path[1:-1])) if label != path[0] else None
    if node is None:
        return None
    rrsets = {rtype: replace(rrset, owner=question.name) for rtype, rrset in node.rrsets.items()}
    reply = from_rrsets(rrsets, question, zone.apex, zone, view)
    return Resolution(reply, zone.apex, "other_spelling")


def search_completion(question: Question, view: View) -> Resolution | None:
    """Behaviour 5.3: the first step of a pod's search, where no later step is a name of ours.

    The first step carries the pod's namespace, and the steps that follow it end in the cluster's
    own domains: they are looked up here, for nothing. What is left of the search is the name
    itself. One of ours stands behind an alias at once; another is asked for, and ``complete`` says
    what becomes of the reply.
    """
    zone, path, policy = question.zone, question.path, view.policy
    if zone is None or policy.search_completion is None or not view.search_ends_here:
        return None
    if not question.is_first or question.qtype not in {A, AAAA} or path[-1] != SVC:
        return None
    sought = path[:-2]
    if not _FEWEST_SOUGHT <= len(sought) <= _NDOTS or not _completes(path[-2], view):
        return None
    steps = ((*sought, SVC, *zone.apex), (*sought, *zone.apex))
    if any(_exists(step, question, view) for step in steps):
        return None
    if view.stub_of(sought) is None and reverse_apex(sought) is not None:
        return None
    if view.stub_of(sought) is None and view.zone_of(sought) is not None:
        return _completed_here(sought, question, zone, view)
    reply = nxdomain(zone.apex, zone, view)
    return Resolution(reply, zone.apex, "search_completion", onward=Onward(sought, question))


def _completed_here(sought: Name, question: Question, zone: Zone, view: View) -> Resolution | None:
    """Return an alias of a name of ours, if it is there: people leave out its last dot."""
    if not _exists(sought, question, view):
        return None
    alias = RRset(question.name, CNAME, view.policy.negative_ttl, (to_wire(sought),))
    return Resolution(data(alias), zone.apex, "search_completion", sought)


def _completes(namespace: bytes, view: View) -> bool:
    """Tell whether a namespace asked for it, by its labels."""
    found = view.store.namespace(namespace.decode("ascii", "replace"))
    selector = view.policy.search_completion
    return bool(found and selector and selector.matches(dict(found.labels)))


def _exists(name: Name, question: Question, view: View) -> bool:
    """Tell whether a step of the search is a name that exists, or one that is not ours to deny."""
    zone = view.zone_of(name)
    if zone is None or view.stub_of(name) is not None:
        return True
    path = name[: len(name) - len(zone.apex)]
    step = Question(name, question.qtype, question.qclass, zone, path, question.asked)
    verdicts = (rule(step, view) for rule in RULES)
    verdict = next(each for each in verdicts if each is not None)
    return verdict.reply.rcode != NXDOMAIN or verdict.onward is not None


def missing(question: Question, view: View) -> Resolution | None:
    """T-8 and the rest: in our zone, and nothing of that name."""
    zone = question.zone
    if zone is None:
        return None
    return Resolution(nxdomain(zone.apex, zone, view), zone.apex, "missing")


def _service_node(question: Question) -> Node | None:
    zone, path = question.zone, question.path
    if zone is None or len(path) < _ENDPOINT_PATH or path[-1] != SVC:
        return None
    return zone.find(path[:-1])


RULES: tuple[Rule, ...] = (
    other_class,
    transfer,
    stub_domain,
    not_synced,
    outside,
    reverse_names,
    apex,
    infrastructure,
    pod_names,
    alias,
    service_names,
    other_spelling,
    search_completion,
    missing,
)

_OUTSIDE: tuple[Rule, ...] = (outside,)
_REVERSE: tuple[Rule, ...] = (reverse_names,)
_APEX: tuple[Rule, ...] = (apex,)
_SERVICE: tuple[Rule, ...] = (_alias_or_service, other_spelling, search_completion, missing)
_POD: tuple[Rule, ...] = (infrastructure, pod_names)
_OTHER: tuple[Rule, ...] = (infrastructure, service_names, missing)


def rules_for(question: Question, view: View) -> tuple[Rule, ...]:
    """Return the rules of the table that may have a verdict, in its order.

    Most questions are about names of one form, in class IN, while everything is known and there is
    no stub domain: then most rules need not be asked, which is half the time of a resolution.
    """
    zone, path = question.zone, question.path
    if (
        question.qclass != IN
        or question.qtype in _TRANSFERS
        or view.known is not Known.ALL
        or view.stub_domains
    ):
        return RULES
    if zone is None:
        return _OUTSIDE if reverse_apex(question.name) is None else _REVERSE
    if not path:
        return _APEX
    if path[-1] == SVC and len(path) >= _ENDPOINT_PATH:
        return _SERVICE
    return _POD if path[-1] == POD else _OTHER
