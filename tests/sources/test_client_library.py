"""The library's readers without the library."""

from __future__ import annotations

import sys

import pytest

from kubedns_py.sources import client_library
from kubedns_py.sources.client_library import Configuration, kubeconfigs, service_accounts
from tests.helpers.separately import printed


def test_the_readers_are_there() -> None:
    """Ecosystem 1.3: in-cluster and kubeconfig, as client-go reads them."""
    assert kubeconfigs().KubeConfigLoader.load_and_set
    assert kubeconfigs().KubeConfigMerger
    assert kubeconfigs().ConfigNode("a", {"b": 1})["b"] == 1
    assert service_accounts().InClusterConfigLoader.load_and_set
    assert issubclass(service_accounts().ConfigException, Exception)


def test_no_part_of_the_library_stays_imported() -> None:
    """Ecosystem 1.3: 1,000 modules of models, 40 MiB and 0.4 s for two readers."""
    code = """if True:
        import sys
        from kubedns_py.sources.client_library import kubeconfigs, service_accounts
        service_accounts()
        print("yaml" in sys.modules, end=" ")
        kubeconfigs()
        print("aiohttp" in sys.modules, end=" ")
        print([name for name in sys.modules if name.startswith("kubernetes_asyncio")])
    """

    assert printed(code) == "False False []"


def test_the_library_is_whole_for_others_before_and_after() -> None:
    """What we leave out is ours to miss; a program around us may use all of it."""
    code = """if True:
        import sys
        if {before}:
            import kubernetes_asyncio
        from kubedns_py.sources.client_library import Configuration, kubeconfigs
        kubeconfigs()
        import kubernetes_asyncio.client
        from kubernetes_asyncio.config import kube_config
        print(kube_config.Configuration is kubernetes_asyncio.client.Configuration, end=" ")
        print(kube_config.Configuration is Configuration)
    """

    for before in (True, False):
        assert printed(code.format(before=before)) == "True False"


def test_what_is_not_said_is_as_in_the_library() -> None:
    """Certificates are verified, and nothing else is assumed."""
    code = """if True:
        from kubernetes_asyncio.client import Configuration as Theirs
        from kubedns_py.sources.client_library import Configuration as Ours
        names = [name for name in vars(Ours()) if name != "host"]
        print(all(getattr(Ours(), name) == getattr(Theirs(), name) for name in names))
    """

    assert printed(code) == "True"
    assert Configuration().verify_ssl


def test_a_library_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by any import; what was imported before is left as it was."""
    before = {name for name in sys.modules if name.startswith("kubernetes_asyncio")}
    monkeypatch.setattr(client_library, "_PACKAGES", ("kubernetes_asyncio_that_is_not_there",))
    kubeconfigs.cache_clear()

    with pytest.raises(ModuleNotFoundError):
        kubeconfigs()
    assert {name for name in sys.modules if name.startswith("kubernetes_asyncio")} == before
