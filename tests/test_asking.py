"""What a start asks of the API server, and how little it needs for that."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from kubedns_py.asking import ask, resources_of
from kubedns_py.config.arguments import load
from kubedns_py.config.options import Config
from kubedns_py.errors import StartError
from tests.helpers.fake_apiserver import FakeApiServer
from tests.helpers.separately import printed
from tests.helpers.waiting import until


def config_of(*flags: str) -> Config:
    """Return the options that flags ask for."""
    return load(flags, {}, program="test").config


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        ((), ["endpointslices", "namespaces", "services"]),
        (("--endpoints-api=endpoints",), ["endpoints", "namespaces", "services"]),
        (("--pods=verified",), ["endpointslices", "namespaces", "pods", "services"]),
    ],
)
async def test_all_that_is_listed_is_asked_for(flags: tuple[str, ...], names: list[str]) -> None:
    """Issue 4, first sync: with nobody to read it yet."""
    async with FakeApiServer() as server, AsyncExitStack() as edges:
        config = config_of(f"--kube-master-url={server.url}", *flags)
        await ask(config, edges)
        await until(lambda: len(server.seen) == len(names))

        assert sorted(each.value for each in resources_of(config)) == names
        assert sorted(each.resource for each in server.seen) == names
        assert not any(each.is_watch for each in server.seen)


async def test_a_directory_is_not_asked() -> None:
    """Manifests have no API server; kinds of all resources may stand in them."""
    async with AsyncExitStack() as edges:
        config = config_of("--manifests=examples")

        assert await ask(config, edges) is None
        assert len(resources_of(config)) == 5


async def test_a_kubeconfig_that_is_not_there_ends_the_start() -> None:
    """Exit code 1 with one line."""
    async with AsyncExitStack() as edges:
        with pytest.raises(StartError, match="no-such"):
            await ask(config_of("--kubecfg-file=/no-such"), edges)


def test_nothing_is_imported_before_that_reading_and_answering_need() -> None:
    """Issue 4, first sync: msgspec and the store take as long as the request and its TLS."""
    needless = {
        *("msgspec", "yaml", "aiohttp", "kubernetes_asyncio", "prometheus_client"),
        *("kubedns_py.informing", "kubedns_py.program", "kubedns_py.cluster.store"),
        *("kubedns_py.cluster.objects", "kubedns_py.structs", "kubedns_py.dns"),
    }
    code = (
        "import sys, kubedns_py.cli.serve, kubedns_py.app;"
        f"print(sorted({needless!r} & set(sys.modules)))"
    )

    assert printed(code) == "[]"
