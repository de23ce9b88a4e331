"""--config-dir: a directory as kube-dns reads it, and as the kubelet writes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from kubedns_py.config.dynamic import Dynamic, read_dynamic
from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.name import from_text
from kubedns_py.sources.config_directory import config_directory, read_directory
from kubedns_py.sources.configuration import version_of
from kubedns_py.sources.polling import Found, Polled, Unreadable
from tests.helpers.config_volume import Volume

MIB = 1024 * 1024
UPSTREAMS = '["10.0.0.1"]'
OTHERS = '["10.0.0.2"]'


def data(path: Path) -> Mapping[str, str]:
    """Return what a directory holds."""
    found = read_directory(path)
    assert isinstance(found, Found), found
    assert found.version == version_of(found.raw)
    return found.raw


def problem(path: Path) -> str:
    """Return why a directory cannot be read."""
    found = read_directory(path)
    assert isinstance(found, Unreadable), found
    return found.reason


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    """An empty volume."""
    return Volume(tmp_path)


# -- one read


def test_a_file_is_a_key(tmp_path: Path) -> None:
    """Behaviour 2.1.3: the directory sync."""
    (tmp_path / "stubDomains").write_text("{}")
    (tmp_path / "x").write_text("\u00e9\n")

    assert data(tmp_path) == {"stubDomains": "{}", "x": "\u00e9\n"}


def test_dot_files_and_subdirectories_are_passed_over(tmp_path: Path) -> None:
    """Behaviour 2.1.3; a link to nothing is no file either."""
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("x")
    (tmp_path / "nothing").symlink_to("nowhere")

    assert data(tmp_path) == {}


def test_a_missing_directory_is_an_empty_one(tmp_path: Path) -> None:
    """kube-dns's manifest: the volume is optional."""
    assert data(tmp_path / "none") == {}


def test_a_volume_is_read_through_its_current_version(volume: Volume) -> None:
    """F-30: the swap of ..data."""
    volume.write(upstreamNameservers=UPSTREAMS)
    assert data(volume.path) == {"upstreamNameservers": UPSTREAMS}

    volume.write(stubDomains="{}")
    assert data(volume.path) == {"stubDomains": "{}"}

    volume.write()
    assert data(volume.path) == {}


def test_a_swap_in_the_middle_of_a_read_mixes_nothing(
    volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-30: all keys of one version, whenever the kubelet comes."""
    volume.write(a="1", b="1")
    opened = os.open
    swaps = iter([{"a": "2", "b": "2"}])

    def swapping(path: str, flags: int) -> int:
        descriptor = opened(path, flags)
        for texts in swaps:
            volume.write(**texts)
        return descriptor

    monkeypatch.setattr("kubedns_py.sources.polling.os.open", swapping)

    assert data(volume.path) == {"a": "2", "b": "2"}


def test_a_volume_that_is_swapped_all_the_time_ends_no_read(
    volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-30: what was read last is looked at again, and counts only once it is at rest."""
    volume.write(a="1")
    opened = os.open

    def swapping(path: str, flags: int) -> int:
        descriptor = opened(path, flags)
        volume.write(a="2")
        return descriptor

    monkeypatch.setattr("kubedns_py.sources.polling.os.open", swapping)

    assert data(volume.path) == {"a": "2"}


def test_more_than_a_config_map_holds_is_refused(tmp_path: Path) -> None:
    """F-29: 1 MB; of one file, and of all together."""
    (tmp_path / "a").write_text("x" * (MIB - 1))
    assert len(data(tmp_path)["a"]) == MIB - 1

    (tmp_path / "b").write_text("y")
    assert problem(tmp_path) == "'b': with it, there is more than a ConfigMap holds, 1 MiB"

    (tmp_path / "a").write_bytes(b"\xff" * (MIB + 1))
    assert problem(tmp_path) == "'a': with it, there is more than a ConfigMap holds, 1 MiB"


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    """Behaviour 2.1.3: requires UTF-8."""
    (tmp_path / "stubDomains").write_bytes(b"\xff")

    assert problem(tmp_path) == "'stubDomains': it is not UTF-8"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A pipe must not block, and is no part of a ConfigMap."""
    os.mkfifo(tmp_path / "pipe")

    assert problem(tmp_path) == "'pipe': it is not a regular file"


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    """Any file that cannot be opened; not left out, for a part is worse than what was before."""
    (tmp_path / "a").write_text("x")
    (tmp_path / "loop").symlink_to("loop")

    assert problem(tmp_path).startswith("'loop': it cannot be read: Too many levels of symbolic")


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    """It is a mistake, and no optional volume."""
    (tmp_path / "file").write_text("x")

    assert problem(tmp_path / "file") == "it cannot be listed: Not a directory"


# -- the value


def followed(path: Path, told: list[Dynamic]) -> Polled[Mapping[str, str], Dynamic]:
    """Return what follows a directory."""
    read = partial(read_dynamic, cluster_domains=(from_text("cluster.local"),))
    return config_directory(str(path), read, period_s=10.0, on_change=told.append)


async def test_a_mounted_config_map_comes_into_force_and_goes(volume: Volume) -> None:
    """N13: stub domains and upstreams; modified; both removed."""
    told: list[Dynamic] = []
    polled = followed(volume.path, told)
    volume.write(upstreamNameservers=UPSTREAMS)
    await polled.start()

    volume.write(upstreamNameservers=OTHERS, stubDomains='{"acme.local": ["10.0.0.3"]}')
    await polled.look()
    volume.write()
    await polled.look()

    assert told == [
        Dynamic({}, (Nameserver("10.0.0.1"),)),
        Dynamic({(b"acme", b"local"): (Nameserver("10.0.0.3"),)}, (Nameserver("10.0.0.2"),)),
        Dynamic(),
    ]
    assert polled.kept.status.generation == 3


async def test_a_bad_config_map_keeps_the_last_good_one(
    volume: Volume, caplog: pytest.LogCaptureFixture
) -> None:
    """F-29: all or nothing, said once with the directory, the key and the reason."""
    told: list[Dynamic] = []
    polled = followed(volume.path, told)
    volume.write(upstreamNameservers=UPSTREAMS)
    await polled.start()

    volume.write(upstreamNameservers=OTHERS, stubDomains="{")
    await polled.look()
    await polled.look()

    status = polled.kept.status
    assert told == [Dynamic({}, (Nameserver("10.0.0.1"),))]
    assert not status.valid
    assert status.version == version_of({"upstreamNameservers": UPSTREAMS})
    assert len(caplog.records) == 1
    assert caplog.messages[0].startswith(
        f"--config-dir {volume.path}: cannot be used: stubDomains: not JSON: "
    )
    assert caplog.messages[0].endswith(
        "; still in force: stub domains: 0, upstream nameservers: 10.0.0.1:53"
    )


async def test_a_missing_directory_is_the_default_and_no_fault(tmp_path: Path) -> None:
    """kube-dns's manifest: the volume is optional."""
    told: list[Dynamic] = []
    polled = followed(tmp_path / "none", told)

    await polled.start()

    assert told == []
    assert polled.kept.status.valid
    assert polled.kept.status.generation == 1
