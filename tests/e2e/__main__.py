"""Run a control plane by hand until Ctrl-C: ``python -m tests.e2e [kube-apiserver flag ...]``."""

import signal
import sys
import tempfile
from pathlib import Path

from tests.e2e.binaries import BinariesMissingError, built_binaries
from tests.e2e.cluster import Cluster
from tests.e2e.controlplane import ControlPlane, running_control_plane
from tests.e2e.flags import Switches
from tests.e2e.processes import StartFailedError

SHOWN = """\
The control plane runs in {folder} until Ctrl-C.
  administrator  {admin}
  DNS server     {dns}
"""


def main(flags: list[str]) -> int:
    """Start, print where the kubeconfig files are, wait for Ctrl-C or SIGTERM, stop."""
    waited_for = (signal.SIGINT, signal.SIGTERM)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="kubedns-e2e-") as folder,
            running_control_plane(
                built_binaries(), Path(folder), Switches(apiserver=tuple(flags))
            ) as plane,
        ):
            signal.pthread_sigmask(signal.SIG_BLOCK, waited_for)
            _prepare_and_show(plane)
            signal.sigwait(waited_for)
    except (BinariesMissingError, StartFailedError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _prepare_and_show(plane: ControlPlane) -> None:
    """Add a node and the DNS server's role, and print the files to use."""
    cluster = Cluster(plane.admin)
    cluster.add_node()
    cluster.grant_dns_access()
    sys.stdout.write(
        SHOWN.format(
            folder=plane.folder,
            admin=plane.kubeconfig("admin", plane.users.admin),
            dns=plane.kubeconfig("dns", plane.users.dns),
        )
    )
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
