"""Services as most are: many are read together, their names and cluster IPs at once.

Rules of this file:

- Plain is a Service without a cluster IP, or with one of IPv4, of which nothing has to be left out.
- What is not plain, or not certainly so, is declined, and ``decode_services.py`` reads it. Both say
  the same of a Service.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubedns_py.cluster.addresses import are_labels, ipv4_addresses
from kubedns_py.cluster.apitypes import ApiService, Meta, ServiceSpec
from kubedns_py.cluster.decode_services import families, plain_ports
from kubedns_py.cluster.objects import Address, Service, ServiceKind, key_from
from kubedns_py.cluster.reading import Decoded, namespace_label, pairs

_ClusterIps = tuple[()] | tuple[Address]
"""Of a plain Service; it has none if it is headless."""

_CLUSTER_IP = ServiceKind.CLUSTER_IP  # a member costs more to look up than to compare
_HEADLESS = ServiceKind.HEADLESS
_KINDS = frozenset({"Service", "", None})
_NO_META = Meta()
_NO_SPEC = ServiceSpec()


def read_plain(services: Sequence[ApiService]) -> list[Decoded | None]:
    """Return what each Service says that is plain, and None for each of the others.

    Names, kinds and cluster IPs are looked at together: where one is odd, no Service is plain.
    """
    metas = [each.metadata or _NO_META for each in services]
    specs = [each.spec or _NO_SPEC for each in services]
    names = [each.name or "" for each in metas]
    addresses = _addresses(specs)
    are_plain = _KINDS.issuperset([each.kind for each in services]) and are_labels(names)
    if addresses is None or not are_plain:
        return [None] * len(services)
    return [
        None if at is None else _decoded(name, meta, spec, at)
        for name, meta, spec, at in zip(names, metas, specs, addresses, strict=True)
    ]


def _addresses(specs: Sequence[ServiceSpec]) -> list[_ClusterIps | None] | None:
    """Return the cluster IPs of Services, None for one that is not plain.

    None of them is where one that looks like IPv4 cannot be read, or is link-local.
    """
    texts = ["" if each.type == "ExternalName" else each.cluster_ip or "" for each in specs]
    found = ipv4_addresses([each for each in texts if "." in each])
    if found is None:
        return None
    listed = iter(found)
    return [(next(listed),) if "." in each else () if each == "None" else None for each in texts]


def _decoded(name: str, meta: Meta, spec: ServiceSpec, at: _ClusterIps) -> Decoded | None:
    """Return what a Service says, or None. ``decode_services.py`` says what fields mean."""
    namespace = namespace_label(meta.namespace)
    ports = plain_ports(spec.ports) if spec.ports else ()
    listed = spec.cluster_ips
    is_one = not at or not listed or (len(listed) == 1 and listed[0] == spec.cluster_ip)
    if ports is None or not namespace or not is_one:
        return None
    notes = meta.annotations
    tolerates = notes is not None and notes.tolerate_unready == "true"
    key = key_from((namespace, name))
    item = Service(
        key,
        _CLUSTER_IP if at else _HEADLESS,
        at,
        ports,
        "",
        tolerates or bool(spec.publish_not_ready_addresses),
        pairs(spec.selector) if spec.selector else (),
        () if at else families(spec),
    )
    return Decoded(key, meta.resource_version or "", item)
