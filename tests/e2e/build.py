"""Build the programs of the control plane: ``python -m tests.e2e.build``.

Rules of this file: it is never called by a test; what is built already is not built again; a
folder of programs appears complete or not at all, so two builds at once, or one that is
interrupted, do no harm.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.binaries import MODULE, PACKAGES, kubernetes_version, pinned_binaries

NO_GO = "e2e: go is not on PATH: install Go 1.26 or newer and run make e2e again"

VERSION_PACKAGE = "k8s.io/component-base/version"
"""Where Kubernetes keeps what ``/version`` says; unstamped it is v0.0.0-master."""


def main() -> int:
    """Build what is missing; return the exit status, 1 with one line on stderr if that failed."""
    binaries = pinned_binaries()
    if binaries.complete():
        _say(f"e2e: the control plane is already built in {binaries.folder}")
        return 0
    go = shutil.which("go")
    if go is None:
        _say(NO_GO)
        return 1
    try:
        _build_all(go, binaries.folder)
    except subprocess.CalledProcessError as error:
        _say(f"e2e: go build ended with status {error.returncode}; its own words are above")
        return 1
    _say(f"e2e: the control plane is built in {binaries.folder}")
    return 0


def _build_all(go: str, folder: Path) -> None:
    """Build every program beside ``folder``, then put them in its place with one rename."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder.parent) as building:
        made = Path(building, "bin")
        made.mkdir()
        _say("e2e: building the control plane; the first time takes several minutes")
        for number, (program, package) in enumerate(PACKAGES.items(), start=1):
            _say(f"e2e: {number}/{len(PACKAGES)} {program}")
            _build_one(go, package, made / program)
        _put_in_place(made, folder)


def _build_one(go: str, package: str, output: Path) -> None:
    """Build one program, with the versions that go.sum pins and nothing newer."""
    command = [go, "build", "-trimpath", "-buildvcs=false", "-ldflags", _linker_flags()]
    command += ["-o", str(output), package]
    subprocess.run(command, cwd=MODULE, env=_environment(os.environ), check=True)  # noqa: S603 - our own words


def _put_in_place(made: Path, folder: Path) -> None:
    """Rename ``made`` to ``folder``; a build that finished first there is as good as ours."""
    if folder.exists() and not pinned_binaries().complete():
        shutil.rmtree(folder)
    try:
        made.rename(folder)
    except OSError:
        if not pinned_binaries().complete():
            raise


def _linker_flags() -> str:
    """Return the flags that drop debugging symbols and stamp the version."""
    version = kubernetes_version()
    major, minor, _ = version.removeprefix("v").split(".", 2)
    stamps = {
        "gitVersion": version,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
    }
    words = ["-s", "-w"]
    for name, value in stamps.items():
        words += ["-X", f"{VERSION_PACKAGE}.{name}={value}"]
    return " ".join(words)


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's environment, less what would change the versions or the linking."""
    return {
        **inherited,
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _say(line: str) -> None:
    """Print one line to stderr, where go prints its own."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - this is a command


if __name__ == "__main__":
    raise SystemExit(main())
