"""Where the API server is and what it lets us in with, as files and flags say it at this moment.

Rules of this file:

- Everything is read anew each time: tokens and certificates rotate (rows F-11, F-13). What is
  wrong is a ``StartError`` of one line; the caller keeps what it had.
- Secrets never enter a message: kubernetes_asyncio puts whole sections into its own.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from kubedns_py.errors import StartError
from kubedns_py.sources.client_library import Configuration, kubeconfigs, service_accounts

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_RENEW_S = 60.0
_EXPIRY_LEEWAY_S = 300.0
_SHORTEST_S = 10.0
_USER = "kubedns-py: the current user"
_TOKEN = re.compile(r"|(Bearer|Basic) [!-~]+")
_NOT_OF_A_SERVER = re.compile(r"[?#\s]")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class Access(NamedTuple):
    """How to reach the API server and be let in.

    Attributes:
        configuration: URL, certificates and proxy.
        authorization: value of the header, or empty.
        files: what it was read from; a change of any of them means reading again.
        identity: two of these with equal identities can share connections.
        good_for_s: after how many seconds to read again although no file changed.
    """

    configuration: Configuration
    authorization: str
    files: tuple[str, ...]
    identity: tuple[object, ...]
    good_for_s: float


Load = Callable[[], Awaitable[Access]]
"""Reads everything anew. Raises StartError."""


def loader(
    kube_master_url: str, kubecfg_file: str, environment: Mapping[str, str], account: Path
) -> Load:
    """Return what reads the access that the flags ask for, as kube-dns does.

    Args:
        kube_master_url: ``--kube-master-url``: replaces the server of a kubeconfig, or stands for
            itself, without any credentials. ``$VAR`` and ``${VAR}`` are replaced.
        kubecfg_file: ``--kubecfg-file``.
        environment: where variables are looked up.
        account: the service account's directory, used when neither flag is given.

    Raises:
        StartError: the URL is none, or there is no home directory for a ``~``.
    """
    url = master_url(kube_master_url, environment) if kube_master_url else ""
    path = _expanded(kubecfg_file)

    async def load() -> Access:
        if kubecfg_file:
            return await _from_kubeconfig(path, url)
        return _from_url(url) if url else _in_cluster(environment, account)

    return load


def master_url(text: str, environment: Mapping[str, str]) -> str:
    """Return the URL with variables replaced and without a slash at its end.

    Raises:
        StartError: it is no http or https URL with a host.
    """
    url = _VARIABLE.sub(lambda found: environment.get(found[1] or found[2], ""), text).strip()
    if not _is_server(url):
        raise StartError(
            f"--kube-master-url {text!r}: not a URL such as https://10.96.0.1:443 once variables"
            " are replaced"
        )
    return url.rstrip("/")


def _is_server(url: str) -> bool:
    """Tell whether a text is an http or https URL to which the API's paths can be added."""
    try:
        parts = urlsplit(url)
        complete = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return False
    return bool(complete) and not _NOT_OF_A_SERVER.search(url)


def _expanded(path: str) -> str:
    try:
        return str(Path(path).expanduser())
    except RuntimeError as error:  # a container's user may have no home directory
        raise StartError(
            f"--kubecfg-file {path}: there is no home directory for ~; give the whole path"
        ) from error


def _from_url(url: str) -> Access:
    return _access(Configuration(host=url), token_file="", good_for_s=float("inf"))


def _in_cluster(environment: Mapping[str, str], account: Path) -> Access:
    token, certificate = str(account / "token"), str(account / "ca.crt")
    configuration = Configuration()
    reader = service_accounts()
    found = reader.InClusterConfigLoader(
        token, certificate, try_refresh_token=False, environ=dict(environment)
    )
    try:
        found.load_and_set(configuration)
    except (reader.ConfigException, OSError, UnicodeDecodeError) as error:
        raise StartError(
            f"service account in {account}: {_first_words(error)}: run in a Pod with a service"
            " account, or give --kubecfg-file, --kube-master-url or --manifests"
        ) from error
    if not _is_server(str(configuration.host)):
        raise StartError(
            f"KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT: {configuration.host!r} is not a"
            " URL; correct them, or give --kube-master-url or --kubecfg-file"
        )
    return _access(configuration, token_file=token, good_for_s=_RENEW_S)


async def _from_kubeconfig(path: str, url: str) -> Access:
    document, user = _kubeconfig(path)
    configuration = Configuration()
    try:
        found = kubeconfigs().KubeConfigLoader(document, config_base_path=None)
        await found.load_and_set(configuration)
        good_for_s = _good_for(found, user)
    except Exception as error:
        # exec plugins, OIDC and base64 fail in many ways; each of them is a file to be corrected
        raise StartError(f"--kubecfg-file {path}: {_first_words(error)}") from error
    if url:
        configuration.host = url
    token_file = user.get("tokenFile") or ""
    if token_file:
        token_file = str(Path(path).parent / token_file)
    return _access(configuration, token_file=token_file, good_for_s=good_for_s, also=(path,))


def _kubeconfig(path: str) -> tuple[Any, dict[str, Any]]:
    """Return a kubeconfig as kubernetes_asyncio wants it, and its current user's section.

    A context without a user gets an empty one, for the library fails on none; where a file with a
    token is named, the token beside it goes, for the file wins in client-go.
    """
    reader = kubeconfigs()
    try:
        Path(path).read_bytes()
        document = reader.KubeConfigMerger(path).config
        content = document.value if document is not None else {}
        contexts = {each["name"]: each["context"] for each in _plain(content["contexts"])}
        context = contexts[content["current-context"]]
        users = {each["name"]: each.get("user") for each in _plain(content.get("users") or [])}
        servers = {each["name"]: each["cluster"]["server"] for each in _plain(content["clusters"])}
        server = servers[context["cluster"]]
        user = dict(users.get(context.get("user")) or {})
    except OSError as error:
        raise StartError(f"--kubecfg-file {path}: {error.strerror}") from error
    except Exception as error:
        raise StartError(
            f"--kubecfg-file {path}: not a kubeconfig with a current context, its cluster and the"
            f" cluster's server ({type(error).__name__})"
        ) from error
    if not isinstance(server, str) or not _is_server(server.strip()):
        raise StartError(f"--kubecfg-file {path}: the cluster's server is not a URL")
    if user.get("tokenFile"):
        user.pop("token", None)
    # under a name of its own, so that the file's own entry, if there is one, is passed over
    context["user"] = _USER
    content["users"].append(reader.ConfigNode(path, {"name": _USER, "user": user}, path))
    return document, user


def _plain(nodes: list[Any]) -> list[Any]:
    """Return the library's nodes as the plain values that they wrap."""
    return [getattr(node, "value", node) for node in nodes]


def _good_for(found: Any, user: dict[str, Any]) -> float:
    """Return how long what a plugin gave is good for; a plugin that does not say: until refused."""
    if "exec" not in user:
        return _RENEW_S
    expiry = getattr(found, "exec_plugin_expiry", None)
    if expiry is None:
        return float("inf")
    left = (expiry - datetime.now(UTC)).total_seconds()
    return max(float(left) - _EXPIRY_LEEWAY_S, _SHORTEST_S)


def _access(
    configuration: Configuration, *, token_file: str, good_for_s: float, also: tuple[str, ...] = ()
) -> Access:
    authorization = str(configuration.api_key.get("BearerToken") or "").strip()
    if not _TOKEN.fullmatch(authorization):
        where = token_file or "the kubeconfig"
        raise StartError(f"token in {where}: empty, or with characters that no token has")
    tls = (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
    return Access(
        configuration=configuration,
        authorization=authorization,
        files=tuple(str(each) for each in (*also, token_file, *tls) if each),
        identity=(
            configuration.host,
            configuration.verify_ssl,
            configuration.tls_server_name,
            configuration.proxy,
            *(_content(each) for each in tls),
        ),
        good_for_s=good_for_s,
    )


def _content(path: str | None) -> bytes | None:
    try:
        return Path(path).read_bytes() if path else None
    except OSError as error:
        raise StartError(f"{path}: {error.strerror}") from error


def _first_words(error: Exception) -> str:
    """Return what is said before any section of a file is quoted."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or ''} {error.strerror}".strip()
    words = str(error).split(" in ", 1)[0].splitlines() or [""]
    return f"{type(error).__name__}: {words[0][:120]}".rstrip(": .")


def change_marks(files: tuple[str, ...]) -> tuple[object, ...]:
    """Return what tells whether files changed: a missing one has its own mark."""
    return tuple(_mark(each) for each in files)


def _mark(path: str) -> tuple[int, int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)
