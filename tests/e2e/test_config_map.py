"""--config-map against a real API server, with the rights of the chart and no others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest

from kubedns_py.cluster.objects import Key
from kubedns_py.config.dynamic import Dynamic, read_dynamic
from kubedns_py.config.nameserver import Nameserver
from kubedns_py.sources.apiserver import connect
from kubedns_py.sources.config_map import ConfigMapWatch
from tests.e2e.apiclient import JsonObject
from tests.e2e.cluster import Cluster
from tests.e2e.controlplane import ControlPlane
from tests.e2e.credentials import write_kubeconfig
from tests.e2e.dnsserver import Account, DnsServers
from tests.helpers.waiting import until

pytestmark = pytest.mark.e2e

NAME = "dns-servers"
WATCHED = {"config": {"name": NAME, "read": "watched"}}
WITHIN_S = 15.0
_TURNS = 3
"""Of the loop, in which TLS connections that were closed let go of their sockets."""


def a_map(upstream: str) -> JsonObject:
    """Return a ConfigMap with one upstream."""
    metadata = {"name": NAME, "namespace": "kube-system"}
    data = {"upstreamNameservers": f'["{upstream}"]'}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


@asynccontextmanager
async def following(
    plane: ControlPlane, account: Account, name: str
) -> AsyncIterator[ConfigMapWatch]:
    """Follow a ConfigMap of kube-system as a service account until the block ends."""
    config = write_kubeconfig(
        account.token_file.with_suffix(".kubeconfig"),
        server=plane.server,
        ca=plane.certificates.ca,
        user={"tokenFile": str(account.token_file)},
    )
    read = partial(read_dynamic, cluster_domains=())
    async with await connect(kube_master_url="", kubecfg_file=str(config)) as source:
        watch = ConfigMapWatch(source, Key("kube-system", name), read, on_change=lambda _: None)
        task = asyncio.create_task(watch.run())
        try:
            yield watch
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    for _ in range(_TURNS):
        await asyncio.sleep(0)


async def test_the_map_is_followed_from_its_creation_to_its_deletion(
    control_plane: ControlPlane, cluster: Cluster, own_dns_servers: DnsServers
) -> None:
    """N13, without the answers: created, modified, removed; the chart's Role is enough for it."""
    account = own_dns_servers.account(WATCHED)
    async with following(control_plane, account, NAME) as watch:

        async def in_force(*upstreams: str) -> None:
            wanted = Dynamic({}, tuple(map(Nameserver, upstreams)))
            await until(lambda: watch.kept.value == wanted, deadline_s=WITHIN_S)

        await until(lambda: watch.kept.status.generation == 1, deadline_s=WITHIN_S)
        await asyncio.to_thread(cluster.api.create, a_map("10.0.0.1"))
        await in_force("10.0.0.1")
        await asyncio.to_thread(cluster.api.apply, a_map("10.0.0.2"))
        await in_force("10.0.0.2")
        await asyncio.to_thread(cluster.api.delete, "ConfigMap", NAME, "kube-system")
        await in_force()
        assert watch.kept.status.valid


async def test_another_map_may_not_be_read_and_the_right_is_named(
    control_plane: ControlPlane, own_dns_servers: DnsServers
) -> None:
    """F-12: the Role is for one ConfigMap."""
    account = own_dns_servers.account(WATCHED)
    async with following(control_plane, account, "another") as watch:
        await until(lambda: not watch.kept.status.valid, deadline_s=WITHIN_S)

    assert watch.kept.status.message.startswith(
        "list configmaps in kube-system is forbidden (403): let the service account get, list and "
        "watch the ConfigMap another (Role with resourceNames); the API server says: "
    )
