"""Makefile, documents and changelog say what is there (house rule 23)."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from kubedns_py import __version__
from kubedns_py.dns import rcode
from tests.house.source import REPOSITORY, project

MAKEFILE = (REPOSITORY / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE)
KINDS = ("added", "changed", "deprecated", "removed", "fixed", "security")
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "charts/*/*.md", "changelog.d/*.md", "examples/**/*.md")
    for path in REPOSITORY.glob(pattern)
)


def fragments() -> list[Path]:
    """Return the changes that the next version brings."""
    return [path for path in (REPOSITORY / "changelog.d").iterdir() if path.name != "README.md"]


def test_the_makefile_is_one_screen_and_every_target_has_its_line_of_help() -> None:
    """House habits: at most 60 lines; each target one line of help."""
    phony = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)

    assert MAKEFILE.count("\n") <= 60
    assert len(re.findall(r"^[a-z0-9-]+:[^\n]* ## \S", MAKEFILE, re.MULTILINE)) == len(TARGETS)
    assert phony == [" ".join(TARGETS)]


def test_make_without_a_target_prints_the_list_of_targets() -> None:
    """House habits: one command in."""
    make = shutil.which("make")
    assert make is not None
    listed = subprocess.run(  # noqa: S603 - our own words
        [make], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=30
    )

    assert re.findall(r"^make (\S+)\t", listed.stdout, re.MULTILINE) == TARGETS


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_make_command_of_a_document_is_a_target(path: Path) -> None:
    """House rule 23: doc examples."""
    named = re.findall(r"(?:^\s+|`|\$ )make ([a-z0-9-]+)", path.read_text(), re.MULTILINE)

    assert set(named) <= set(TARGETS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_relative_link_of_a_document_leads_to_a_file(path: Path) -> None:
    """House rule 23: docs."""
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", path.read_text())

    missing = [link for link in links if not (path.parent / link).exists()]

    assert missing == []


def test_the_readme_names_the_first_commands() -> None:
    """Two commands on a fresh machine: make setup and make run."""
    readme = (REPOSITORY / "README.md").read_text()

    assert "make setup" in readme or "make run" in readme
    assert "make test" in readme


def test_every_change_is_a_file_with_a_kind_and_a_sentence() -> None:
    """House habits: changelog.d/<slug>.<kind>.md; the form stands in changelog.d/README.md."""
    for path in fragments():
        assert re.fullmatch(rf"[a-z0-9]+(-[a-z0-9]+){{1,4}}\.({'|'.join(KINDS)})\.md", path.name), (
            path
        )
        text = path.read_text()
        assert 1 <= text.count("\n") <= 5, path
        assert re.match(r"[A-Z`-]", text), path
        assert text.endswith(".\n"), path


def test_package_chart_and_image_have_one_version() -> None:
    """Packaging (ecosystem 6.4)."""
    version = project()["project"]["version"]
    chart = yaml.safe_load((REPOSITORY / "charts/kubedns-py/Chart.yaml").read_text())

    assert (chart["version"], chart["appVersion"]) == (version, version)
    assert version == __version__
    assert f"ARG VERSION={version}\n" in (REPOSITORY / "Dockerfile").read_text()


def test_the_licence_is_there_in_full() -> None:
    """Packaging (ecosystem 6.4): PEP 639."""
    text = (REPOSITORY / "LICENSE").read_text()

    assert project()["project"]["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_what_has_to_pass_before_a_merge_is_what_developers_type() -> None:
    """House habits: one command out; exactly what CI runs."""
    script = REPOSITORY / ".ci" / "run"

    assert re.findall(r"^make (\S+)$", script.read_text(), re.MULTILINE) == ["test", "check", "e2e"]
    assert script.stat().st_mode & 0o111


def test_every_extended_error_that_is_sent_stands_in_the_deviations() -> None:
    """House rule 24: D-7 lists them, and no others."""
    sent = {getattr(rcode, name) for name in dir(rcode) if name.startswith("EDE_")}
    (row,) = re.findall(
        r"^\| D-7 \|.*EDE ([0-9, ]+) \|",
        (REPOSITORY / "docs" / "deviations.md").read_text(),
        re.MULTILINE,
    )

    assert sorted(map(int, row.split(","))) == sorted(sent)
