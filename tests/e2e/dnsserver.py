"""The DNS server of a control plane: the real program, with the rights and flags of the chart.

Rules of this file:

- What a server may read are the roles that the chart renders for the same values as its flags,
  bound to a service account of its own. A right that the chart forgets is missing here too.
- It reads a signed token from a file, as a pod does.
- A test names what it waits for: an answer, or that everything before a mark was taken in.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.charts.render import container, render_chart
from tests.e2e.apiclient import ApiClient, JsonObject, item
from tests.e2e.cluster import Cluster
from tests.e2e.controlplane import ControlPlane
from tests.e2e.credentials import write_kubeconfig
from tests.e2e.wait import until
from tests.helpers.process import ServerProcess, serving

DOMAIN = "cluster.local."
TOKEN_S = 3600

Values = Mapping[str, Any]

_OF_THE_TEST = ("serve", "--dns-port", "--healthz-port", "--metrics-port", "--lameduck")
"""Words of the chart's command line that a test chooses otherwise."""

_RIGHTS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
"""What is installed of the chart; the last two only where a ConfigMap is watched."""


@dataclass(frozen=True, slots=True)
class Account:
    """A service account that the chart made.

    Attributes:
        name: its name, in kube-system, where the chart is installed.
        role: name of its ClusterRole.
        token_file: what its server reads its token from.
    """

    name: str
    role: str
    token_file: Path


class DnsServers:
    """Starts the DNS servers of one control plane; dns_servers() is the way to get one."""

    def __init__(self, plane: ControlPlane, running: ExitStack, name: str) -> None:
        self._plane = plane
        self._running = running
        self._name = name
        self._numbers = itertools.count(1)

    def account(self, values: Values | None = None) -> Account:
        """Install the chart's service account and roles under a new name, and issue a token."""
        api = self._plane.admin
        release = f"{self._name}-{next(self._numbers)}"
        made = {each["kind"]: each for each in render_chart(values, release=release)}
        for kind in _RIGHTS:
            if kind in made:
                api.apply(made[kind])
        name = made["ServiceAccount"]["metadata"]["name"]
        token_file = self._plane.folder / f"{name}.token"
        token_file.write_text(issue_token(api, name))
        return Account(name, made["ClusterRole"]["metadata"]["name"], token_file)

    def start(
        self,
        *flags: str,
        values: Values | None = None,
        account: Account | None = None,
        through: str = "",
        wait: bool = True,
        forwards: bool = False,
    ) -> ServerProcess:
        """Start a server.

        Args:
            flags: further flags; for one with a single value the last one counts.
            values: of the chart, for the flags and the rights.
            account: its account when it is not one made from ``values``.
            through: URL of the API server when it is not the control plane's own.
            wait: whether to return when the server is ready, and not at once.
            forwards: whether other names are forwarded. Where they are refused, a name that is not
                there looks like no other fault.
        """
        account = account or self.account(values)
        config = write_kubeconfig(
            account.token_file.with_suffix(".kubeconfig"),
            server=through or self._plane.server,
            ca=self._plane.certificates.ca,
            user={"tokenFile": str(account.token_file)},
        )
        started = serving(
            self._plane.folder,
            f"--kubecfg-file={config}",
            *(() if forwards else ("--forward=false",)),
            *chart_flags(values),
            *flags,
        )
        server = self._running.enter_context(started)
        self._running.enter_context(self._plane.processes.guarded(server.process.pid))
        if wait:
            server.wait_ready()
        return server


@contextmanager
def dns_servers(plane: ControlPlane, name: str = "dns") -> Iterator[DnsServers]:
    """Start DNS servers, which end with the context.

    Args:
        plane: where.
        name: begins the names of their accounts; of its own for each use with one plane.
    """
    with ExitStack() as running:
        yield DnsServers(plane, running, name)


def chart_flags(values: Values | None) -> list[str]:
    """Return the flags that the chart starts its server with, except for ports."""
    words: list[str] = container(values)["args"]
    return [word for word in words if word.partition("=")[0] not in _OF_THE_TEST]


def issue_token(api: ApiClient, account: str, namespace: str = "kube-system") -> str:
    """Return a signed token of a service account, as kubelets mount one."""
    request: JsonObject = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": TOKEN_S},
    }
    answer = api.request("POST", f"{item('ServiceAccount', account, namespace)}/token", request)
    token: str = answer["status"]["token"]
    return token


def fqdn(path: str) -> str:
    """Return the whole name of a path such as ``web.shop`` below ``svc``."""
    return f"{path}.svc.{DOMAIN}"


def wait_answer(
    server: ServerProcess,
    name: str,
    expected: Sequence[str],
    qtype: str = "A",
    *,
    within_s: float = 15.0,
) -> None:
    """Wait until a question is answered so: lines, or the RCODE where there are none.

    Args:
        server: whom to ask, over UDP.
        name: of the question.
        expected: such as ``["NXDOMAIN"]`` or ``["10.96.0.1"]``: the data of every record, sorted.
        qtype: of the question.
        within_s: deadline, in seconds.
    """
    until(
        lambda: data(server, name, qtype),
        f"{name} {qtype} is {list(expected)}",
        accept=lambda seen: seen == list(expected),
        within_s=within_s,
    )


def data(server: ServerProcess, name: str, qtype: str = "A") -> list[str]:
    """Return the data of every record of an answer, sorted, or its RCODE where there are none."""
    lines = server.lines(name, qtype)
    return sorted(" ".join(line.split()[4:]) or line for line in lines)


def pointers(server: ServerProcess, address: str) -> list[str]:
    """Return what an address points at, or the RCODE."""
    return data(server, reverse(address), "PTR")


def reverse(address: str) -> str:
    """Return the reverse name of an IPv4 address."""
    return f"{'.'.join(reversed(address.split('.')))}.in-addr.arpa."


def catch_up(server: ServerProcess, cluster: Cluster, namespace: str, mark: str = "mark") -> None:
    """Wait until a server has taken in every change of Services and endpoints made before.

    A watch tells changes in their order, so a change made now that is answered says it.

    Args:
        server: the server.
        cluster: its cluster.
        namespace: where the mark is made.
        mark: its name, one that is not there yet.
    """
    cluster.add_headless(mark, namespace, "192.0.2.200")
    wait_answer(server, fqdn(f"{mark}.{namespace}"), ["192.0.2.200"])


def wait_log(server: ServerProcess, words: str, level: str = "") -> None:
    """Wait until a line of the log has these words.

    Args:
        server: whose log.
        words: a regular expression.
        level: ``I``, ``W`` or ``E``, as klog writes it; empty for any.
    """
    pattern = re.compile(rf"^{level or '.'}\d{{4}} .*{words}", re.MULTILINE)
    until(lambda: pattern.search(server.log), f"the log says {words!r}")


def metric(server: ServerProcess, name: str, **labels: str) -> float:
    """Return the sum of a metric's values that have these labels; one that is not there is 0."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(server.page("/metrics")[1])
        for sample in family.samples
        if sample.name == f"kubedns_{name}" and labels.items() <= sample.labels.items()
    )
