"""The parts without any edge: store, zones, resolver and responder, made from the options.

What is assembled here opens no socket, reads no file and starts no task; tests use it as it is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from kubedns_py.cluster.objects import Key, Service, ServiceKind
from kubedns_py.cluster.selector import parse_selector
from kubedns_py.cluster.store import Changes, Store
from kubedns_py.config.options import Config
from kubedns_py.dns.name import Name, from_text
from kubedns_py.dns.render import Shape
from kubedns_py.resolver.dependencies import changed_keys
from kubedns_py.resolver.view import Known, Policy, View
from kubedns_py.server.elsewhere import Upstreams
from kubedns_py.server.query_logger import QueryLogger
from kubedns_py.server.respond import Chances, Responder
from kubedns_py.server.tally import Tally
from kubedns_py.structs import Struct, field
from kubedns_py.zone.naming import Naming
from kubedns_py.zone.publishing import Publishing
from kubedns_py.zone.zone import Committed, Visibility, Zone

_SEARCH_COMPLETION = parse_selector("kubedns-py/search-completion=enabled")
"""Which namespaces ask for it; the option alone changes no answer."""

_PRIVATE_NETWORKS = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
    *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "255.255.255.255/32"),
    *("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),
    *("::/128", "::1/128", "fd00::/8", "fe80::/10", "2001:db8::/32"),
)
"""RFC 6303, 4, and RFC 7793: nobody on the outside knows these addresses."""


class Identity(Struct, frozen=True):
    """What this process says of itself when it is asked in class CHAOS.

    Attributes:
        version: answer to ``version.bind``.
        node: answer to ``id.server``.
    """

    version: str
    node: str


class Core(Struct):
    """From objects to octets.

    Attributes:
        store: written by the informer.
        view: read by the resolver; ``view.known`` is set by who watches the sync.
        responder: answers messages.
        tally: counts of what was answered.
    """

    store: Store
    view: View
    responder: Responder
    tally: Tally
    _programmed_at: dict[Key, float] = field(default_factory=dict)

    def commit(self, now: float) -> None:
        """Bring the zones up to date with the store.

        Args:
            now: seconds since the epoch.
        """
        self._commit(self.store.take_changes(), now)

    def commit_listed(self, now: float) -> None:
        """Take over what will hardly change before the first sync, while the rest is listed.

        Not after it: what stays dirty is not said to be so again.

        Args:
            now: seconds since the epoch.
        """
        self._commit(self.store.take_plain(), now)

    def _commit(self, changes: Changes, now: float) -> None:
        if not changes:
            return
        # before the first sync nothing was answered that could change
        committed = None if self.view.known is Known.NOTHING else Committed()
        for zone in self.view.zones:
            zone.commit(changes, now, committed)
        if self.responder.keeper is not None:  # it learns the serials in any case
            changed = changed_keys(committed, changes.namespaces) if committed else frozenset()
            self.responder.keeper.drop(changed, committed.addresses if committed else frozenset())
        if self.view.known is Known.ALL:
            for key in changes.services:
                self._count_programming(key, now)

    def reach(self, known: Known, now: float) -> None:
        """Let the resolver know how much is known, once the zones are up to date.

        What was said before ends at once: a worker would go on saying it until it is heard of.

        Args:
            known: how much of the cluster was synced at least once.
            now: seconds since the epoch.
        """
        self.commit(now)
        self.view.known = known
        self._programmed_at = self.store.endpoint_changes()
        if self.responder.keeper is not None:
            self.responder.keeper.look()

    def _count_programming(self, key: Key, now: float) -> None:
        """Count how long a change of endpoints took from its trigger to here, once.

        What happened before the first sync is remembered and not counted, so that a later change
        of the Service alone is not taken for one of its endpoints.
        """
        changed_at = self.store.endpoints_changed_at(key)
        if not changed_at:
            self._programmed_at.pop(key, None)
            return
        if changed_at <= self._programmed_at.get(key, 0.0):
            return
        self._programmed_at[key] = changed_at
        service = self.store.service(key)
        kind = _programmed_kind(service) if service else None
        if kind is not None:
            self.tally.programmed(kind, now - changed_at)


def _programmed_kind(service: Service) -> str | None:
    """Return CoreDNS's word for how a Service is published; endpoints of an alias have no names."""
    if service.kind is ServiceKind.EXTERNAL_NAME:
        return None
    if service.kind is ServiceKind.CLUSTER_IP:
        return "cluster_ip"
    return "headless_with_selector" if service.selector else "headless_without_selector"


def assemble(
    config: Config,
    chances: Chances,
    *,
    identity: Identity,
    store: Store | None = None,
    upstreams: Callable[[View], Upstreams] | None = None,
) -> Core:
    """Return the core that a configuration asks for.

    Args:
        config: the options.
        chances: time and chance.
        identity: what CHAOS questions are told.
        store: where the objects are or will be; without it an empty one.
        upstreams: makes who is asked for names that are not ours; without it they are refused.
    """
    if store is None:
        store = Store(lambda: None, endpoints_from_pods=bool(config.manifests))
    publishing = Publishing(
        headless_empty=config.headless_empty,
        terminating=config.terminating,
        ignore_empty_service=config.ignore_empty_service,
        address_as_external_name=config.externalname_ip == "address",
    )
    labels = parse_selector(config.namespace_labels) if config.namespace_labels else None
    visibility = Visibility(frozenset(config.namespaces), labels)
    zones = tuple(
        Zone(store, _naming(config, domain), publishing, visibility) for domain in config.domains
    )
    view = View(zones, store, _policy(config, identity, forwards=upstreams is not None))
    tally = Tally()
    shape = Shape(
        udp_octets=config.max_udp_size,
        recursion_available=upstreams is not None,
        max_answers=config.max_answers,
    )
    if config.answer_order == "stable":
        chances = Chances(chances.clock, lambda: 0, is_stable=True)
    asked = upstreams(view) if upstreams is not None else None
    logged = QueryLogger(config.log_queries.share, config.log_queries.slower_than_s)
    responder = Responder(
        view,
        shape,
        tally,
        chances,
        query_log=logged,
        upstreams=asked,
        repeat_octets=config.answer_table_size_octets,
    )
    return Core(store, view, responder, tally)


def _naming(config: Config, domain: str) -> Naming:
    return Naming(
        apex=from_text(domain),
        ttl=config.ttl,
        endpoint_names=config.endpoint_names,
        pod_names=config.endpoint_pod_names,
    )


def _policy(config: Config, identity: Identity, *, forwards: bool) -> Policy:
    namespace, _, name = config.dns_service.partition("/")
    private = _PRIVATE_NETWORKS if config.private_reverse == "nxdomain" else ()
    return Policy(
        negative_ttl=config.negative_ttl,
        pods=config.pods,
        pointers=config.ptr,
        pod_pointers=config.ptr_pods,
        local_networks=tuple(map(ipaddress.ip_network, config.local_cidrs)),
        private_networks=tuple(map(ipaddress.ip_network, private)),
        dns_service=Key(namespace, name),
        chaos=_chaos(identity) if config.chaos else (),
        forwards=forwards,
        search_completion=_SEARCH_COMPLETION if forwards and config.search_completion else None,
    )


def _chaos(identity: Identity) -> tuple[tuple[Name, str], ...]:
    return (
        (from_text("version.bind"), identity.version),
        (from_text("version.server"), identity.version),
        (from_text("id.server"), identity.node),
        (from_text("hostname.bind"), identity.node),
    )
