"""What is installed in the image: the wheel alone starts, from anywhere, without the source tree.

The third-party packages come from the environment of the tests: the lock, not this file, says
which ones the image has (tests/house/test_dependencies.py).
"""

import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
VERSION = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as the Dockerfile does."""
    folder = tmp_path_factory.mktemp("wheel")
    run(
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--wheel-dir",
        str(folder),
        str(REPOSITORY),
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment of its own; return the environment's ``bin``."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    # A path line adds the folder, but does not follow the link to the source tree in it.
    (packages / "of_the_tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(
        "-m",
        "pip",
        "--python",
        str(folder / "bin" / "python"),
        "install",
        "--no-deps",
        "--no-index",
        str(wheel),
    )
    return folder / "bin"


def run(*arguments: str, program: str = sys.executable, cwd: Path | None = None) -> str:
    """Run one command and return its output; a failure shows what it said."""
    ran = subprocess.run(  # noqa: S603 - our own words
        [program, *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_wheel_holds_the_package_and_its_licence_and_nothing_else(wheel: Path) -> None:
    """Packaging (ecosystem 6.4): py.typed, license-files; no tests."""
    names = zipfile.ZipFile(wheel).namelist()

    source = {
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "kubedns_py").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    metadata = f"kubedns_py-{VERSION}.dist-info/"
    assert {name for name in names if not name.startswith(metadata)} == source
    assert f"{metadata}licenses/LICENSE" in names


def test_the_installed_command_starts_from_anywhere(installed: Path, tmp_path: Path) -> None:
    """Packaging (ecosystem 6.4): console script kubedns-py."""
    said = run("--help", program=str(installed / "kubedns-py"), cwd=tmp_path)

    assert "serve" in said


def test_the_images_entry_point_starts_from_the_installed_package(
    installed: Path, tmp_path: Path
) -> None:
    """Dockerfile: python -I -B -m kubedns_py; -I keeps the current folder out of the path."""
    said = run(
        "-I",
        "-B",
        "-m",
        "kubedns_py",
        "serve",
        "--version",
        program=str(installed / "python"),
        cwd=tmp_path,
    )

    assert said.split() == ["kubedns-py", VERSION]
