"""The programs that are compared with or needed as a counterpart: ``python -m bench.build``.

CoreDNS and programs of ours are built with Go and kept outside the work tree, each in a file named
after the digest of what it is made of, so what is built already is not built again. dnsperf and
Knot DNS come from the system's packages. What is missing and cannot be had is said in one line.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

MODULE = Path(__file__).with_name("peers")
"""The folder of the Go module that pins CoreDNS and holds what we wrote."""

_PINS = ("go.mod", "go.sum")
_APT = ("apt-get", "install", "-qq", "--no-install-recommends")
_PACKAGES = {"dnsperf": "dnsperf", "knotd": "knot"}
_ELSEWHERE = "/usr/sbin:/usr/local/sbin"  # where packages put servers


class MissingError(Exception):
    """A program is not there and cannot be had; the text says in one line what to do."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Paths of what a run needs beside our own server.

    Attributes:
        dnsperf: the load generator.
        upstream: the name server behind the measured ones, where they forward.
        asker: asks at a fixed rate and notes latencies.
        coredns: a peer, or None where it is not measured.
        knotd: likewise.
    """

    dnsperf: Path
    upstream: Path | None = None
    asker: Path | None = None
    coredns: Path | None = None
    knotd: Path | None = None


def programs(*wanted: str) -> Programs:
    """Return dnsperf and what is wanted beside it, built or installed first where it is missing.

    Args:
        wanted: names of the fields of ``Programs``.

    Raises:
        MissingError: Go or a package is missing, or the build failed.
    """
    pins = [MODULE / name for name in _PINS]
    ways: dict[str, Callable[[], Path]] = {
        "upstream": partial(_ours, "upstream"),
        "asker": partial(_ours, "asker"),
        "coredns": partial(_built, "coredns", "github.com/coredns/coredns", pins),
        "knotd": partial(_packaged, "knotd"),
    }
    return Programs(_packaged("dnsperf"), **{name: ways[name]() for name in wanted})


def coredns_version() -> str:
    """Return the version of CoreDNS that go.mod requires, such as ``1.14.7``."""
    found = re.search(r"github\.com/coredns/coredns v(\S+)", (MODULE / _PINS[0]).read_text())
    if found is None:
        raise ValueError(f"{MODULE / _PINS[0]} does not require github.com/coredns/coredns")
    return found[1]


def knot_version(knotd: Path) -> str:
    """Return the version of Knot DNS, such as ``3.2.6``."""
    words = [str(knotd), "--version"]
    said = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    return said.stdout.split()[-1]


def _packaged(program: str) -> Path:
    """Return the path of a program of Debian's; root installs it where apt-get is.

    A server is not installed where systemd would start it as a service.
    """
    service = program != "dnsperf" and Path("/run/systemd/system").exists()
    if not _found(program) and shutil.which(_APT[0]) and os.geteuid() == 0 and not service:
        _say(f"bench: installing {_PACKAGES[program]}")
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in ((_APT[0], "update", "-qq"), (*_APT, _PACKAGES[program])):
            subprocess.run(words, env=quiet, stdout=subprocess.DEVNULL, check=False)  # noqa: S603 - our own words
    found = _found(program)
    if found is None:
        raise MissingError(
            f"bench: {program} is not on PATH: install the package {_PACKAGES[program]}"
        )
    return Path(found)


def _found(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path=_ELSEWHERE)


def _ours(name: str) -> Path:
    """Return a program whose source is a folder of the module."""
    sources = sorted((MODULE / name).glob("*.go"))
    return _built(name, f"./{name}", [MODULE / _PINS[0], *sources])


def _built(name: str, package: str, made_of: list[Path]) -> Path:
    """Return a built program; a build that is interrupted, or runs twice at once, does no harm."""
    digest = hashlib.sha256()
    for path in made_of:
        digest.update(path.read_bytes())
    program = _cache() / f"{name}-{digest.hexdigest()[:16]}"
    if not os.access(program, os.X_OK):
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".building-", dir=program.parent) as building:
            output = Path(building, name)
            _build(package, output)
            output.rename(program)
    return program


def _build(package: str, output: Path) -> None:
    """Build one package, with the versions that go.sum pins and nothing newer."""
    go = shutil.which("go")
    if go is None:
        raise MissingError("bench: go is not on PATH: install Go 1.26 or newer")
    _say(f"bench: building {output.name}; CoreDNS takes some minutes the first time")
    command = [go, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w"]
    pinned = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}
    environment = {**os.environ, **pinned, "GOWORK": "off"}
    command += ["-o", str(output), package]
    ended = subprocess.run(command, cwd=MODULE, env=environment, check=False)  # noqa: S603 - our own words
    if ended.returncode:
        raise MissingError(f"bench: go build of {package} failed; its own words are above")


def _cache() -> Path:
    """Return the folder that holds the built programs."""
    own = os.environ.get("KUBEDNS_BENCH_CACHE")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(shared) / "kubedns-py" / "peers"


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main() -> int:
    """Build and install what is missing; return the exit status, 1 with one line on stderr."""
    try:
        found = programs("upstream", "asker", "coredns", "knotd")
    except MissingError as error:
        _say(str(error))
        return 1
    paths = (found.dnsperf, found.upstream, found.asker, found.coredns, found.knotd)
    _say(f"bench: {', '.join(map(str, paths))} are there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
