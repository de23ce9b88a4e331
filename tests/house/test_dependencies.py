"""Third-party packages: each by its door, each locked (docs/architecture.md, packages)."""

import re
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.house.source import REPOSITORY, imported_packages, modules, project

LOCKS = sorted((REPOSITORY / "locks").glob("*.txt"))
PINNED = re.compile(r"^([a-z0-9.-]+)==(\S+)", re.MULTILINE)


def doors() -> dict[str, set[str]]:
    """Return the files that pyproject.toml names for each distribution, by canonical name.

    A comment above the requirement ends with them in brackets; ``cluster/`` stands for a room.
    """
    text = (REPOSITORY / "pyproject.toml").read_text()
    (listed,) = re.findall(r"^dependencies = \[\n(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    found: dict[str, set[str]] = {}
    for comment, requirement in re.findall(r"((?: +#.*\n)+) +\"([^\"]+)\"", listed):
        (named,) = re.findall(r"\(([^()]+)\)\s*$", comment)
        files = {file.strip(" #\n") for file in named.split(",")}
        found[canonicalize_name(Requirement(requirement).name)] = files
    return found


def users() -> dict[str, set[str]]:
    """Return the files of the package that import each distribution, by canonical name."""
    distributions = packages_distributions()
    found: dict[str, set[str]] = {}
    for module in modules():
        for name in imported_packages(module):
            for distribution in distributions.get(name, []):
                if name != "kubedns_py":
                    found.setdefault(canonicalize_name(distribution), set()).add(module.name)
    return found


def pins(lock: Path) -> dict[str, Version]:
    """Return what a lock file pins, by canonical name."""
    found = PINNED.findall(lock.read_text())
    return {canonicalize_name(name): Version(version) for name, version in found}


def test_every_requirement_says_why_and_where_it_enters() -> None:
    """Packages (docs/architecture.md): each is justified in one line in pyproject.toml."""
    required = {
        canonicalize_name(Requirement(each).name) for each in project()["project"]["dependencies"]
    }

    assert doors().keys() == required


def test_a_package_is_imported_by_its_door_and_nowhere_else() -> None:
    """Packages (docs/architecture.md): each third-party package enters by one file."""
    used = users()

    assert used.keys() == doors().keys()
    for name, files in doors().items():
        assert {door for door in files if not any(f.startswith(door) for f in used[name])} == set()
        stray = {file for file in used[name] if not file.startswith(tuple(files))}
        assert stray == set(), f"{name} enters by {sorted(files)}"


def test_the_judge_of_our_octets_is_not_a_part_of_them() -> None:
    """House rule 20: dnspython is a test dependency, never imported by the package."""
    assert "dnspython" not in users()
    assert not [module.name for module in modules() if "dns" in imported_packages(module)]
    assert "dnspython" not in pins(REPOSITORY / "locks" / "run.txt")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_has_a_hash_for_everything_and_names_no_place(lock: Path) -> None:
    """Supply chain (reliability 4.1): --require-hashes; the same file serves everywhere."""
    entries = re.sub(r"\\\n", " ", lock.read_text()).splitlines()
    entries = [line for line in entries if line and not line.startswith("#")]

    assert len(entries) == len(PINNED.findall(lock.read_text()))
    for entry in entries:
        assert re.fullmatch(r"[a-z0-9.-]+==\S+( ;.*?)?(\s+--hash=sha256:[0-9a-f]{64})+", entry), (
            entry
        )
    assert not re.search(r"://|\.\.?/|/[a-z]+/|--index|--find-links", lock.read_text())


@pytest.mark.parametrize(
    ("lock", "groups"),
    [
        ("run.txt", []),
        ("dev.txt", ["test", "chart", "check", "build"]),
        ("build.txt", ["build"]),
        ("bench.txt", ["bench"]),
        ("lock.txt", ["lock"]),
    ],
)
def test_a_lock_satisfies_what_it_was_made_from(lock: str, groups: list[str]) -> None:
    """Supply chain (reliability 4.1): after a change in pyproject.toml comes make lock."""
    pinned = pins(REPOSITORY / "locks" / lock)
    wanted = list(project()["project"]["dependencies"]) if lock in {"run.txt", "dev.txt"} else []
    for group in groups:
        wanted += [each for each in project()["dependency-groups"][group] if isinstance(each, str)]

    assert wanted
    for text in wanted:
        requirement = Requirement(text)
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{text}: not in locks/{lock}; run make lock"
        assert version in requirement.specifier, (
            f"{text}: locks/{lock} has {version}; run make lock"
        )


def test_the_developers_run_what_the_image_runs() -> None:
    """Supply chain (reliability 4.1): one version of everything that serves."""
    run, dev = (pins(REPOSITORY / "locks" / name) for name in ("run.txt", "dev.txt"))

    assert run.items() <= dev.items()
