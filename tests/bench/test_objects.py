"""A cluster as API objects: our own server, given them, answers as the mixes expect."""

import json
from pathlib import Path

import pytest

from bench.check import expect_right
from bench.cluster import Cluster, Endpoint, Kind, Port, Service, a_cluster
from bench.mixes import Question, cold_mix, warm_mix
from bench.objects import MOST_IN_SLICE, cluster_objects, slice_objects, write_manifests
from tests.helpers.process import serving

WEB = Service(
    "web",
    "shop",
    Kind.CLUSTER_IP,
    "10.96.0.20",
    (Port("http", 80),),
    tuple(Endpoint(f"10.1.{each >> 8}.{each & 0xFF}") for each in range(2 * MOST_IN_SLICE + 1)),
)


def asked(cluster: Cluster) -> list[Question]:
    """Return some of each mix."""
    return [*warm_mix(cluster, 500), *cold_mix(cluster, 1_000)]


def test_our_server_answers_the_mixes_as_they_expect(tmp_path: Path) -> None:
    """Issue 4: a server that answers wrongly has no speed; neither has ours."""
    cluster = a_cluster(100, 1_000)
    write_manifests(cluster, tmp_path / "manifests")
    flags = [f"--manifests={tmp_path / 'manifests'}", "--forward=false", "--local-cidrs=10.0.0.0/8"]

    with serving(tmp_path, *flags) as server:
        server.wait_ready()
        expect_right(server.port, asked(cluster))
        with pytest.raises(ValueError, match=r"a wrong answer to .*nobody"):
            expect_right(server.port, [Question("nobody.team-000.svc.cluster.local.", "A", 1)])


def test_slices_hold_a_hundred_endpoints_at_most_and_all_of_them_together() -> None:
    """EndpointSlice controller: --max-endpoints-per-slice is 100."""
    slices = list(slice_objects(WEB))

    assert [len(each["endpoints"]) for each in slices] == [100, 100, 1]
    assert len({each["metadata"]["name"] for each in slices}) == 3
    assert {each["metadata"]["labels"]["kubernetes.io/service-name"] for each in slices} == {"web"}
    addresses = [
        found for each in slices for one in each["endpoints"] for found in one["addresses"]
    ]
    assert addresses == [each.address for each in WEB.endpoints]


def test_every_object_comes_after_its_namespace() -> None:
    """An API server refuses what is in no namespace."""
    seen = set()
    for each in cluster_objects(a_cluster(120, 1_200)):
        metadata = each["metadata"]
        if each["kind"] == "Namespace":
            seen.add(metadata["name"])
        else:
            assert metadata["namespace"] in seen


def test_manifests_hold_every_object(tmp_path: Path) -> None:
    """The same cluster, whether it is read from an API server or from files."""
    cluster = a_cluster(120, 1_200)

    write_manifests(cluster, tmp_path / "made")

    texts = [json.loads(path.read_text()) for path in (tmp_path / "made").iterdir()]
    kinds = [each["kind"] for text in texts for each in text["items"]]
    assert sorted(kinds) == sorted(each["kind"] for each in cluster_objects(cluster))
