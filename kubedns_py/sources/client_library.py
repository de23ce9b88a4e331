"""What we use of kubernetes_asyncio: its readers of kubeconfigs and service accounts.

Rules of this file:

- The library imports all of itself whenever a part is imported: 1,000 modules of models, 40 MiB and
  0.4 s. So its packages are stood in for by empty ones, only while its readers are imported, and
  what they want of ``kubernetes_asyncio.client`` is ours.
- Nothing of this is left in ``sys.modules``: whoever imports the library gets all of it, as ever.
- It is the only file that knows where things are in the library.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any, Final, NamedTuple

_LIBRARY: Final = "kubernetes_asyncio"
_PACKAGES: Final = (_LIBRARY, f"{_LIBRARY}.client", f"{_LIBRARY}.config")


class Configuration:
    """What the library's readers fill in, under the names of its own class.

    Attributes:
        host: the API server's URL.
        ssl_ca_cert, cert_file, key_file: paths, or None.
        verify_ssl: whether the server's certificate has to be right.
        tls_server_name: the name in it, where it is not that of the URL; or None.
        proxy: URL of one, or None.
        api_key: ``BearerToken`` is the value of the Authorization header.
    """

    def __init__(
        self,
        host: str = "",
        *,
        ssl_ca_cert: str | None = None,
        verify_ssl: bool = True,
        tls_server_name: str | None = None,
        proxy: str | None = None,
    ) -> None:
        self.host = host
        self.ssl_ca_cert = ssl_ca_cert
        self.cert_file: str | None = None
        self.key_file: str | None = None
        self.verify_ssl = verify_ssl
        self.tls_server_name = tls_server_name
        self.proxy = proxy
        self.api_key: dict[str, str] = {}


class Kubeconfigs(NamedTuple):
    """The library's reader of kubeconfigs, under its own names; it has no types."""

    KubeConfigMerger: Any
    KubeConfigLoader: Any
    ConfigNode: Any


class ServiceAccounts(NamedTuple):
    """The library's reader of service accounts, and what it raises."""

    InClusterConfigLoader: Any
    ConfigException: type[Exception]


@cache
def kubeconfigs() -> Kubeconfigs:
    """Return what reads kubeconfigs; it brings PyYAML.

    aiohttp, which it would bring as well, is for providers of tokens, and waits until there is one.
    """
    with _stood_in():
        sys.modules[f"{_LIBRARY}.config.openid"] = providers = ModuleType("openid")
        vars(providers)["OpenIDRequestor"] = _requestor
        from kubernetes_asyncio.config import kube_config as found  # noqa: PLC0415 - as said above

    return Kubeconfigs(found.KubeConfigMerger, found.KubeConfigLoader, found.ConfigNode)


def _requestor(*given: Any, **named: Any) -> Any:
    """Return the library's client of an OpenID provider."""
    import kubedns_py.lean_aiohttp  # noqa: F401, PLC0415 - as said above

    with _stood_in():
        from kubernetes_asyncio.config.openid import OpenIDRequestor  # noqa: PLC0415 - same

    return OpenIDRequestor(*given, **named)


@cache
def service_accounts() -> ServiceAccounts:
    """Return what reads the service account of a Pod."""
    with _stood_in():
        from kubernetes_asyncio.config import config_exception  # noqa: PLC0415 - same
        from kubernetes_asyncio.config import incluster_config as found  # noqa: PLC0415 - same

    return ServiceAccounts(found.InClusterConfigLoader, config_exception.ConfigException)


@contextmanager
def _stood_in() -> Iterator[None]:
    """Let modules of the library be imported, for as long as this lasts, without its packages."""
    before = {each: module for each, module in sys.modules.items() if _is_of_library(each)}
    for each in before:
        del sys.modules[each]
    try:
        for each in _PACKAGES:
            sys.modules[each] = _unfilled(each)
        wanted = {"ApiClient": object, "Configuration": Configuration}
        vars(sys.modules[f"{_LIBRARY}.client"]).update(wanted)
        yield
    finally:
        for each in [each for each in sys.modules if _is_of_library(each)]:
            del sys.modules[each]
        sys.modules.update(before)


def _is_of_library(name: str) -> bool:
    return name == _LIBRARY or name.startswith(f"{_LIBRARY}.")


def _unfilled(name: str) -> ModuleType:
    """Return a package that finds its modules, with nothing executed."""
    found = find_spec(name)
    if found is None:
        raise ModuleNotFoundError(name=name)
    return module_from_spec(found)
