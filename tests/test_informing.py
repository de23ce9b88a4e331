"""The store and its source, with nothing that answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from kubedns_py.asking import ask
from kubedns_py.cluster.objects import Key
from kubedns_py.cluster.resources import Resource
from kubedns_py.config.arguments import load
from kubedns_py.errors import StartError
from kubedns_py.informing import Informing
from tests.helpers.builders import a_service_json, a_slice_json, an_endpoint_json
from tests.helpers.fake_apiserver import FakeApiServer
from tests.helpers.waiting import until

WEB = """\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.10, ports: [{name: http, port: 80}]}
"""


@asynccontextmanager
async def opened(*flags: str) -> AsyncIterator[Informing]:
    """Open what the options ask for."""
    config = load(flags, {}, program="test").config
    async with AsyncExitStack() as edges:
        informing = Informing(config, await ask(config, edges), started=0.0)
        await informing.open(edges)
        yield informing


def is_synced(informing: Informing) -> bool:
    """Tell whether every resource was listed."""
    return all(each.synced for each in informing.statuses.values())


async def test_the_api_server_is_asked_with_nobody_to_answer() -> None:
    """Issue 4, first sync: it makes its lists while the rest of the program is imported."""
    async with FakeApiServer() as server:
        server.put("services", a_service_json("web.shop"))
        async with opened(f"--kube-master-url={server.url}") as informing:
            await until(lambda: is_synced(informing))

            assert {each.resource for each in server.seen} == {
                "services",
                "namespaces",
                "endpointslices",
            }
            assert informing.server is not None
            assert len(informing.store.keys(Resource.SERVICES)) == 1
            assert informing.problems == {}


@pytest.mark.parametrize(
    ("flags", "name"), [((), ""), (("--endpoint-pod-names",), "web-a"), (("--labels=x",), "")]
)
async def test_names_of_pods_are_read_where_endpoints_are_called_by_them(
    flags: tuple[str, ...], name: str
) -> None:
    """``--endpoint-pod-names``: without it nobody asks for them, and they are not kept."""
    one = a_slice_json("web-1.shop", endpoints=[an_endpoint_json("10.1.0.1", pod="web-a")])
    async with FakeApiServer() as server:
        server.put("endpointslices", one)
        async with opened(f"--kube-master-url={server.url}", *flags) as informing:
            await until(lambda: is_synced(informing))

            (part,) = informing.store.parts(Key("shop", "web"), "ready")
            assert [each.pod_name for each in part.endpoints] == [name]


async def test_pods_are_asked_for_where_they_are_verified() -> None:
    """``--pods verified`` needs them; nothing else does."""
    async with (
        FakeApiServer() as server,
        opened(f"--kube-master-url={server.url}", "--pods=verified") as informing,
    ):
        assert Resource.PODS in informing.statuses


async def test_a_directory_is_read_with_what_is_wrong_in_it(tmp_path: Path) -> None:
    """Manifests: the good ones are served, the others are told of."""
    (tmp_path / "web.yaml").write_text(WEB)
    (tmp_path / "broken.yaml").write_text("{")

    async with opened(f"--manifests={tmp_path}") as informing:
        await until(lambda: is_synced(informing))

        assert set(informing.store.keys(Resource.SERVICES)) == {Key("shop", "web")}
        assert informing.server is None
        assert [name for name in informing.problems if "broken" in name]


async def test_who_listens_later_is_told_of_what_comes_later() -> None:
    """What came before is in the store, for whoever begins to listen to look at."""
    async with FakeApiServer() as server:
        server.put("services", a_service_json("web.shop"))
        async with opened(f"--kube-master-url={server.url}") as informing:
            await until(lambda: is_synced(informing))
            told: list[str] = []
            informing.on_dirty = lambda: told.append("dirty")
            informing.store.take_changes()
            server.put("services", a_service_json("other.shop"))

            await until(lambda: bool(told))


async def test_each_first_list_is_told_of() -> None:
    """Once for each resource."""
    async with FakeApiServer() as server:
        config = load([f"--kube-master-url={server.url}"], {}, program="test").config
        told: list[str] = []
        async with AsyncExitStack() as edges:
            informing = Informing(config, await ask(config, edges), started=0.0)
            informing.on_sync = lambda: told.append("synced")
            await informing.open(edges)
            await until(lambda: is_synced(informing))

            assert told == ["synced"] * len(informing.statuses)


async def test_the_end_of_the_edges_is_its_end() -> None:
    """No task is left, whether or not anybody waited for it."""
    async with FakeApiServer() as server:
        async with opened(f"--kube-master-url={server.url}") as informing:
            waiting = asyncio.create_task(informing.run())
            await until(lambda: is_synced(informing))

        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_who_waits_for_it_and_is_cancelled_ends_it() -> None:
    """The program's task group ends it with the others."""
    async with FakeApiServer() as server, opened(f"--kube-master-url={server.url}") as informing:
        waiting = asyncio.create_task(informing.run())
        await until(lambda: is_synced(informing))
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

        with pytest.raises(asyncio.CancelledError):
            await informing.run()


async def test_a_directory_that_is_not_there_ends_the_start(tmp_path: Path) -> None:
    """Exit code 1 with one line."""
    with pytest.raises(StartError, match="no-such"):
        async with opened(f"--manifests={tmp_path / 'no-such'}"):
            pass
