"""Where the built programs of the control plane are, and which versions they have.

Building is ``tests.e2e.build``'s work and starting is ``tests.e2e.controlplane``'s; this file only
names places, so that the two agree. The folder's name is a digest of go.mod and go.sum: another
version is another folder, and an old one is never mistaken for it.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

MODULE = Path(__file__).with_name("controlplane")
"""The folder of the Go module that pins the programs."""

PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
}
"""Program name to Go package, in the order in which they are built and started."""


class BinariesMissingError(Exception):
    """The programs have not been built for the pinned versions."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder that holds every program of PACKAGES."""

    folder: Path

    def path(self, program: str) -> Path:
        """Return the path of one of the programs that PACKAGES names."""
        return self.folder / program

    def complete(self) -> bool:
        """Say whether every program is there and may be executed."""
        return all(os.access(self.path(program), os.X_OK) for program in PACKAGES)


def pinned_binaries() -> Binaries:
    """Return the folder for the pinned versions, whether or not it has been built."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        digest.update((MODULE / name).read_bytes())
    return Binaries(_cache() / digest.hexdigest()[:16])


def built_binaries() -> Binaries:
    """Return the built programs of the pinned versions.

    Raises:
        BinariesMissingError: with one line that says what to run.
    """
    binaries = pinned_binaries()
    if not binaries.complete():
        raise BinariesMissingError(
            f"e2e: there is no control plane in {binaries.folder}: "
            "run make e2e, or python -m tests.e2e.build"
        )
    return binaries


def kubernetes_version() -> str:
    """Return the version of Kubernetes that go.mod requires, such as ``v1.36.4``."""
    pins = (MODULE / "go.mod").read_text()
    found = re.search(r"^\s*k8s\.io/kubernetes (v\S+)", pins, re.MULTILINE)
    if found is None:
        raise ValueError(f"{MODULE / 'go.mod'} does not require k8s.io/kubernetes")
    return found[1]


def _cache() -> Path:
    """Return the folder in which one folder per set of versions lies."""
    own = os.environ.get("KUBEDNS_E2E_CACHE")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(shared) / "kubedns-py" / "controlplane"
