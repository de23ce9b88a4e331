"""When a file is read, and which version of it is served (F-30)."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from kubedns_py.sources.manifest_file import ManifestFile

WEB = "{kind: Service, metadata: {name: web}, spec: {clusterIP: 10.3.0.1}}\n"
SHOP = "{kind: Service, metadata: {name: shop-front}, spec: {clusterIP: 10.3.0.2}}\n"
BROKEN = "a: b\n c: d\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "shop.yaml"


def served(file: ManifestFile) -> list[str]:
    """Names of the objects that a file serves."""
    return [str(each.key) for each in file.good.objects] if file.good else []


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines that an operator sees as warnings."""
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def put(path: Path, text: str) -> None:
    """Put a file in place at once, by a rename."""
    draft = path.with_name(".draft")
    draft.write_text(text)
    draft.replace(path)


def test_a_new_file_is_served_at_first_sight(path: Path) -> None:
    """Nothing can be lost by it."""
    path.write_text(WEB)
    file = ManifestFile("shop.yaml")

    assert file.waiting
    assert file.look(path)
    assert served(file) == ["default/web"]
    assert not file.waiting


def test_a_file_renamed_into_place_is_served_at_first_sight(path: Path) -> None:
    """F-30: a rename is atomic, there is nothing to wait for."""
    path.write_text(WEB)
    file = ManifestFile("shop.yaml")
    file.look(path)

    put(path, SHOP)

    assert file.look(path)
    assert served(file) == ["default/shop-front"]


def test_a_file_written_in_place_is_served_once_two_looks_saw_it_the_same(path: Path) -> None:
    """F-30: a half-written file is often valid YAML; its other half must not vanish meanwhile."""
    path.write_text(WEB + "---\n" + SHOP)
    file = ManifestFile("shop.yaml")
    file.look(path)
    file.look(path)

    path.write_text("")
    assert not file.look(path)
    path.write_text(SHOP)
    assert not file.look(path)
    path.write_text(SHOP + "---\n" + WEB)
    assert not file.look(path)
    assert served(file) == ["default/web", "default/shop-front"]

    assert file.look(path)
    assert served(file) == ["default/shop-front", "default/web"]


def test_a_file_that_was_put_back_as_it_was_changes_nothing(path: Path) -> None:
    """Content decides, not times."""
    path.write_text(WEB)
    file = ManifestFile("shop.yaml")
    file.look(path)

    path.write_text(SHOP)
    file.look(path)
    path.write_text(WEB)

    assert [file.look(path) for _ in range(3)] == [False, False, False]
    assert served(file) == ["default/web"]


def test_a_settled_file_is_not_read_again(path: Path) -> None:
    """Polling costs one stat for each file: what the status says is believed."""
    path.write_text(WEB)
    file = ManifestFile("shop.yaml")
    file.look(path)
    file.look(path)

    os.utime(path)
    assert not file.look(path)
    assert served(file) == ["default/web"]


def test_a_broken_version_keeps_the_last_good_one_and_is_said_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """F-30: file, line and reason, once for each version."""
    path.write_text(WEB)
    file = ManifestFile("shop.yaml")
    file.look(path)

    put(path, BROKEN)
    for _ in range(4):
        assert not file.look(path)
    os.utime(path)
    for _ in range(2):
        assert not file.look(path)

    assert served(file) == ["default/web"]
    assert file.problem == "line 2: mapping values are not allowed in this context"
    assert warnings(caplog) == [
        (
            "manifests: shop.yaml: line 2: mapping values are not allowed in this context; "
            "its last good version is served"
        )
    ]


def test_another_broken_version_is_said_again(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """F-30: once for each version, not once for ever."""
    file = ManifestFile("shop.yaml")
    for text in (BROKEN, BROKEN + "\n", WEB, BROKEN):
        put(path, text)
        file.look(path)
        file.look(path)

    assert len(warnings(caplog)) == 3


@pytest.mark.parametrize("text", [WEB, SHOP])
def test_a_good_version_ends_the_problem(path: Path, text: str) -> None:
    """The old content or new content, either is good."""
    path.write_text(WEB)
    file = ManifestFile("shop.yaml")
    file.look(path)
    put(path, BROKEN)
    file.look(path)
    file.look(path)

    put(path, text)
    file.look(path)

    assert file.problem == ""


def test_a_file_that_is_broken_from_the_start_is_waited_for_through_one_more_look(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """F-30: it may be half written; the others need not wait longer than that."""
    path.write_text(BROKEN)
    file = ManifestFile("shop.yaml")

    file.look(path)
    waiting = [file.waiting]
    assert warnings(caplog) == []
    file.look(path)
    waiting.append(file.waiting)

    assert waiting == [True, False]
    assert warnings(caplog) == [
        (
            "manifests: shop.yaml: line 2: mapping values are not allowed in this context; "
            "nothing of it is served"
        )
    ]


def test_a_file_that_never_stops_changing_does_not_hold_up_the_others(path: Path) -> None:
    """A limit to the wait: ten looks."""
    file = ManifestFile("shop.yaml")
    for look in range(10):
        assert file.waiting
        path.write_text(BROKEN + "\n" * look)
        file.look(path)

    assert not file.waiting


def test_an_emptied_file_has_no_objects(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An empty file is a good one, and said in one line."""
    caplog.set_level(logging.INFO)
    path.write_text(WEB)
    file = ManifestFile("shop.yaml")
    file.look(path)

    put(path, "")
    assert not file.look(path)
    assert file.look(path)
    assert not file.look(path)

    assert served(file) == []
    assert file.problem == ""
    assert [each.getMessage() for each in caplog.records] == [
        "manifests: shop.yaml is served; objects: 1",
        "manifests: shop.yaml is empty: no objects",
    ]


def test_what_is_odd_and_what_is_passed_over_is_said_when_a_version_is_taken(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Warnings for a person, passed-over kinds for debugging; once for each version."""
    caplog.set_level(logging.DEBUG)
    path.write_text("{kind: Service, metadata: {name: web}, spec: {}}\n---\n{kind: Secret}\n")
    file = ManifestFile("shop.yaml")
    file.look(path)
    file.look(path)

    assert [(each.levelname, each.getMessage()[:45]) for each in caplog.records] == [
        ("INFO", "manifests: shop.yaml is served; objects: 1"),
        ("WARNING", "manifests: shop.yaml: line 1: Service default"),
        ("DEBUG", "manifests: shop.yaml: passed over: line 3: v1"),
    ]


def test_a_json_file_is_read_as_json(tmp_path: Path) -> None:
    """The name says what it is."""
    path = tmp_path / "shop.json"
    path.write_text(WEB)
    file = ManifestFile("shop.json")
    file.look(path)
    file.look(path)

    assert file.problem == "line 1: Expecting property name enclosed in double quotes"


def test_a_file_larger_than_32_mib_is_refused_unread(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Reading it would hold the processor for half a minute."""
    path.write_text(WEB)
    file = ManifestFile("shop.yaml")
    file.look(path)

    with path.open("r+b") as sparse:
        sparse.truncate(32 * 1024 * 1024 + 1)
    for _ in range(3):
        assert not file.look(path)

    assert served(file) == ["default/web"]
    assert warnings(caplog) == [
        (
            "manifests: shop.yaml: it is larger than 32 MiB; split it into several files; "
            "its last good version is served"
        )
    ]


def test_a_pipe_is_refused_and_does_not_block(path: Path) -> None:
    """Opening a pipe waits for a writer that never comes."""
    os.mkfifo(path)
    file = ManifestFile("shop.yaml")
    file.look(path)

    assert file.problem == "it is not a regular file"


def test_a_file_that_cannot_be_opened_keeps_its_last_good_version(path: Path) -> None:
    """F-14, for manifests: the reason is the system's."""
    path.write_text(WEB)
    file = ManifestFile("shop.yaml")
    file.look(path)

    path.unlink()
    path.symlink_to(path)  # a loop: what fails for every user
    file.look(path)

    assert served(file) == ["default/web"]
    assert file.problem == "it cannot be read: Too many levels of symbolic links"


def test_a_file_that_is_not_there_is_the_callers_affair(path: Path) -> None:
    """Absence counts in looks, see the next test."""
    with pytest.raises(FileNotFoundError):
        ManifestFile("shop.yaml").look(path)


def test_a_file_is_gone_when_two_looks_in_a_row_miss_it(path: Path) -> None:
    """Editors take a file away for a moment and put the new one in its place."""
    path.write_text(WEB)
    file = ManifestFile("shop.yaml")
    file.look(path)

    assert not file.miss()
    file.look(path)
    assert not file.miss()
    assert file.miss()


def test_a_file_whose_size_is_not_what_was_read_is_not_taken() -> None:
    """It changes while it is read: files of the kernel say size 0 and have content."""
    file = ManifestFile("version.yaml")

    assert not file.look(Path("/proc/version"))
    assert file.good is None
