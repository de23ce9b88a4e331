"""What can change while the server runs: the keys of kube-dns's ConfigMap (behaviour 2.1.3).

Rules of this file:

- All or nothing: one thing wrong and nothing of the new data counts, so that no half of a change
  is ever in force (row F-29). The message names the key first.
- What kube-dns accepts is accepted, with two exceptions: port 0, which no server has, and a domain
  that is written twice, of which one would be lost.
- What kube-dns passes over is passed over with a notice.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from kubedns_py.config.nameserver import Nameserver, parse_nameserver
from kubedns_py.config.values import fold_host_name, quoted
from kubedns_py.dns.name import Name, from_text
from kubedns_py.errors import BadConfiguration, UsageError

STUB_DOMAINS = "stubDomains"
UPSTREAM_NAMESERVERS = "upstreamNameservers"
_FEDERATIONS = "federations"
_KNOWN = frozenset((STUB_DOMAINS, UPSTREAM_NAMESERVERS, _FEDERATIONS))

MAX_OCTETS = 1024 * 1024
"""Of all keys and values: what the API server lets a ConfigMap have."""

MAX_UPSTREAM_NAMESERVERS = 15
"""As CoreDNS's ``forward`` has it (row FWD-3); kube-dns refuses more than three."""

_SHOWN_KEYS = 5


@dataclass(frozen=True, slots=True)
class Dynamic:
    """The keys after reading. What is not given is empty.

    Attributes:
        stub_domains: by domain, the servers that its names are asked of, in the order given; one
            or more each. Hosts may be names.
        upstream_nameservers: of every other name outside the cluster, instead of the node's.
        notices: what was passed over, one line each; it does not make two values differ.
    """

    stub_domains: Mapping[Name, tuple[Nameserver, ...]] = field(default_factory=dict)
    upstream_nameservers: tuple[Nameserver, ...] = ()
    notices: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        stubs = len(self.stub_domains)
        upstreams = " ".join(map(str, self.upstream_nameservers)) or "none"
        return f"stub domains: {stubs}, upstream nameservers: {upstreams}"


def read_dynamic(data: Mapping[str, str], *, cluster_domains: Collection[Name]) -> Dynamic:
    """Return what the data of a ConfigMap says; an empty one is the default.

    Args:
        data: key to text, as in the ConfigMap.
        cluster_domains: the domains that are served here. A stub domain may lie inside of one, or
            above it.

    Raises:
        BadConfiguration: with key and reason of the first thing wrong.
    """
    if _octets(data) > MAX_OCTETS:
        raise BadConfiguration(f"{MAX_OCTETS // 1024} KiB fit in all, and this is more")
    notices = list(_passed_over(data))
    stubs = _stub_domains(_json(data, STUB_DOMAINS), cluster_domains, notices)
    upstreams = _upstream_nameservers(_json(data, UPSTREAM_NAMESERVERS), notices)
    return Dynamic(stubs, upstreams, tuple(notices))


def _octets(data: Mapping[str, str]) -> int:
    texts = itertools.chain(data.keys(), data.values())
    return sum(len(text.encode(errors="surrogatepass")) for text in texts)


def _passed_over(data: Mapping[str, str]) -> Iterable[str]:
    if data.get(_FEDERATIONS, "").strip():
        yield f"{_FEDERATIONS}: not served; it is passed over"
    unknown = sorted(data.keys() - _KNOWN)
    if unknown:
        named = ", ".join(map(quoted, unknown[:_SHOWN_KEYS]))
        more = f" and {len(unknown) - _SHOWN_KEYS} more" if len(unknown) > _SHOWN_KEYS else ""
        yield f"keys that are not known are passed over: {named}{more}"


def _json(data: Mapping[str, str], key: str) -> object:
    """Return the JSON of a key, or None if there is none. Raises BadConfiguration."""
    text = data.get(key, "")
    if not text.strip():
        return None
    try:
        return json.loads(text, object_pairs_hook=_object)
    except BadConfiguration as error:
        raise BadConfiguration(f"{key}: {error}") from None
    except (ValueError, RecursionError) as error:
        # a deep nesting's own words are those of the interpreter
        reason = str(error) if isinstance(error, json.JSONDecodeError) else "it cannot be read"
        raise BadConfiguration(f"{key}: not JSON: {reason}") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made: dict[str, object] = {}
    for key, value in pairs:
        if key in made:
            raise BadConfiguration(f"{quoted(key)} stands there twice")
        made[key] = value
    return made


def _stub_domains(
    found: object, cluster_domains: Collection[Name], notices: list[str]
) -> dict[Name, tuple[Nameserver, ...]]:
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BadConfiguration(
            f'{STUB_DOMAINS}: not a JSON object; give it like {{"corp.example": ["10.0.0.1"]}}'
        )
    stubs: dict[Name, tuple[Nameserver, ...]] = {}
    seen: set[Name] = set()
    for text, servers in found.items():
        domain = _domain(text)
        if domain in cluster_domains:
            raise BadConfiguration(f"{STUB_DOMAINS}: {quoted(text)} is the cluster's own domain")
        if domain in seen:
            raise BadConfiguration(f"{STUB_DOMAINS}: {quoted(text)} stands there twice")
        seen.add(domain)
        where = f"{STUB_DOMAINS}: {quoted(text)}"
        listed = _servers(servers, where, host_names=True, notices=notices)
        if listed:
            stubs[domain] = listed
        else:
            # so it was with kube-dns, which wrote one line for each server
            notices.append(f"{where}: no server; its names go where all others go")
    return stubs


def _domain(text: str) -> Name:
    if text in {"", "."}:
        raise BadConfiguration(
            f"{STUB_DOMAINS}: {quoted(text)} is no domain; for all names use {UPSTREAM_NAMESERVERS}"
        )
    try:
        return from_text(fold_host_name(text))
    except UsageError as error:
        raise BadConfiguration(f"{STUB_DOMAINS}: {quoted(text)}: {error}") from None


def _upstream_nameservers(found: object, notices: list[str]) -> tuple[Nameserver, ...]:
    listed = _servers(found, UPSTREAM_NAMESERVERS, host_names=False, notices=notices)
    if len(listed) > MAX_UPSTREAM_NAMESERVERS:
        raise BadConfiguration(
            f"{UPSTREAM_NAMESERVERS}: {len(listed)} are too many; {MAX_UPSTREAM_NAMESERVERS} fit"
        )
    return listed


def _servers(
    found: object, where: str, *, host_names: bool, notices: list[str]
) -> tuple[Nameserver, ...]:
    if found is None:
        return ()
    if not isinstance(found, list):
        raise BadConfiguration(f'{where}: not a JSON list; give it like ["10.0.0.1", "10.0.0.2"]')
    servers: dict[Nameserver, None] = {}
    for each in found:
        if not isinstance(each, str):
            raise BadConfiguration(f"{where}: a server is not a text in quotes")
        try:
            server = parse_nameserver(each, host_names=host_names)
        except UsageError as error:
            raise BadConfiguration(f"{where}: {error}") from None
        if "#" in each and not server.tls_name:
            notices.append(f"{where}: {quoted(each)} is read as {server}")
        servers[server] = None
    return tuple(servers)
