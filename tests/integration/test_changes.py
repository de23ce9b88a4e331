"""Changes of a manifests directory as a client sees them."""

from pathlib import Path

from tests.helpers.process import serving, wait_until
from tests.integration.conftest import EXTRA, WEB


def test_a_new_a_changed_and_a_removed_file_change_the_answers(
    manifests: Path, tmp_path: Path
) -> None:
    """LIF-1 to LIF-9, LIF-21 through files: nothing is cached, the pointer follows the address."""
    with serving(tmp_path, f"--manifests={manifests}") as server:
        server.wait_ready()
        assert server.lines("extra.shop.svc.cluster.local.") == ["NXDOMAIN"]

        (manifests / "extra.yaml").write_text(EXTRA)
        wait_until(
            lambda: (
                server.lines("extra.shop.svc.cluster.local.")
                == ["extra.shop.svc.cluster.local. 30 IN A 10.96.0.20"]
            )
        )
        (manifests / "extra.yaml").write_text(EXTRA.replace("10.96.0.20", "10.96.0.21"))
        wait_until(
            lambda: (
                server.lines("21.0.96.10.in-addr.arpa.", "PTR")
                == ["21.0.96.10.in-addr.arpa. 30 IN PTR extra.shop.svc.cluster.local."]
            )
        )
        assert server.lines("20.0.96.10.in-addr.arpa.", "PTR") == ["SERVFAIL"]
        (manifests / "extra.yaml").unlink()
        wait_until(lambda: server.lines("extra.shop.svc.cluster.local.") == ["NXDOMAIN"])


def test_a_file_that_breaks_keeps_its_last_good_version(manifests: Path, tmp_path: Path) -> None:
    """F-30: nothing is lost, the problem is said, and a repair is taken."""
    with serving(tmp_path, f"--manifests={manifests}") as server:
        server.wait_ready()

        (manifests / "web.yaml").write_text(WEB + "---\n{{{ not yaml\n")
        wait_until(lambda: "kubedns_manifest_problems 1.0" in server.page("/metrics")[1])
        assert server.lines("web.shop.svc.cluster.local.") == [
            "web.shop.svc.cluster.local. 30 IN A 10.96.0.10"
        ]
        (manifests / "web.yaml").write_text(WEB.replace("10.96.0.10", "10.96.0.12"))
        wait_until(
            lambda: (
                server.lines("web.shop.svc.cluster.local.")
                == ["web.shop.svc.cluster.local. 30 IN A 10.96.0.12"]
            )
        )
        wait_until(lambda: "kubedns_manifest_problems 0.0" in server.page("/metrics")[1])


def test_a_swapped_configmap_volume_is_followed(tmp_path: Path) -> None:
    """F-30: the ``..data`` link of a mounted ConfigMap is replaced atomically."""
    volume = tmp_path / "volume"
    for version, address in (("..1", "10.96.0.10"), ("..2", "10.96.0.11")):
        (volume / version).mkdir(parents=True)
        (volume / version / "web.yaml").write_text(WEB.replace("10.96.0.10", address))
    (volume / "..data").symlink_to("..1")
    (volume / "web.yaml").symlink_to("..data/web.yaml")

    with serving(tmp_path, f"--manifests={volume}") as server:
        server.wait_ready()
        (volume / "..new").symlink_to("..2")
        (volume / "..new").replace(volume / "..data")

        wait_until(
            lambda: (
                server.lines("web.shop.svc.cluster.local.")
                == ["web.shop.svc.cluster.local. 30 IN A 10.96.0.11"]
            )
        )


def test_old_data_says_so_where_the_operator_asked_for_it(manifests: Path, tmp_path: Path) -> None:
    """T-61: answers as before, with EDE 3 and a TTL of 5; a quiet source is old after a second."""
    with serving(tmp_path, f"--manifests={manifests}", "--stale-after=1s") as server:
        server.wait_ready()

        wait_until(
            lambda: (
                server.lines("web.shop.svc.cluster.local.")
                == ["web.shop.svc.cluster.local. 5 IN A 10.96.0.10"]
            )
        )
        reply = server.ask("web.shop.svc.cluster.local.")
        assert [option.code for option in reply.options if option.otype == 15] == [3]
        assert server.is_ready()
