"""What flags, a kubeconfig or a service account become, and how errors in them are said."""

from __future__ import annotations

import base64
import json
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import trustme

from kubedns_py.errors import StartError
from kubedns_py.sources.credentials import Access, change_marks, loader, master_url

IN_POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
CA = trustme.CA()


async def access(
    *,
    url: str = "",
    kubeconfig: Path | None = None,
    environment: Mapping[str, str] | None = None,
    account: Path = Path("/nonexistent"),
) -> Access:
    """Return what is read with these flags."""
    flags = (url, str(kubeconfig) if kubeconfig else "")
    return await loader(*flags, environment or {}, account)()


async def refused(
    *,
    kubeconfig: Path | None = None,
    environment: Mapping[str, str] | None = None,
    account: Path = Path("/nonexistent"),
) -> str:
    """Return the words of a start that fails."""
    with pytest.raises(StartError) as caught:
        await access(kubeconfig=kubeconfig, environment=environment, account=account)
    said = str(caught.value)
    assert "\n" not in said
    return said


def a_service_account(directory: Path, *, token: str = "t0k") -> Path:  # noqa: S107 - a made-up token
    """Write a service account as the kubelet mounts it."""
    (directory / "token").write_text(token)
    CA.cert_pem.write_to_path(str(directory / "ca.crt"))
    return directory


def a_kubeconfig(
    directory: Path,
    *,
    server: str = "https://10.96.0.1:6443",
    user: Mapping[str, object] | None = None,
    **cluster: object,
) -> Path:
    """Write a kubeconfig as JSON, which is YAML; without ``user`` its context has none."""
    context = {"cluster": "c", **({"user": "u"} if user is not None else {})}
    document = {
        "current-context": "x",
        "contexts": [{"name": "w", "context": {}}, {"name": "x", "context": context}],
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user}] if user is not None else None,
    }
    path = directory / "kubeconfig"
    path.write_text(json.dumps(document))
    return path


# -- --kube-master-url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://[fd00::1]:6443/", "https://[fd00::1]:6443"),
        ("https://gate/clusters/a/", "https://gate/clusters/a"),
        ("https://$HOST:$PORT", "https://10.96.0.1:443"),
        ("https://${HOST}:${PORT}/x", "https://10.96.0.1:443/x"),
        ("http://a${NOTHING}b", "http://ab"),
    ],
)
def test_variables_in_the_url_are_replaced(text: str, expected: str) -> None:
    """Behaviour 2.1.2: kube-dns expands the environment in --kube-master-url."""
    assert master_url(text, {"HOST": "10.96.0.1", "PORT": "443"}) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("10.96.0.1", "ftp://a", "https://", "https://:443", "https://a:99999", "http://[::1"),
        *("https://a/?b=c", "https://a#b", "https://a b", "https://a/\nb"),
    ],
)
def test_a_url_that_is_none_is_said(text: str) -> None:
    """Bad input gets one clear line: the flag, what is wrong, what to do."""
    with pytest.raises(StartError, match=r"^--kube-master-url .*: not a URL such as https://"):
        master_url(text, {})


def test_a_home_directory_that_is_not_there_is_said() -> None:
    """Bad input: a container's user 65532 is in no /etc/passwd."""
    with pytest.raises(StartError, match=r"^--kubecfg-file ~nobody-here/config: .*whole path$"):
        loader("", "~nobody-here/config", {}, Path("/nonexistent"))


async def test_a_bare_url_has_no_credentials() -> None:
    """Behaviour 2.1.2: the service account is not used with --kube-master-url alone."""
    found = await access(url="http://127.0.0.1:8080", environment=IN_POD)

    assert found.configuration.host == "http://127.0.0.1:8080"
    assert found.authorization == ""
    assert found.files == ()


async def test_the_url_replaces_the_server_of_a_kubeconfig(tmp_path: Path) -> None:
    """Behaviour 2.1.2: both flags together."""
    path = a_kubeconfig(tmp_path, user={"token": "abc"})

    found = await access(url="https://other:1", kubeconfig=path)

    assert (found.configuration.host, found.authorization) == ("https://other:1", "Bearer abc")


# -- service account


async def test_the_service_account_is_used_without_flags(tmp_path: Path) -> None:
    """Ecosystem 1.3; a line break after a hand-made token is no part of it."""
    found = await access(environment=IN_POD, account=a_service_account(tmp_path, token="t0k\n"))

    assert found.configuration.host == "https://10.96.0.1:443"
    assert found.authorization == "Bearer t0k"
    assert found.files == (str(tmp_path / "token"), str(tmp_path / "ca.crt"))
    assert found.good_for_s == 60.0


async def test_an_ipv6_service_address_is_bracketed(tmp_path: Path) -> None:
    """KUBERNETES_SERVICE_HOST has no brackets."""
    environment = IN_POD | {"KUBERNETES_SERVICE_HOST": "fd00::1"}

    found = await access(environment=environment, account=a_service_account(tmp_path))

    assert found.configuration.host == "https://[fd00::1]:443"


async def test_a_service_port_that_is_none_is_said(tmp_path: Path) -> None:
    """A Service of one's own called kubernetes may have set the variable."""
    environment = IN_POD | {"KUBERNETES_SERVICE_PORT": "tcp"}

    said = await refused(environment=environment, account=a_service_account(tmp_path))

    assert said == (
        "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT: 'https://10.96.0.1:tcp' is not a"
        " URL; correct them, or give --kube-master-url or --kubecfg-file"
    )


async def test_a_start_outside_of_a_pod_says_what_to_give(tmp_path: Path) -> None:
    """The most frequent first attempt."""
    assert await refused(account=tmp_path) == (
        f"service account in {tmp_path}: ConfigException: Service host/port is not set: run in a"
        " Pod with a service account, or give --kubecfg-file, --kube-master-url or --manifests"
    )


@pytest.mark.parametrize("missing", ["token", "ca.crt"])
async def test_a_missing_file_of_the_service_account_is_said(tmp_path: Path, missing: str) -> None:
    """F-14: at start it is an error; later the last good one is kept."""
    (a_service_account(tmp_path) / missing).unlink()

    said = await refused(environment=IN_POD, account=tmp_path)

    assert said.startswith(f"service account in {tmp_path}: ConfigException: Service ")


@pytest.mark.parametrize("token", ["", " \n", "a b", "a\r\nHost: b", "ab\x00", "\u00fc"])
async def test_a_token_that_is_none_is_said_without_showing_it(tmp_path: Path, token: str) -> None:
    """Ecosystem 1.3: a control character in it would fail in every request."""
    account = a_service_account(tmp_path, token=token)

    said = await refused(environment=IN_POD, account=account)

    assert "oken" in said
    assert "Host" not in said


# -- kubeconfig


async def test_a_kubeconfig_with_a_token_and_a_certificate(tmp_path: Path) -> None:
    """Ecosystem 1.3: data fields stand in the file itself."""
    data = base64.b64encode(CA.cert_pem.bytes()).decode()
    path = a_kubeconfig(
        tmp_path,
        user={"token": "abc"},
        **{"certificate-authority-data": data, "tls-server-name": "kubernetes"},
    )

    found = await access(kubeconfig=path)

    assert found.configuration.host == "https://10.96.0.1:6443"
    assert found.configuration.tls_server_name == "kubernetes"
    assert found.authorization == "Bearer abc"
    assert str(path) in found.files


@pytest.mark.parametrize("user", [None, {}])
async def test_an_https_cluster_needs_no_user(tmp_path: Path, user: dict[str, object]) -> None:
    """Ecosystem 1.3: the library raises TypeError for that."""
    found = await access(kubeconfig=a_kubeconfig(tmp_path, user=user))

    assert found.authorization == ""


async def test_a_context_may_name_a_user_that_is_not_there(tmp_path: Path) -> None:
    """Client-go takes it for no user, too."""
    path = a_kubeconfig(tmp_path, user={"token": "abc"})
    path.write_text(path.read_text().replace('"user": "u"', '"user": "gone"'))

    assert (await access(kubeconfig=path)).authorization == ""


async def test_a_token_file_wins_over_a_token_and_is_read_each_time(tmp_path: Path) -> None:
    """Ecosystem 1.3: client-go's order; the path is relative to the kubeconfig."""
    (tmp_path / "tok").write_text("from-file\n")
    path = a_kubeconfig(tmp_path, user={"token": "inline", "tokenFile": "tok"})
    load = loader("", str(path), {}, tmp_path)

    first = await load()
    assert first.authorization == "Bearer from-file"
    assert str(tmp_path / "tok") in first.files

    (tmp_path / "tok").write_text("rotated")
    assert (await load()).authorization == "Bearer rotated"


async def test_user_and_password_are_sent(tmp_path: Path) -> None:
    """Basic authentication, as some test clusters have it."""
    path = a_kubeconfig(tmp_path, user={"username": "a", "password": "b"})

    assert (await access(kubeconfig=path)).authorization == "Basic YTpi"


def an_exec_plugin(directory: Path, status: Mapping[str, object]) -> dict[str, object]:
    """Write a credential plugin and return the user section that runs it."""
    api = "client.authentication.k8s.io/v1"
    answer = json.dumps({"apiVersion": api, "kind": "ExecCredential", "status": status})
    script = directory / "plugin"
    script.write_text(f"#!{sys.executable}\nprint('''{answer}''')\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": api, "command": str(script)}}


@pytest.mark.parametrize(
    ("status", "low", "high"),
    [
        ({"token": "x"}, float("inf"), float("inf")),
        ({"token": "x", "expirationTimestamp": "2999-01-01T00:00:00Z"}, 1e9, 1e12),
        ({"token": "x", "expirationTimestamp": "2001-01-01T00:00:00Z"}, 10.0, 10.0),
    ],
)
async def test_a_plugin_is_asked_again_before_its_token_expires(
    tmp_path: Path, status: Mapping[str, object], low: float, high: float
) -> None:
    """Ecosystem 1.3: the library only does that in a task of its own; F-28: then on our clock."""
    path = a_kubeconfig(tmp_path, user=an_exec_plugin(tmp_path, status))

    found = await access(kubeconfig=path)

    assert found.authorization == "Bearer x"
    assert low <= found.good_for_s <= high


async def test_a_plugin_that_fails_is_said(tmp_path: Path) -> None:
    """One line: the file, and what the plugin said."""
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/nonexistent"}}
    path = a_kubeconfig(tmp_path, user=user)

    said = await refused(kubeconfig=path)

    assert said == f"--kubecfg-file {path}: /nonexistent No such file or directory"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just words",
        "- a\n- list\n",
        "{",
        "current-context: x\n",
        "current-context: x\ncontexts: 7",
    ],
)
async def test_a_file_that_is_no_kubeconfig_is_said(tmp_path: Path, text: str) -> None:
    """Ecosystem 1.3: a dozen kinds of exceptions leak from the library."""
    path = tmp_path / "kubeconfig"
    path.write_text(text)

    assert (await refused(kubeconfig=path)).startswith(
        f"--kubecfg-file {path}: not a kubeconfig with a current context"
    )


async def test_a_missing_kubeconfig_is_said(tmp_path: Path) -> None:
    """Ecosystem 1.3: it surfaces as a missing key otherwise."""
    path = tmp_path / "gone"

    assert await refused(kubeconfig=path) == f"--kubecfg-file {path}: No such file or directory"


@pytest.mark.parametrize("server", ["10.96.0.1:6443", "https://", "https://a/?b", "https://a b"])
async def test_a_cluster_without_a_url_is_said(tmp_path: Path, server: str) -> None:
    """A host alone is not enough, nor is a scheme; neither would ever be reached."""
    path = a_kubeconfig(tmp_path, server=server)

    assert (
        await refused(kubeconfig=path)
        == f"--kubecfg-file {path}: the cluster's server is not a URL"
    )


async def test_a_certificate_file_that_is_missing_is_said(tmp_path: Path) -> None:
    """Which one, and in which kubeconfig."""
    path = a_kubeconfig(tmp_path, user={}, **{"certificate-authority": "gone.crt"})

    said = await refused(kubeconfig=path)

    assert (
        said == f"--kubecfg-file {path}: ConfigException: File does not exists: {tmp_path}/gone.crt"
    )


async def test_no_secret_is_ever_said(tmp_path: Path) -> None:
    """The library's own messages quote whole user sections."""
    user = {"token": 7, "exec": {"secret": "hunter2"}, "password": "hunter2"}

    assert "hunter2" not in await refused(kubeconfig=a_kubeconfig(tmp_path, user=user))


# -- change


def test_a_change_of_a_file_is_seen(tmp_path: Path) -> None:
    """F-13, F-14: a file that is missing differs from every other state of it."""
    path = tmp_path / "ca.crt"
    files = (str(path),)
    marks = [change_marks(files)]
    path.write_text("a")
    marks.append(change_marks(files))
    path.write_text("ab")
    marks.append(change_marks(files))

    assert len(set(marks)) == 3
    assert change_marks(files) == marks[2]
