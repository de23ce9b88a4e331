"""What a start asks the API server for, before there is anybody to read what it says.

It makes its lists while msgspec, the store and what answers are imported, so neither this file nor
anything that it imports may need those.
"""

from __future__ import annotations

import contextlib

from kubedns_py.cluster.resources import Resource
from kubedns_py.config.options import Config
from kubedns_py.sources.apiserver import ApiServer, connect


def resources_of(config: Config) -> list[Resource]:
    """Return what is listed and watched as the options say."""
    if config.manifests:
        return list(Resource)
    resources = [Resource.SERVICES, Resource.NAMESPACES, Resource(config.endpoints_api)]
    return resources + [Resource.PODS] * (config.pods == "verified")


async def ask(config: Config, edges: contextlib.AsyncExitStack) -> ApiServer | None:
    """Send the first requests; return whom, None where a directory is read instead.

    It may take its time: a credential plugin is given 30 s.

    Args:
        config: the options.
        edges: closes the connections.

    Raises:
        StartError: a flag, file or certificate cannot be used.
    """
    if config.manifests:
        return None
    server = await connect(
        kube_master_url=config.kube_master_url,
        kubecfg_file=config.kubecfg_file,
        labels=config.labels,
    )
    await edges.enter_async_context(server)
    await server.ask_ahead(resources_of(config))
    return server
