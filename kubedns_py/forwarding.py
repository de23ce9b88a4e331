"""The parts that answer for names that are not ours, put together: routes, forwarder, cache.

Rules of this file:

- Routes are derived whole, from whatever says something about them, and replaced whole. The cache
  stays.
- What would send questions back to us is left out of them, with a line in the log (C-22).
- The first value that names upstreams wins: the ConfigMap's ``upstreamNameservers``, then
  ``--nameservers``, then the node's ``resolv.conf``.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from kubedns_py.cluster.objects import Address, Key
from kubedns_py.config.dynamic import Dynamic, read_dynamic
from kubedns_py.config.nameserver import Nameserver
from kubedns_py.config.options import Config
from kubedns_py.dns.name import Name, from_text, to_text
from kubedns_py.dns.rrset import AAAA, IN, A
from kubedns_py.resolver.answers import HOSTMASTER
from kubedns_py.resolver.complete import is_elsewhere
from kubedns_py.resolver.resolve import resolve
from kubedns_py.resolver.view import View
from kubedns_py.sources.apiserver import ApiServer
from kubedns_py.sources.config_directory import config_directory
from kubedns_py.sources.config_map import ConfigMapWatch
from kubedns_py.sources.configuration import ConfigurationStatus
from kubedns_py.sources.node_resolver import NodeResolver
from kubedns_py.sources.ourselves import Ourselves, without_ourselves
from kubedns_py.sources.polling import Polled
from kubedns_py.sources.resolv_conf import ResolvConf, resolv_conf
from kubedns_py.upstream.admission import Bounds
from kubedns_py.upstream.cache import Cache
from kubedns_py.upstream.datagrams import Datagrams
from kubedns_py.upstream.filters import AaaaFilter, Authority
from kubedns_py.upstream.forwarder import Forwarder
from kubedns_py.upstream.freshness import Limits
from kubedns_py.upstream.host_names import HostNames
from kubedns_py.upstream.random_case import RandomCase
from kubedns_py.upstream.rebinding import RebindingFilter
from kubedns_py.upstream.routes import DEFAULT_ROUTE, Group, Routes
from kubedns_py.upstream.streams import Streams
from kubedns_py.upstream.upstreams import MOST_AHEAD, Upstreams
from kubedns_py.zone.naming import NS_DNS

_log = logging.getLogger(__name__)


class _Clock:
    """The event loop's timers, and its time: ``time.monotonic`` without a call around it."""

    time = staticmethod(time.monotonic)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.call_at = loop.call_at
        self.call_later = loop.call_later


class Forwarding:
    """Everything behind ``Upstreams``; made on the event loop that it will run on.

    Attributes:
        upstreams: who is asked.
        forwarder, datagrams, streams: what it is made of, for metrics.
    """

    def __init__(self, config: Config, view: View) -> None:
        clock = _Clock(asyncio.get_running_loop())
        elsewhere = partial(_is_elsewhere, view)
        self._config = config
        self._view = view
        self.datagrams = Datagrams()
        self.streams = Streams()
        self.forwarder = Forwarder(
            RandomCase(self.datagrams, clock.time) if config.randomize_case else self.datagrams,
            self.streams,
            clock=clock,
            is_elsewhere=elsewhere,
            bounds=Bounds(slots=config.max_concurrent),
        )
        self.upstreams = Upstreams(
            Cache(config.cache_size_octets, _limits(config)),
            self.forwarder,
            Routes(None, {}),
            is_elsewhere=elsewhere,
            loop=clock,
            most_ahead=MOST_AHEAD if config.prefetch else 0,
        )
        self.upstreams.replace_filter(_aaaa_filter(config, view))
        if config.rebind_protection:
            inside = map(ipaddress.ip_network, config.local_cidrs)
            self.upstreams.protect(RebindingFilter(inside, _authority(config, view)))
        self._node = NodeResolver()
        self._host_names = HostNames(self._look_up, on_change=self._replace_routes)
        self._resolv_conf = resolv_conf(
            config.resolv_conf,
            period_s=config.config_period_s,
            on_change=self._on_resolv_conf,
        )
        self._directory: Polled[Mapping[str, str], Dynamic] | None = None
        self._config_map: ConfigMapWatch | None = None
        self._dynamic = Dynamic()
        self._routes_text = "none yet"
        self._said: set[str] = set()

    @property
    def configuration(self) -> ConfigurationStatus | None:
        """How the ConfigMap fares, if one is used."""
        followed = self._directory or self._config_map
        return followed.kept.status if followed else None

    async def start(self, server: ApiServer | None) -> None:
        """Read what is there already.

        Args:
            server: what ``--config-map`` is read from.
        """
        config = self._config
        read = partial(read_dynamic, cluster_domains=[zone.apex for zone in self._view.zones])
        if config.config_dir:
            self._directory = config_directory(
                config.config_dir,
                read,
                period_s=config.config_period_s,
                on_change=self._on_dynamic,
            )
            await self._directory.start()
        elif config.config_map and server is not None:
            key = Key(config.config_map_namespace, config.config_map)
            self._config_map = ConfigMapWatch(server, key, read, on_change=self._on_dynamic)
        await self._resolv_conf.start()
        self._replace_routes()

    async def run(self) -> None:
        """Follow what may change, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._host_names.run())
            tasks.create_task(self._resolv_conf.run())
            for followed in (self._directory, self._config_map):
                if followed is not None:
                    tasks.create_task(followed.run())

    def on_sync(self) -> None:
        """Look again whether an upstream is our own Service: its address is known now."""
        self._replace_routes()

    async def aclose(self) -> None:
        """Ask nobody any more. Twice is harmless."""
        self.forwarder.close()
        self.datagrams.close()
        await self.streams.aclose()

    def describe(self) -> list[str]:
        """Return lines for the readiness page: what is in force, and what is not."""
        lines = [f"upstreams: {self._routes_text}"]
        status = self.configuration
        if status is not None:
            state = "in force" if status.valid else f"NOT in force: {status.message}"
            lines.append(f"{status.source}: {state} (generation {status.generation})")
        return lines

    def _on_dynamic(self, dynamic: Dynamic) -> None:
        self._dynamic = dynamic
        servers = [server for group in dynamic.stub_domains.values() for server in group]
        self._host_names.use(server.host for server in servers if not _is_address(server.host))
        self._replace_routes()

    def _on_resolv_conf(self, found: ResolvConf) -> None:
        self._view.search_ends_here = not found.search
        if found.search and self._config.search_completion:
            _log.warning(
                "--search-completion rests: the node has search domains of its own (%s)",
                " ".join(map(to_text, found.search)),
            )
        self._replace_routes()

    def _replace_routes(self) -> None:
        node = self._resolv_conf.kept.value.nameservers
        default = self._dynamic.upstream_nameservers or self._config.nameservers or node
        routes = Routes(
            Group(DEFAULT_ROUTE, self._others(default)),
            {
                domain: Group(to_text(domain), self._others(self._by_address(servers)))
                for domain, servers in self._dynamic.stub_domains.items()
            },
        )
        self._view.stub_domains = frozenset(self._dynamic.stub_domains)
        text = "; ".join(
            f"{group.route} {' '.join(map(str, group.servers)) or 'none'}"
            for group in routes.groups.values()
        )
        if text != self._routes_text:
            self._routes_text = text
            self.forwarder.replace_routes(routes)
            self.upstreams.replace_routes(routes)
            _log.info("names outside the cluster are asked of: %s", text)

    def _by_address(self, servers: Iterable[Nameserver]) -> list[Nameserver]:
        return [
            server._replace(host=host)
            for server in servers
            for host in (
                (server.host,)
                if _is_address(server.host)
                else self._host_names.addresses(server.host)
            )
        ]

    def _others(self, servers: Sequence[Nameserver]) -> tuple[Nameserver, ...]:
        """Return the servers that are not this one; say once what is left out."""
        config = self._config
        ours = Ourselves(config.dns_bind_addresses, config.dns_port, self._service_addresses())
        others, lines = without_ourselves(servers, ours)
        for line in lines:
            if line not in self._said:
                self._said.add(line)
                _log.error("%s", line)
        return others

    def _service_addresses(self) -> tuple[str, ...]:
        service = self._view.store.service(self._view.policy.dns_service)
        addresses = service.cluster_ips if service else ()
        return tuple(socket.inet_ntop(_family(each), each) for each in addresses)

    async def _look_up(self, host: str) -> tuple[str, ...]:
        """Return a host's addresses: of a Service, or as the node resolves it."""
        name = from_text(host)
        if self._view.zone_of(name) is not None:
            found = tuple(
                socket.inet_ntop(_family(rdata), rdata)
                for qtype in (A, AAAA)
                for rrset in resolve(name, qtype, IN, self._view, asked=Address(b"")).reply.answer
                if rrset.rtype == qtype
                for rdata in rrset.rdatas
            )
            if not found:
                raise OSError("there is no such Service, or it has no address")
            return found
        return await self._node.addresses(host)


def _is_elsewhere(view: View, name: Name, asked: Name) -> bool:
    return is_elsewhere(name, asked, view)


def _family(address: bytes) -> socket.AddressFamily:
    return socket.AF_INET if len(address) == 4 else socket.AF_INET6


def _limits(config: Config) -> Limits:
    return Limits(
        max_ttl=config.cache_max_ttl,
        max_negative_ttl=config.cache_max_negative_ttl,
        keep_stale_s=int(config.serve_stale_s),
    )


def _aaaa_filter(config: Config, view: View) -> AaaaFilter | None:
    """Return the filter that ``--filter-aaaa`` asks for: domains, and addresses of upstreams."""
    if not config.filter_aaaa:
        return None
    servers = [text for text in config.filter_aaaa if _is_address(text)]
    domains = [from_text(text) for text in config.filter_aaaa if not _is_address(text)]
    return AaaaFilter(domains, servers, _authority(config, view))


def _authority(config: Config, view: View) -> Authority:
    """Return what stands in the SOA of denials that are our own."""
    apex = view.zones[0].apex
    return Authority((*NS_DNS, *apex), (HOSTMASTER, *apex), config.negative_ttl)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
