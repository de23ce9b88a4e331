"""Which files of a directory are manifests, and what happens when they come and go (F-30)."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from kubedns_py.errors import StartError
from kubedns_py.sources.manifest_tree import ManifestTree


def a_service(name: str) -> str:
    """A manifest with one Service."""
    return f"{{kind: Service, metadata: {{name: {name}}}, spec: {{clusterIP: 10.3.0.1}}}}\n"


def served(tree: ManifestTree) -> dict[str, list[str]]:
    """Names of Services by file name, in the order of files."""
    return {
        file: [each.key.name for each in manifest.objects if each.key]
        for file, manifest in tree.manifests()
    }


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines that an operator sees as warnings."""
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def a_volume(root: Path, version: str, files: dict[str, str]) -> None:
    """Mount or update a ConfigMap volume as the kubelet does: a new folder, then one link."""
    folder = root / f"..{version}"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    fresh = root / "..data_tmp"
    fresh.symlink_to(folder.name)
    fresh.replace(root / "..data")
    for name in {name.partition("/")[0] for name in files}:
        link = root / name
        if not link.is_symlink():
            link.symlink_to(Path("..data") / name)


def test_manifests_are_yaml_and_json_files_in_subdirectories_too(tmp_path: Path) -> None:
    """Names that begin with a dot are left alone, and so is every other suffix."""
    for name in ("b.yaml", "a.yml", "sub/deep/c.json", ".hidden.yaml", ".git/d.yaml", "e.yaml~"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        is_json = name.endswith(".json")
        path.write_text('{"kind":"Service","metadata":{"name":"c"}}' if is_json else a_service("x"))
    (tmp_path / "README.md").write_text("# Read me")
    tree = ManifestTree(tmp_path)

    assert tree.look()
    assert served(tree) == {"a.yml": ["x"], "b.yaml": ["x"], "sub/deep/c.json": ["c"]}


def test_a_second_look_at_the_same_files_changes_nothing(tmp_path: Path) -> None:
    """The state is only made anew when something changed."""
    (tmp_path / "a.yaml").write_text(a_service("a"))
    tree = ManifestTree(tmp_path)

    assert [tree.look() for _ in range(3)] == [True, False, False]


def test_a_configmap_volume_is_read_through_its_links_and_once(tmp_path: Path) -> None:
    """F-30: its own folders begin with two dots."""
    a_volume(tmp_path, "2026_01", {"web.yaml": a_service("web"), "sub/db.yaml": a_service("db")})
    tree = ManifestTree(tmp_path)
    tree.look()

    assert served(tree) == {"sub/db.yaml": ["db"], "web.yaml": ["web"]}


def test_a_swap_of_the_data_link_is_served_at_the_next_look(tmp_path: Path) -> None:
    """F-30: it is atomic, so there is nothing to wait for."""
    a_volume(tmp_path, "2026_01", {"web.yaml": a_service("old")})
    tree = ManifestTree(tmp_path)
    tree.look()
    tree.look()

    a_volume(tmp_path, "2026_02", {"web.yaml": a_service("new")})

    assert tree.look()
    assert served(tree) == {"web.yaml": ["new"]}


def test_a_deleted_file_takes_its_objects_away_after_two_looks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One look may fall into the moment in which an editor replaces it."""
    caplog.set_level(logging.INFO)
    (tmp_path / "a.yaml").write_text(a_service("a"))
    (tmp_path / "b.yaml").write_text(a_service("b"))
    tree = ManifestTree(tmp_path)
    tree.look()

    (tmp_path / "a.yaml").unlink()

    assert not tree.look()
    assert list(served(tree)) == ["a.yaml", "b.yaml"]
    assert tree.look()
    assert list(served(tree)) == ["b.yaml"]
    assert caplog.messages[-1] == "manifests: a.yaml is gone, and its objects with it"


def test_a_deleted_broken_file_takes_its_problem_away(tmp_path: Path) -> None:
    """Nothing was served of it, so nothing changes."""
    (tmp_path / "a.yaml").write_text("a: b: c")
    tree = ManifestTree(tmp_path)
    tree.look()
    tree.look()
    assert tree.problems == {"a.yaml": "line 1: mapping values are not allowed in this context"}

    assert served(tree) == {}

    (tmp_path / "a.yaml").unlink()

    assert [tree.look() for _ in range(2)] == [False, False]
    assert tree.problems == {}


def test_a_link_that_leads_nowhere_is_a_problem_and_not_waited_for(tmp_path: Path) -> None:
    """F-30: nothing is known of it; the first list comes without it."""
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    (tmp_path / "notes").symlink_to("nowhere")
    tree = ManifestTree(tmp_path)
    for _ in range(3):
        tree.look()

    assert not tree.waiting
    assert tree.problems == {"a.yaml": "it is a link that leads nowhere"}


def test_a_file_whose_link_leads_nowhere_any_more_is_served_as_it_was(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """F-30: a volume without its data is not a cluster without Services. Removed, it is gone."""
    a_volume(tmp_path, "2026_01", {"web.yaml": a_service("web"), "sub/db.yaml": a_service("db")})
    tree = ManifestTree(tmp_path)
    tree.look()

    (tmp_path / "..data").unlink()
    for _ in range(4):
        assert not tree.look()

    assert served(tree) == {"sub/db.yaml": ["db"], "web.yaml": ["web"]}
    nowhere = "it is a link that leads nowhere"
    assert tree.problems == {"sub": nowhere, "web.yaml": nowhere}
    assert warnings(caplog) == [
        f"manifests: web.yaml: {nowhere}; its last good version is served",
        f"manifests: sub: {nowhere}; what it held is still served",
    ]

    a_volume(tmp_path, "2026_02", {"web.yaml": a_service("web"), "sub/db.yaml": a_service("new")})
    tree.look()
    assert served(tree) == {"sub/db.yaml": ["new"], "web.yaml": ["web"]}
    assert tree.problems == {}

    (tmp_path / "web.yaml").unlink()
    assert [tree.look() for _ in range(2)] == [False, True]
    assert served(tree) == {"sub/db.yaml": ["new"]}


def test_links_that_lead_back_up_end(tmp_path: Path) -> None:
    """A directory is listed once, however many ways lead there."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "up").symlink_to(tmp_path)
    (tmp_path / "sub" / "a.yaml").write_text(a_service("a"))
    (tmp_path / "too").symlink_to("sub")
    tree = ManifestTree(tmp_path)
    tree.look()

    assert served(tree) == {"sub/a.yaml": ["a"]}


def test_a_directory_that_vanishes_keeps_its_last_good_state(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """F-30: a volume that is remounted is not a cluster without Services."""
    root = tmp_path / "manifests"
    root.mkdir()
    (root / "a.yaml").write_text(a_service("a"))
    tree = ManifestTree(root)
    tree.look()

    root.rename(tmp_path / "away")
    for _ in range(4):
        assert not tree.look()

    assert served(tree) == {"a.yaml": ["a"]}
    assert tree.problems == {str(root): "it cannot be listed: No such file or directory"}
    assert warnings(caplog) == [
        f"manifests: {root}: {tree.problems[str(root)]}; what it held is still served"
    ]

    (tmp_path / "away").rename(root)
    tree.look()
    assert tree.problems == {}


def test_a_subdirectory_that_cannot_be_listed_keeps_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others go on changing."""
    sub = tmp_path / "sub"
    sub.mkdir()
    (sub / "a.yaml").write_text(a_service("a"))
    (tmp_path / "b.yaml").write_text(a_service("b"))
    tree = ManifestTree(tmp_path)
    tree.look()
    listed = Path.iterdir

    def refused(self: Path) -> object:
        if self == sub:
            raise PermissionError(13, "Permission denied")
        return listed(self)

    monkeypatch.setattr(Path, "iterdir", refused)  # permissions do not bind the superuser
    (tmp_path / "b.yaml").unlink()
    for _ in range(3):
        tree.look()

    assert served(tree) == {"sub/a.yaml": ["a"]}
    assert tree.problems == {"sub": "it cannot be listed: Permission denied"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing", "No such file or directory"), ("file", "Not a directory")],
)
def test_at_start_there_has_to_be_a_directory(tmp_path: Path, name: str, reason: str) -> None:
    """One line that names it and says what to do."""
    (tmp_path / "file").write_text("")
    path = tmp_path / name

    with pytest.raises(StartError) as caught:
        ManifestTree(path).check()

    assert str(caught.value) == (
        f"manifests directory {path}: {reason}; give a readable directory with .yaml, .yml or "
        ".json files"
    )


def test_a_directory_is_good_to_start_with(tmp_path: Path) -> None:
    """An empty one too: files may come later."""
    tree = ManifestTree(tmp_path)
    tree.check()

    assert tree.waiting


def test_a_directory_without_a_manifest_is_warned_about_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Mostly it is the wrong directory."""
    tree = ManifestTree(tmp_path)
    for _ in range(3):
        tree.look()

    assert not tree.waiting
    assert warnings(caplog) == [
        f"manifests: {tmp_path}: there is no .yaml, .yml or .json file in it"
    ]


def test_a_directory_that_was_never_listed_is_waited_for(tmp_path: Path) -> None:
    """An empty state must not be taken for the cluster's."""
    tree = ManifestTree(tmp_path / "late")
    tree.look()

    assert tree.waiting


def test_a_name_with_the_suffix_that_is_a_link_loop_is_a_problem(tmp_path: Path) -> None:
    """What is neither a directory nor readable is said as a file."""
    (tmp_path / "a.yaml").symlink_to("a.yaml")
    tree = ManifestTree(tmp_path)
    tree.look()

    assert tree.problems == {"a.yaml": "it cannot be read: Too many levels of symbolic links"}
