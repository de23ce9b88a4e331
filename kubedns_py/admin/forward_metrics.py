"""The metrics of forwarding, of its cache and of the ConfigMap: a part of ``metrics.py``'s table.

Rules of this file:

- Names, labels and buckets are those of CoreDNS's plugins ``cache`` and ``forward`` where they have
  the metric. Not its older names (``forward_requests_total``): CoreDNS has them no more.
- The address of an upstream is a label's value: the operator says who is asked, so it is from a
  closed set, and who is asked no more is gone from the page. A client's address never is.
- Without forwarding none of this is on the page; without a ConfigMap nothing about one is.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from kubedns_py.admin.declaration import VIEW, Metric, Row, Rows
from kubedns_py.admin.forward_inputs import ByWord, CacheCounts, Forwarding, Health
from kubedns_py.admin.forward_inputs import ConfigurationStatus as Status
from kubedns_py.admin.scrape import Forwarded, Scrape

ZONES: Final = "."
"""CoreDNS's label for the zones that a cache is for: all."""

PROXY: Final = "forward"
"""CoreDNS's label for what asks upstreams: its plugin."""

_STREAMS: Final = "tcp"  # with TLS: connections and mismatches are counted together


def _of(pick: Callable[[Scrape, Forwarded], Iterable[Row]]) -> Rows:
    return lambda now: None if now.forwarded is None else pick(now, now.forwarded)


def _of_cache(pick: Callable[[CacheCounts], int]) -> Rows:
    return _of(lambda now, forwarded: [((now.server, ZONES, VIEW), pick(forwarded.cache))])


def _of_cache_by_type(pick: Callable[[CacheCounts], Mapping[str, int]]) -> Rows:
    return _of(
        lambda now, forwarded: [
            ((now.server, kind, ZONES, VIEW), value)
            for kind, value in pick(forwarded.cache).items()
        ]
    )


def _one(pick: Callable[[Forwarding], int]) -> Rows:
    return _of(lambda _, forwarded: [((), pick(forwarded.parts))])


def _by(pick: Callable[[Forwarding], Mapping[str, int]]) -> Rows:
    return _of(
        lambda _, forwarded: [((word,), value) for word, value in pick(forwarded.parts).items()]
    )


def _of_streams(pick: Callable[[Mapping[str, int]], int]) -> Rows:
    return _of(
        lambda _, forwarded: [((PROXY, _STREAMS), pick(dict(forwarded.parts.streams.counts)))]
    )


def _of_upstream(pick: Callable[[Health, float], float | None]) -> Rows:
    def rows(now: Scrape, forwarded: Forwarded) -> Iterator[Row]:
        for health in forwarded.servers:
            value = pick(health, now.now)
            if value is not None:
                yield (health.label,), value

    return _of(rows)


def _of_configuration(pick: Callable[[Status], float]) -> Rows:
    def rows(now: Scrape) -> Iterable[Row] | None:
        status = now.forwarded.configuration if now.forwarded else None
        return None if status is None else [((), pick(status))]

    return rows


def _durations(_: Scrape, forwarded: Forwarded) -> Iterator[Row]:
    for health in forwarded.servers:
        for rcode, histogram in health.counts.durations().items():
            yield (PROXY, health.label, rcode), histogram


def _failed_probes(_: Scrape, forwarded: Forwarded) -> Iterator[Row]:
    for health in forwarded.servers:
        yield (PROXY, health.label), health.counts.healthcheck_failures


def _mismatches(_: Scrape, forwarded: Forwarded) -> Iterator[Row]:
    parts = forwarded.parts
    ways = (("udp", parts.datagrams.mismatches), (_STREAMS, parts.streams.mismatches))
    for transport, reasons in ways:
        for reason, value in _words(reasons).items():
            yield (transport, reason), value


def _words(counts: ByWord) -> dict[str, int]:
    return {str(word): value for word, value in counts.copy().items()}


def _rejects(parts: Forwarding) -> dict[str, int]:
    return _words(parts.forwarder.counts.rejects)


def _retries(parts: Forwarding) -> dict[str, int]:
    counts = parts.forwarder.counts.retries
    return {**_words(counts), "closed": parts.streams.counts["retried"]}


_CACHE = ("server", "zones", "view")
_CACHE_TYPE = ("server", "type", "zones", "view")
_UPSTREAM = ("to",)

FORWARD_METRICS = (
    Metric(
        *("cache_entries", "gauge", _CACHE_TYPE),
        "Answers in the cache; denial is those that say that there is nothing, or that failed.",
        _of_cache_by_type(lambda cache: cache.entries),
    ),
    Metric(
        *("cache_octets", "gauge", ("type",)),
        "Estimate of the memory that they take.",
        _of(lambda _, forwarded: [((kind,), n) for kind, n in forwarded.cache.octets.items()]),
    ),
    Metric(
        *("cache_requests_total", "counter", _CACHE),
        "Questions that the cache was asked.",
        _of_cache(lambda cache: sum(cache.hits.values()) + cache.misses),
    ),
    Metric(
        *("cache_hits_total", "counter", _CACHE_TYPE),
        "Questions that it answered.",
        _of_cache_by_type(lambda cache: cache.hits),
    ),
    Metric(
        *("cache_misses_total", "counter", _CACHE),
        "Questions that it could not answer.",
        _of_cache(lambda cache: cache.misses),
    ),
    Metric(
        *("cache_prefetch_total", "counter", _CACHE),
        "Questions asked in advance of an answer's end.",
        _of(lambda now, to: [((now.server, ZONES, VIEW), to.parts.upstreams.prefetches)]),
    ),
    Metric(
        *("cache_served_stale_total", "counter", _CACHE),
        "Answers given after their end, because no upstream had a new one.",
        _of_cache(lambda cache: cache.served_stale),
    ),
    Metric(
        *("cache_evictions_total", "counter", _CACHE_TYPE),
        "Answers that had to go for others.",
        _of_cache_by_type(lambda cache: cache.evictions),
    ),
    Metric(
        *("proxy_request_duration_seconds", "histogram", ("proxy_name", "to", "rcode")),
        "Time from a question to an upstream's reply; what had no reply is not in it.",
        _of(_durations),
    ),
    Metric(
        *("proxy_healthcheck_failures_total", "counter", ("proxy_name", "to")),
        "Probes of an upstream that had no reply.",
        _of(_failed_probes),
    ),
    Metric(
        *("proxy_conn_cache_hits_total", "counter", ("proxy_name", "proto")),
        "Questions over TCP or TLS, to any upstream, that found an open connection.",
        _of_streams(lambda counts: counts["reused"]),
    ),
    Metric(
        *("proxy_conn_cache_misses_total", "counter", ("proxy_name", "proto")),
        "Connections over TCP or TLS that had to be opened.",
        _of_streams(lambda counts: counts["opened"]),
    ),
    Metric(
        *("forward_healthcheck_broken_total", "counter", ()),
        "Questions refused because all upstreams of their route are down.",
        _one(lambda parts: _rejects(parts)["down"]),
    ),
    Metric(
        *("forward_max_concurrent_rejects_total", "counter", ()),
        "Questions refused because too many are being asked, of all clients or of one.",
        _one(lambda parts: sum(_rejects(parts)[limit] for limit in ("total", "client"))),
    ),
    Metric(
        *("upstream_up", "gauge", _UPSTREAM),
        "1 while an upstream is asked; 0 when it is down, or sends questions back to us.",
        _of_upstream(lambda health, now: float(health.is_usable(now))),
    ),
    Metric(
        *("upstream_rtt_seconds", "gauge", _UPSTREAM),
        "Smoothed time to an upstream's reply; missing before the first one.",
        _of_upstream(lambda health, _: health.rtt_s or None),
    ),
    Metric(
        *("forward_rejects_total", "counter", ("reason",)),
        "Questions refused at once.",
        _by(_rejects),
    ),
    Metric(
        *("forward_retries_total", "counter", ("reason",)),
        "Questions sent once more, to the same upstream or another.",
        _by(_retries),
    ),
    Metric(
        *("forward_coalesced_total", "counter", ()),
        "Questions answered with the reply to an equal one that was being asked already.",
        _one(lambda parts: parts.forwarder.counts.coalesced),
    ),
    Metric(
        *("forward_mismatches_total", "counter", ("transport", "reason")),
        "Messages passed over because they were no reply to the question.",
        _of(_mismatches),
    ),
    Metric(
        *("forward_rebinding_total", "counter", ()),
        "Replies of the default upstreams from which an address of the inside was taken.",
        _one(lambda parts: parts.upstreams.rebindings),
    ),
    Metric(
        *("loop_detected_total", "counter", ()),
        "Questions of ours that came back to us.",
        _one(lambda parts: parts.forwarder.counts.loop_detected),
    ),
    Metric(
        *("forward_in_flight", "gauge", ()),
        "Questions that are being asked.",
        _one(lambda parts: parts.forwarder.in_flight),
    ),
    Metric(
        *("forward_waiting", "gauge", ()),
        "Questions of clients that wait for those.",
        _one(lambda parts: parts.forwarder.waiting),
    ),
    Metric(
        *("config_valid", "gauge", ()),
        "1 while the newest ConfigMap is in force; 0 when it could not be used.",
        _of_configuration(lambda status: float(status.valid)),
    ),
    Metric(
        *("config_generation", "gauge", ()),
        "ConfigMaps that were accepted until now.",
        _of_configuration(lambda status: status.generation),
    ),
    Metric(
        *("config_refusals_total", "counter", ()),
        "ConfigMaps that could not be used.",
        _of_configuration(lambda status: status.refusals),
    ),
)
