"""What an answer depended on: which changes of the cluster may make it another one.

Rules of this file:

- What is not named here must not change an answer while the view's own facts stay as they are
  (``known``, ``stale``, ``stub_domains``, ``search_ends_here``); whoever keeps answers looks at
  those by itself. Too much is harmless, too little is a wrong answer: a property test looks for it.
- Nothing is recorded while a question is resolved: an answer that is kept is looked at once more,
  and most answers are not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from kubedns_py.cluster.objects import Address, Key
from kubedns_py.dns.name import Name, from_wire
from kubedns_py.dns.rcode import NOERROR, NXDOMAIN, REFUSED
from kubedns_py.dns.reverse import NotAnAddress, read_reverse, reverse_apex
from kubedns_py.dns.rrset import CNAME, NS
from kubedns_py.resolver.answers import has_nameserver
from kubedns_py.resolver.view import Known, Resolution, View
from kubedns_py.structs import Struct
from kubedns_py.zone.naming import NS_DNS, POD, SVC
from kubedns_py.zone.zone import Committed, Zone

_KEPT_RULES: Final = frozenset(
    {
        *("outside", "reverse_names", "apex", "infrastructure", "pod_names"),
        *("alias", "service_names", "other_spelling", "missing"),
    }
)
_NOT_SYNCED: Final = "not_synced"
_KEPT_RCODES: Final = frozenset({NOERROR, NXDOMAIN, REFUSED})
_OWN: Final = ""
_CONTENTS: Final = "*"
_ANY_CONTENTS: Final = Key(_CONTENTS, _CONTENTS)


class Dependencies(Struct, frozen=True, gc=False):
    """What has to change before an answer can.

    Attributes:
        keys: services, whether or not they exist, and what ``namespace_key`` and ``contents_key``
            return.
        addresses: of reverse names: a service may come to have them.
    """

    keys: tuple[Key, ...] = ()
    addresses: tuple[Address, ...] = ()


def namespace_key(namespace: str) -> Key:
    """Return what stands for whether a namespace exists and is shown."""
    return Key(namespace, _OWN)


def contents_key(namespace: str) -> Key:
    """Return what stands for the Pods and the labels of a namespace."""
    return Key(namespace, _CONTENTS)


def changed_keys(committed: Committed, contents: Iterable[str]) -> set[Key]:
    """Return what changed, in the words of ``Dependencies.keys``.

    Args:
        committed: what the zones say.
        contents: namespaces whose objects, Pods or labels changed.
    """
    keys = set(committed.services)
    keys.update(map(namespace_key, committed.namespaces))
    keys.update(map(contents_key, contents))
    if committed.namespaces or contents:
        keys.add(_ANY_CONTENTS)
    return keys


def dependencies(name: Name, qtype: int, found: Resolution, view: View) -> Dependencies | None:
    """Return what an answer of ours depends on; None where nobody keeps count of that.

    Args:
        name: what was asked, folded, in class IN.
        qtype: as asked.
        found: the resolution, complete, with no part from others.
        view: what it was resolved from, unchanged since.
    """
    if found.rule == _NOT_SYNCED and view.known is Known.NOTHING:
        return Dependencies()  # every name of ours gets it, whatever there is
    if found.onward is not None or found.rule not in _KEPT_RULES:
        return None
    if found.reply.rcode not in _KEPT_RCODES:
        return None
    keys: dict[Key, None] = {}
    addresses: list[Address] = []
    for step in (name, *_targets(found)):
        part = _of_name(step, qtype, view)
        if part is None:
            return None
        keys.update(dict.fromkeys(part.keys))
        addresses.extend(part.addresses)
    return Dependencies(tuple(keys), tuple(addresses))


def _targets(found: Resolution) -> Iterator[Name]:
    """Yield the names that a chain of aliases leads over."""
    for rrset in found.reply.answer:
        if rrset.rtype == CNAME:
            yield from_wire(rrset.rdatas[0])


def _of_name(name: Name, qtype: int, view: View) -> Dependencies | None:
    zone = view.zone_of(name)
    if zone is None:
        return Dependencies() if reverse_apex(name) is None else _of_reverse(name, qtype, view)
    path = name[: len(name) - len(zone.apex)]
    if path == NS_DNS or (not path and qtype == NS):
        return _of_nameserver(zone, view)
    match path:
        case (*_, own, namespace, last) if last == SVC:
            key = zone.service(namespace, own) or Key(_text(namespace), _text(own))
            return _of_search(namespace, key, view)
        case (*_, namespace, last) if last == SVC:
            return Dependencies((namespace_key(_text(namespace)),))
        case (*_, namespace, last) if last == POD:
            return _of_pods(namespace, view)
    return Dependencies()


def _of_nameserver(zone: Zone, view: View) -> Dependencies | None:
    """Without the DNS Service it is the address that was asked, which only the client knows."""
    if not has_nameserver(zone, view):
        return None
    return Dependencies((view.policy.dns_service,))


def _of_search(namespace: bytes, key: Key, view: View) -> Dependencies | None:
    """Return the service, and where search steps are completed the namespace that asks for it.

    Completed ones look at other names; those are left to the resolver.
    """
    selector = view.policy.search_completion
    if selector is None:
        return Dependencies((key,))
    found = view.store.namespace(_text(namespace))
    if found is not None and selector.matches(dict(found.labels)):
        return None
    return Dependencies((key, contents_key(_text(namespace))))


def _of_pods(namespace: bytes, view: View) -> Dependencies:
    exists = namespace_key(_text(namespace))
    if view.policy.pods == "verified":
        return Dependencies((exists, contents_key(exists.namespace)))
    return Dependencies((exists,))


def _of_reverse(name: Name, qtype: int, view: View) -> Dependencies | None:
    """Return the address and the services that have it now; those that will are told apart."""
    zone = view.zones[0]
    keys: tuple[Key, ...] = ()
    if qtype == NS:  # of a reverse zone, perhaps
        if not has_nameserver(zone, view):
            return None
        keys = (view.policy.dns_service,)
    address = read_reverse(name)
    if isinstance(address, NotAnAddress):
        return Dependencies(keys)
    keys += zone.pointer_services(Address(address))
    if view.policy.pod_pointers:
        keys += (_ANY_CONTENTS,)
    return Dependencies(keys, (Address(address),))


def _text(label: bytes) -> str:
    """Return a label as objects spell it; no two labels have one spelling."""
    return label.decode("latin-1")
