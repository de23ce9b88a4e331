"""A directory of manifests behind the API's protocol, from files to names."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kubedns_py.cluster.decode import decode
from kubedns_py.cluster.objects import Key
from kubedns_py.cluster.reading import Wanted
from kubedns_py.cluster.reflector import ListRequest, WatchRequest
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.selector import parse_selector
from kubedns_py.cluster.store import Store
from kubedns_py.errors import ApiError, BadObject, StartError
from kubedns_py.sources import manifests
from kubedns_py.sources.manifests import ManifestDirectory
from kubedns_py.sources.watch import Informer, ListerWatcher
from tests.helpers.lists import listed as document_of
from tests.helpers.objects import a_namespace, a_service, a_subset
from tests.helpers.parts import endpoints_of
from tests.helpers.syncs import all_synced
from tests.helpers.waiting import until

EXAMPLES = Path(__file__).parents[2] / "examples"
SERVICES = Resource.SERVICES


def a_web(address: str = "10.3.0.1", *, name: str = "web", labels: str = "{}") -> str:
    """A manifest with one Service."""
    return (
        f"{{kind: Service, metadata: {{name: {name}, namespace: shop, labels: {labels}}}, "
        f"spec: {{clusterIP: {address}}}}}\n"
    )


def put(path: Path, text: str) -> None:
    """Put a file in place at once, by a rename."""
    draft = path.with_name(".draft")
    draft.write_text(text)
    draft.replace(path)


async def listed(directory: ManifestDirectory, resource: Resource = SERVICES) -> dict[str, str]:
    """Names and resource versions of a complete list; what cannot be decoded has none."""
    page = json.loads(await document_of(directory, ListRequest(resource, 0, "")))
    found = {}
    for item in page["items"]:
        try:
            read = decode(resource, json.dumps(item).encode())
        except BadObject as error:
            found[f"bad: {error.reason}"] = ""
        else:
            found[str(read.key)] = read.version
    return found


@contextlib.asynccontextmanager
async def watching(
    directory: ManifestDirectory,
    *,
    since: str,
    timeout_s: int = 60,
) -> AsyncIterator[AsyncIterator[str]]:
    """Watch Services; events come as ``TYPE name@version``."""

    async def shown(events: AsyncIterator[bytes]) -> AsyncIterator[str]:
        async for event in events:
            read = json.loads(event)
            meta = read["object"]["metadata"]
            yield f"{read['type']} {meta.get('name', '')}@{meta['resourceVersion']}"

    request = WatchRequest(SERVICES, since, timeout_s)
    async with asyncio.timeout(5), directory.watch(request) as events:
        yield shown(events)


async def test_the_directory_is_a_source_for_the_informer(tmp_path: Path) -> None:
    """The same protocol as the API server's (sources/watch.py)."""
    source: ListerWatcher = ManifestDirectory(tmp_path)

    assert source is not None


async def test_objects_of_all_files_are_listed(tmp_path: Path) -> None:
    """One list over all files; each object has a version."""
    (tmp_path / "a.yaml").write_text(a_web(name="web"))
    (tmp_path / "b.yaml").write_text(a_web(name="api"))
    directory = ManifestDirectory(tmp_path)
    await directory.look()

    assert await listed(directory) == {"shop/api": "2", "shop/web": "3"}


async def test_an_accident_ends_one_look_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """F-41, reliability 4.5: a host without another thread must not end the process."""
    monkeypatch.setattr(manifests, "_LOOK_INTERVAL_S", 0.01)
    accidents = [RuntimeError("can't start new thread")]
    look = ManifestDirectory.look

    async def stumbling(self: ManifestDirectory) -> None:
        if accidents:
            raise accidents.pop()
        await look(self)

    monkeypatch.setattr(ManifestDirectory, "look", stumbling)
    (tmp_path / "a.yaml").write_text(a_web())
    directory = ManifestDirectory(tmp_path)
    running = asyncio.create_task(directory.run())

    assert await listed(directory) == {"shop/web": "2"}
    assert "can't start new thread" in caplog.text
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_a_watch_tells_what_changed_in_the_files(tmp_path: Path) -> None:
    """Added, modified, deleted, as the API server's watch."""
    (tmp_path / "a.yaml").write_text(a_web(name="a"))
    (tmp_path / "b.yaml").write_text(a_web(name="b"))
    directory = ManifestDirectory(tmp_path)
    await directory.look()

    async with watching(directory, since="3") as events:
        put(tmp_path / "c.yaml", a_web(name="c"))
        await directory.look()
        assert await anext(events) == "ADDED c@4"
        put(tmp_path / "a.yaml", a_web("10.3.0.9", name="a"))
        await directory.look()
        assert await anext(events) == "MODIFIED a@5"
        (tmp_path / "b.yaml").unlink()
        await directory.look()
        await directory.look()
        assert await anext(events) == "DELETED b@6"


async def test_a_waiting_watch_is_woken_by_a_change(tmp_path: Path) -> None:
    """It does not poll by itself."""
    (tmp_path / "a.yaml").write_text(a_web())
    directory = ManifestDirectory(tmp_path)
    await directory.look()

    async with watching(directory, since="2") as events:
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        put(tmp_path / "a.yaml", a_web("10.3.0.2"))
        await directory.look()
        assert await waiting == "MODIFIED web@3"


async def test_a_watch_ends_when_its_time_is_over(tmp_path: Path) -> None:
    """As the API server ends it; a bookmark says that it was alive."""
    directory = ManifestDirectory(tmp_path)
    await directory.look()

    async with watching(directory, since="1", timeout_s=0) as events:
        assert [each async for each in events] == []


async def test_a_silent_watch_sends_bookmarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-04: a client takes a long silence for a lost connection."""
    monkeypatch.setattr(manifests, "_BOOKMARK_INTERVAL_S", 0.01)
    directory = ManifestDirectory(tmp_path)
    await directory.look()

    async with watching(directory, since="1") as events:
        assert [await anext(events), await anext(events)] == ["BOOKMARK @1", "BOOKMARK @1"]


async def test_nothing_is_listed_while_a_file_may_be_half_written(tmp_path: Path) -> None:
    """F-30, F-01: an incomplete state would say that names do not exist."""
    (tmp_path / "a.yaml").write_text(a_web())
    (tmp_path / "b.yaml").write_text("a: b: c")
    directory = ManifestDirectory(tmp_path)
    await directory.look()
    listing = asyncio.ensure_future(listed(directory))
    await asyncio.sleep(0)
    assert not listing.done()

    await directory.look()

    assert await listing == {"shop/web": "2"}


async def test_a_list_before_any_look_fails_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An accident of ours is said like any failure of a source."""
    monkeypatch.setattr(manifests, "_FIRST_STATE_TIMEOUT_S", 0.01)
    directory = ManifestDirectory(tmp_path)

    with pytest.raises(ApiError) as caught:
        await listed(directory)

    assert str(caught.value) == "the manifests directory has not been read yet"


async def test_a_broken_file_keeps_its_last_good_version_and_the_others_change(
    tmp_path: Path,
) -> None:
    """F-30; the problem is there to be read by readiness and metrics."""
    (tmp_path / "a.yaml").write_text(a_web(name="a"))
    (tmp_path / "b.yaml").write_text(a_web(name="b"))
    directory = ManifestDirectory(tmp_path)
    await directory.look()

    put(tmp_path / "a.yaml", "kind: [")
    put(tmp_path / "b.yaml", a_web(name="new"))
    await directory.look()
    await directory.look()

    assert set(await listed(directory)) == {"shop/a", "shop/new"}
    assert dict(directory.problems) == {"a.yaml": "line 2: did not find expected node content"}


async def test_an_object_in_two_files_is_taken_from_the_later_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning with both names; it is not repeated while it stays so."""
    (tmp_path / "10.yaml").write_text(a_web("10.3.0.1"))
    (tmp_path / "20.yaml").write_text(a_web("10.3.0.2"))
    directory = ManifestDirectory(tmp_path)
    await directory.look()
    (tmp_path / "30.yaml").write_text(a_web("10.3.0.3", name="other"))
    await directory.look()

    page = await document_of(directory, ListRequest(SERVICES, 0, ""))
    assert b"10.3.0.2" in page
    assert b"10.3.0.1" not in page
    assert [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING] == [
        "manifests: Service shop/web is in 10.yaml and in 20.yaml; the one in 20.yaml is served"
    ]


async def test_an_object_twice_in_one_file_is_taken_from_its_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As applying the file would."""
    (tmp_path / "a.yaml").write_text(a_web("10.3.0.1") + "---\n" + a_web("10.3.0.2"))
    directory = ManifestDirectory(tmp_path)
    await directory.look()

    assert b"10.3.0.2" in await document_of(directory, ListRequest(SERVICES, 0, ""))
    assert caplog.messages == [
        "manifests: Service shop/web is twice in a.yaml; the last one is served"
    ]


async def test_only_services_with_the_labels_are_served(tmp_path: Path) -> None:
    """``--labels``: an API server would select; what loses its labels goes."""
    (tmp_path / "a.yaml").write_text(
        a_web(name="in", labels="{dns: public}") + "---\n" + a_web(name="out")
    )
    (tmp_path / "b.yaml").write_text("{kind: Namespace, metadata: {name: shop}}")
    directory = ManifestDirectory(tmp_path, service_labels=parse_selector("dns=public"))
    await directory.look()

    assert list(await listed(directory)) == ["shop/in"]
    assert list(await listed(directory, Resource.NAMESPACES)) == ["shop"]


async def test_a_malformed_object_goes_out_and_the_others_too(tmp_path: Path) -> None:
    """F-17: the decoder names it; two without a name are two."""
    (tmp_path / "a.yaml").write_text(
        "{kind: Service, metadata: {}}\n---\n{kind: Service, spec: {ports: 1}}\n---\n" + a_web()
    )
    directory = ManifestDirectory(tmp_path)
    await directory.look()

    assert set(await listed(directory)) == {"bad: no-name", "bad: type", "shop/web"}


async def test_a_missing_directory_ends_the_start(tmp_path: Path) -> None:
    """One clear line."""
    with pytest.raises(StartError, match=r"manifests directory .*missing: No such file"):
        ManifestDirectory(tmp_path / "missing").check()


@contextlib.asynccontextmanager
async def informed(directory: ManifestDirectory) -> AsyncIterator[Store]:
    """A store that the real informer keeps equal to a directory."""
    store = Store(on_dirty=lambda: None, endpoints_from_pods=True)
    informer = Informer(
        directory,
        store,
        list(Resource),
        wanted=Wanted(pod_specifications=True),
        on_sync=lambda _: None,
    )
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(informer.run()), tasks.create_task(directory.run())]
        await until(lambda: all_synced(informer))
        yield store
        for task in running:
            task.cancel()


async def test_the_example_shop_is_what_its_readme_says() -> None:
    """From files to endpoints, through the real reflector: examples/README.md."""
    async with informed(ManifestDirectory(EXAMPLES)) as store:
        assert store.namespace("shop") == a_namespace("shop")
        assert store.service(Key("kube-system", "kube-dns")) == a_service(
            "kube-dns.kube-system",
            cluster_ips=["10.96.0.53"],
            ports=["dns:53/udp", "dns-tcp:53/tcp"],
            selector={"k8s-app": "kube-dns"},
        )
        assert store.service(Key("shop", "api")) == a_service(
            "api.shop",
            cluster_ips=["10.96.0.11", "fd00:96::11"],
            ports=["https:443/tcp->8443", "https-quic:443/udp->8443"],
            selector={"app": "api"},
        )
        assert store.service(Key("shop", "payments")) == a_service(
            "payments.shop", external_name="payments.example.org"
        )
        assert endpoints_of(store, Key("shop", "web")) == (
            a_subset(
                ["10.1.0.1 pod=web-6f8d9c7b5-k2x7m", "10.1.0.2 pod=web-6f8d9c7b5-w9q4t"],
                ["http:8080/tcp"],
            ),
        )
        assert endpoints_of(store, Key("shop", "db")) == (
            a_subset(
                ["10.1.1.1 hostname=db-0 pod=db-0", "10.1.1.2 hostname=db-1 pod=db-1"],
                ["pg:5432/tcp"],
            ),
        )
        assert endpoints_of(store, Key("shop", "worker")) == (
            a_subset(
                [
                    "10.1.2.1 pod=worker-7d9c4b8f6-2hv5k",
                    "10.1.2.2 pod=worker-7d9c4b8f6-t6n8z not-ready",
                ],
                ["metrics:9100/tcp"],
            ),
        )
        assert endpoints_of(store, Key("shop", "warehouse")) == (
            a_subset(["192.0.2.20 hostname=north", "192.0.2.21 hostname=south"], ["amqp:5672/tcp"]),
        )


async def test_a_changed_file_reaches_the_store(tmp_path: Path) -> None:
    """From a file to the store through polling, watch and reflector."""
    (tmp_path / "a.yaml").write_text(a_web("10.3.0.1"))
    wanted = a_service("web.shop", cluster_ips=["10.3.0.2"])
    async with informed(ManifestDirectory(tmp_path)) as store:
        put(tmp_path / "a.yaml", a_web("10.3.0.2"))
        await until(lambda: store.service(Key("shop", "web")) == wanted)


async def test_the_loop_turns_while_a_large_file_is_read(tmp_path: Path) -> None:
    """YAML is read in a thread: answers do not wait for it."""
    text = "---\n".join(a_web(name=f"web-{n}") for n in range(300))
    (tmp_path / "large.yaml").write_text(text)
    directory = ManifestDirectory(tmp_path)
    turns = 0

    looking = asyncio.ensure_future(directory.look())
    while not looking.done():
        turns += 1
        await asyncio.sleep(0)
    await looking

    assert turns > 10
    assert len(await listed(directory)) == 300


async def test_a_pod_of_the_directory_becomes_an_endpoint_and_goes_with_its_sidecar(
    tmp_path: Path,
) -> None:
    """HDL-19: the Ready condition of a Pod file decides about its address."""
    service = (
        "{kind: Service, metadata: {name: db}, spec: {clusterIP: None, selector: {app: db}}}\n---\n"
    )
    pod = (
        "{{kind: Pod, metadata: {{name: db-0, labels: {{app: db}}}}, status: {{podIP: 10.1.1.1, "
        "conditions: [{{type: Ready, status: '{ready}'}}]}}}}\n"
    )
    key = Key("default", "db")
    (tmp_path / "a.yaml").write_text(service + pod.format(ready="True"))
    async with informed(ManifestDirectory(tmp_path)) as store:
        assert endpoints_of(store, key) == (a_subset(["10.1.1.1 pod=db-0"]),)
        put(tmp_path / "a.yaml", service + pod.format(ready="False"))
        not_ready = (a_subset(["10.1.1.1 pod=db-0 not-ready"]),)
        await until(lambda: endpoints_of(store, key) == not_ready)
