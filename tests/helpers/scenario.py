"""A scenario folder in memory: its objects in a store, its options, and what answers from them.

Rules of this file:

- ``put_together`` is the only place in the scenario tests that knows how the program is composed.
- Objects go through the real decoder as JSON, options through the real parser; a document without
  ``kind`` and with ``state: unsynced`` stands for a server before its first complete list.
- No clock and no chance: time stands still, and turns count up.
"""

import itertools
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from kubedns_py.assembly import Core, Identity, assemble
from kubedns_py.cluster.decode import decode
from kubedns_py.cluster.resources import Resource
from kubedns_py.config.arguments import load as load_options
from kubedns_py.config.options import Config
from kubedns_py.resolver.view import Known
from kubedns_py.server.arrival import Arrival, Respond
from kubedns_py.server.respond import Chances
from tests.helpers.objects import item_of
from tests.helpers.scripted_upstreams import Script, ScriptedUpstreams, parse

SCENARIOS = Path(__file__).parent.parent / "scenarios"
NOW = 1_700_000_000.0
KINDS = {
    "Service": Resource.SERVICES,
    "EndpointSlice": Resource.ENDPOINTSLICES,
    "Endpoints": Resource.ENDPOINTS,
    "Namespace": Resource.NAMESPACES,
    "Pod": Resource.PODS,
}
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LoadedScenario:
    """A cluster that can be asked.

    Attributes:
        respond: octets to octets, without sockets.
        core: the program's own composition, for the driver that asks without octets.
        script: what upstreams say; None where nothing is forwarded.
    """

    respond: Respond
    core: Core
    script: Script | None = None

    @property
    def forwards(self) -> bool:
        """Whether there is somebody to ask for other names."""
        return self.script is not None

    @property
    def upstreams(self) -> ScriptedUpstreams:
        """Somebody to ask, for the driver without octets."""
        assert self.script is not None
        return ScriptedUpstreams(self.script, self.core.view)

    def reply(self, query: bytes, arrival: Arrival) -> bytes | None:
        """Return the reply to a query, also where it is said later: here it never is."""
        reply = self.respond(query, arrival)
        if reply is None or isinstance(reply, bytes):
            return reply
        said: list[bytes | None] = []
        reply.begin("192.0.2.200", said.append)
        (only,) = said
        return only


def load(folder: Path, *, forwards: bool = True) -> LoadedScenario:
    """Return the scenario of a folder: ``cluster.yaml``, and what else is there.

    ``options.txt`` has command line options; ``upstream.txt`` what upstreams say: without it
    nothing is forwarded, and neither is it where ``forwards`` says so.
    """
    documents = yaml.load_all((folder / "cluster.yaml").read_text("utf-8"), yaml.CSafeLoader)
    options = folder / "options.txt"
    flags = shlex.split(options.read_text("utf-8")) if options.exists() else []
    upstream = folder / "upstream.txt"
    script = parse(upstream.read_text("utf-8")) if forwards and upstream.exists() else None
    return put_together([each for each in documents if each], flags, script=script)


def put_together(
    documents: Iterable[Document], flags: Iterable[str] = (), *, script: Script | None = None
) -> LoadedScenario:
    """Return what answers from API objects.

    Args:
        documents: API objects as JSON values, in the order in which the server hears of them.
        flags: command line options.
        script: what upstreams say, if there are any.
    """
    documents = list(documents)
    config = load_options(list(flags), {}, program="kubedns-py").config
    turns = itertools.count()
    core = assemble(
        config,
        Chances(clock=lambda: 0.0, turn=lambda: next(turns)),
        identity=Identity(version="1.2.3", node="dns-pod-1"),
        upstreams=partial(ScriptedUpstreams, script) if script is not None else None,
    )
    for resource, octets in _objects(documents, config):
        item = item_of(decode(resource, octets))
        if item is not None:
            core.store.put(resource, item)
    if not any(each.get("state") == "unsynced" for each in documents):
        core.view.known = Known.ALL
    core.commit(NOW)
    return LoadedScenario(core.responder.respond, core, script)


def _objects(documents: Iterable[Document], config: Config) -> Iterator[tuple[Resource, bytes]]:
    """Yield what the watches of this configuration would see."""
    other = {"endpointslices": Resource.ENDPOINTS, "endpoints": Resource.ENDPOINTSLICES}
    for document in documents:
        if "kind" in document:
            resource = KINDS[document["kind"]]
            if resource is not other[config.endpoints_api]:
                yield resource, json.dumps(document).encode()
