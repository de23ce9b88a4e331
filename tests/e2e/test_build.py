"""The build command, with a program in go's place."""

from pathlib import Path

import pytest

from tests.e2e import build
from tests.e2e.binaries import (
    PACKAGES,
    BinariesMissingError,
    built_binaries,
    kubernetes_version,
    pinned_binaries,
)

pytestmark = pytest.mark.e2e

WRITES_A_PROGRAM = """#!/bin/sh
PATH=/usr/bin:/bin
echo "$GOTOOLCHAIN $CGO_ENABLED $*" >> "$KUBEDNS_E2E_CACHE/calls"
while [ "$1" != -o ]; do shift; done
echo '#!/bin/sh' > "$2"; chmod +x "$2"
"""
FAILS = "#!/bin/sh\nexit 3\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the cache and the search path to empty folders."""
    (tmp_path / "path").mkdir()
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("KUBEDNS_E2E_CACHE", str(folder))
    return folder


def test_without_go_there_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is skipped in silence."""
    assert build.main() == 1

    assert capsys.readouterr().err == (
        "e2e: go is not on PATH: install Go 1.26 or newer and run make e2e again\n"
    )


def test_every_program_is_built_once(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second time there is nothing to do."""
    _install_go(tmp_path, WRITES_A_PROGRAM)

    assert build.main() == 0
    assert build.main() == 0

    calls = (cache / "calls").read_text().splitlines()
    assert [call.split()[-1] for call in calls] == list(PACKAGES.values())
    assert built_binaries() == pinned_binaries()
    assert "already built" in capsys.readouterr().err


def test_programs_are_stamped_and_built_with_the_go_that_is_there(
    tmp_path: Path, cache: Path
) -> None:
    """No other toolchain is fetched, nothing is linked to the system's libraries."""
    _install_go(tmp_path, WRITES_A_PROGRAM)

    build.main()

    first = (cache / "calls").read_text().splitlines()[0]
    assert first.startswith("local 0 build -trimpath ")
    assert f"-X k8s.io/component-base/version.gitVersion={kubernetes_version()} " in first


def test_a_failed_build_leaves_nothing(tmp_path: Path, cache: Path) -> None:
    """Half a folder would be taken for a whole one."""
    _install_go(tmp_path, FAILS)

    assert build.main() == 1

    assert list(cache.iterdir()) == []


def test_a_folder_that_lost_a_program_is_built_again(tmp_path: Path) -> None:
    """Somebody may tidy a cache by hand."""
    _install_go(tmp_path, WRITES_A_PROGRAM)
    build.main()
    pinned_binaries().path("etcd").unlink()

    assert build.main() == 0

    assert pinned_binaries().complete()


def test_programs_that_are_not_built_are_an_error_that_says_what_to_run() -> None:
    """The suite fails with it; it does not skip."""
    with pytest.raises(BinariesMissingError, match="run make e2e"):
        built_binaries()


def _install_go(tmp_path: Path, script: str) -> None:
    """Put a shell script in go's place."""
    go = tmp_path / "path" / "go"
    go.write_text(script)
    go.chmod(0o755)
