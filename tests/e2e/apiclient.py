"""A small synchronous client of the Kubernetes API, for arranging and looking in tests.

It shares no code with the product's own client, so that one cannot hide the other's mistakes.
Objects are the API's JSON as plain dictionaries. A kind is written as in a manifest
(``"EndpointSlice"``). Connections are kept and reused; any thread may use one client.
"""

import http.client
import json
import ssl
from collections import deque
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

JsonObject = dict[str, Any]

MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

TIMEOUT_S = 30.0
"""Longest silence in an answer, in seconds."""


class Kind(NamedTuple):
    """Where objects of one kind live."""

    api: str
    plural: str
    namespaced: bool = True


KINDS = {
    "ClusterRole": Kind("apis/rbac.authorization.k8s.io/v1", "clusterroles", namespaced=False),
    "ClusterRoleBinding": Kind(
        "apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", namespaced=False
    ),
    "ConfigMap": Kind("api/v1", "configmaps"),
    "EndpointSlice": Kind("apis/discovery.k8s.io/v1", "endpointslices"),
    "Endpoints": Kind("api/v1", "endpoints"),
    "Namespace": Kind("api/v1", "namespaces", namespaced=False),
    "Node": Kind("api/v1", "nodes", namespaced=False),
    "Pod": Kind("api/v1", "pods"),
    "Role": Kind("apis/rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": Kind("apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    "Secret": Kind("api/v1", "secrets"),
    "Service": Kind("api/v1", "services"),
    "ServiceAccount": Kind("api/v1", "serviceaccounts"),
}


class ApiError(Exception):
    """The API server answered with a status of 400 or more."""

    def __init__(self, status: int, body: bytes) -> None:
        """Keep the status and what the server said of it."""
        self.status = status
        self.body = body

    def __str__(self) -> str:
        return f"HTTP {self.status}: {self.body[:500].decode(errors='replace')}"


class ApiClient:
    """One user's access to one API server."""

    def __init__(self, server: str, ca: Path, token: str) -> None:
        self.server = server
        self.token = token
        self._address = urlsplit(server).netloc
        self.ca = ca
        self._idle: deque[http.client.HTTPSConnection] = deque()

    def create(self, manifest: JsonObject) -> JsonObject:
        """Create an object and return it as stored."""
        metadata = manifest["metadata"]
        path = collection(manifest["kind"], metadata.get("namespace", ""))
        return self.request("POST", path, manifest)

    def apply(self, manifest: JsonObject) -> JsonObject:
        """Create an object, or make an existing one have these fields (server-side apply)."""
        query = {"fieldManager": "e2e", "force": "true"}
        return self.request("PATCH", path_of(manifest), manifest, query=query, media=APPLY_PATCH)

    def get(self, kind: str, name: str, namespace: str = "") -> JsonObject:
        """Return an object, or raise ApiError with status 404."""
        return self.request("GET", item(kind, name, namespace))

    def find(self, kind: str, name: str, namespace: str = "") -> JsonObject | None:
        """Return an object, or None if there is none of that name."""
        try:
            return self.get(kind, name, namespace)
        except ApiError as error:
            if error.status != http.HTTPStatus.NOT_FOUND:
                raise
            return None

    def list_all(self, kind: str, namespace: str = "", *, selector: str = "") -> list[JsonObject]:
        """Return the objects of a namespace, or of all of them, that a label selector chooses."""
        query = {"labelSelector": selector} if selector else {}
        answer = self.request("GET", collection(kind, namespace), query=query)
        items: list[JsonObject] = answer["items"] or []
        return items

    def replace(self, manifest: JsonObject) -> JsonObject:
        """Replace an object, in the version that its resourceVersion names if it has one."""
        return self.request("PUT", path_of(manifest), manifest)

    def patch(
        self,
        kind: str,
        name: str,
        namespace: str,
        change: JsonObject,
        *,
        subresource: str = "",
        media: str = MERGE_PATCH,
    ) -> JsonObject:
        """Change the fields that ``change`` has; a merge patch replaces lists whole."""
        path = item(kind, name, namespace) + (f"/{subresource}" if subresource else "")
        return self.request("PATCH", path, change, media=media)

    def delete(
        self, kind: str, name: str, namespace: str = "", *, grace_s: int | None = None
    ) -> None:
        """Ask for an object's deletion; one that is not there is deleted already.

        Args:
            kind: As in a manifest.
            name: The object's name.
            namespace: Its namespace, empty for a kind that has none.
            grace_s: Seconds that a pod is given, 0 to have it gone at once; None is its own.
        """
        query = {} if grace_s is None else {"gracePeriodSeconds": str(grace_s)}
        try:
            self.request("DELETE", item(kind, name, namespace), query=query)
        except ApiError as error:
            if error.status != http.HTTPStatus.NOT_FOUND:
                raise

    def watch(self, path: str, query: Mapping[str, str]) -> Generator[JsonObject, None, None]:
        """Yield the events of a watch until the server ends it.

        Silence of TIMEOUT_S raises TimeoutError. Close the generator to leave early.
        """
        connection = self._connect()
        try:
            target = _target(path, {"watch": "true", **query})
            connection.request("GET", target, headers=self._headers())
            answer = connection.getresponse()
            if answer.status >= http.HTTPStatus.BAD_REQUEST:
                raise ApiError(answer.status, answer.read())
            while line := answer.readline():
                yield json.loads(line)
        finally:
            connection.close()

    def request(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        *,
        query: Mapping[str, str] | None = None,
        media: str = "application/json",
    ) -> JsonObject:
        """Send one request and return the JSON of the answer.

        Raises:
            ApiError: The server answered and refused.
            OSError, http.client.HTTPException: There was no whole answer.
        """
        content = self.read(method, path, body, query=query, media=media)
        decoded: JsonObject = json.loads(content)
        return decoded

    def read(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        *,
        query: Mapping[str, str] | None = None,
        media: str = "application/json",
    ) -> bytes:
        """Send one request and return the octets of the answer; raises what request() does."""
        octets = None if body is None else json.dumps(body).encode()
        headers = self._headers() if body is None else {**self._headers(), "Content-Type": media}
        while True:
            reused = bool(self._idle)
            connection = self._idle.popleft() if reused else self._connect()
            try:
                connection.request(method, _target(path, query or {}), octets, headers)
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                if not reused:
                    raise
                continue  # the server may have been restarted since: only a new one can tell
            self._idle.append(connection)
            if answer.status >= http.HTTPStatus.BAD_REQUEST:
                raise ApiError(answer.status, content)
            return content

    def close(self) -> None:
        """Close the kept connections; the client can be used again."""
        while self._idle:
            self._idle.popleft().close()

    def _connect(self) -> http.client.HTTPSConnection:
        """Return a connection that is not yet open and will trust the CA of this moment."""
        tls = ssl.create_default_context(cafile=str(self.ca))
        return http.client.HTTPSConnection(self._address, timeout=TIMEOUT_S, context=tls)

    def _headers(self) -> dict[str, str]:
        """Return the headers of every request."""
        return {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}


def collection(kind: str, namespace: str = "") -> str:
    """Return the path of all objects of a kind, in one namespace or in all."""
    found = KINDS[kind]
    if found.namespaced and namespace:
        return f"/{found.api}/namespaces/{quote(namespace)}/{found.plural}"
    return f"/{found.api}/{found.plural}"


def item(kind: str, name: str, namespace: str = "") -> str:
    """Return the path of one object."""
    if KINDS[kind].namespaced and not namespace:
        raise ValueError(f"a {kind} has a namespace")
    return f"{collection(kind, namespace)}/{quote(name)}"


def path_of(manifest: JsonObject) -> str:
    """Return the path of the object that a manifest describes."""
    metadata = manifest["metadata"]
    return item(manifest["kind"], metadata["name"], metadata.get("namespace", ""))


def _target(path: str, query: Mapping[str, str]) -> str:
    """Return the request target: path and encoded query."""
    return f"{path}?{urlencode(query)}" if query else path
