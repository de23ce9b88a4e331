"""Rights and tokens that are missing, or go away: what is answered meanwhile, and after.

Row ids are those of reliability 3.
"""

import re
from contextlib import closing
from http import HTTPStatus

import pytest

from tests.e2e.apiclient import ApiClient, ApiError, JsonObject
from tests.e2e.cluster import Cluster
from tests.e2e.dnsserver import (
    Account,
    DnsServers,
    data,
    fqdn,
    issue_token,
    metric,
    pointers,
    wait_answer,
    wait_log,
)
from tests.e2e.manifests import a_service
from tests.e2e.relay import Relay
from tests.e2e.wait import until
from tests.helpers.process import ServerProcess

pytestmark = pytest.mark.e2e

AFTER_BACKOFF_S = 60.0
NOT_LISTED = "list endpointslices.discovery.k8s.io is forbidden (403)"
NOT_WATCHED = "watch endpointslices.discovery.k8s.io is forbidden (403)"


def test_services_are_answered_without_the_right_to_endpoint_slices(
    own_dns_servers: DnsServers, cluster: Cluster, namespace: str
) -> None:
    """F-12: endpoint-derived names are SERVFAIL, not ready, and the page says the right to grant.

    And once somebody grants it, all is well without a restart.
    """
    account = own_dns_servers.account()
    rules = forbid_slices(cluster.api, account)
    regular = cluster.api.create(a_service("web", namespace, ports=["http:80"]))
    cluster.add_headless("db", namespace, "10.6.5.1")
    address = regular["spec"]["clusterIP"]
    name, of_endpoints = fqdn(f"web.{namespace}"), fqdn(f"db.{namespace}")

    server = own_dns_servers.start(account=account, wait=False)

    until(lambda: data_or_nothing(server, name) == [address], "the service is answered")
    assert data(server, f"_http._tcp.{name}", "SRV") == [f"0 100 80 {name}"]
    assert pointers(server, address) == [name]
    assert data(server, of_endpoints) == ["SERVFAIL"]
    assert data(server, f"10-6-5-1.{of_endpoints}") == ["SERVFAIL"]
    assert pointers(server, "10.6.5.1") == ["SERVFAIL"]
    assert data(server, fqdn(f"nope.{namespace}")) == ["NXDOMAIN"]
    status, body = server.page("/readyz")
    assert status == 503
    assert NOT_LISTED in body
    assert f"system:serviceaccount:kube-system:{account.name}" in body
    wait_log(server, re.escape(NOT_LISTED), "E")

    set_rules(cluster.api, account, rules)
    until(server.is_ready, "ready", within_s=AFTER_BACKOFF_S)
    assert data(server, of_endpoints) == ["10.6.5.1"]


def test_a_right_that_is_taken_away_later_takes_no_answer_away(
    own_dns_servers: DnsServers, relay: Relay, cluster: Cluster, namespace: str
) -> None:
    """F-12: once synced, stale and ready; an error in the log."""
    account = own_dns_servers.account()
    server = own_dns_servers.start(account=account, through=relay.url)
    cluster.add_headless("db", namespace, "10.6.6.1")
    name = fqdn(f"db.{namespace}")
    wait_answer(server, name, ["10.6.6.1"])

    rules = forbid_slices(cluster.api, account)
    relay.cut()

    until(
        lambda: metric(server, "api_errors_total", resource="endpointslices", code="403") >= 1,
        "refused",
    )
    assert data(server, name) == ["10.6.6.1"]
    assert server.is_ready()
    wait_log(server, re.escape(NOT_WATCHED), "E")

    set_rules(cluster.api, account, rules)
    cluster.move_headless("db", namespace, "10.6.6.2")
    wait_answer(server, name, ["10.6.6.2"], within_s=AFTER_BACKOFF_S)


def test_a_revoked_token_takes_no_answer_away_and_a_new_one_is_taken_from_its_file(
    own_dns_servers: DnsServers, relay: Relay, cluster: Cluster, namespace: str
) -> None:
    """F-11: 401; stale and ready meanwhile.

    Every resource is rejected and the log says so; lines that come too thick may be left out.
    """
    account = own_dns_servers.account()
    server = own_dns_servers.start(account=account, through=relay.url)
    cluster.add_headless("db", namespace, "10.6.7.1")
    name = fqdn(f"db.{namespace}")
    wait_answer(server, name, ["10.6.7.1"])

    revoke_tokens(cluster.api, account)
    relay.cut()
    until(
        lambda: metric(server, "api_errors_total", resource="endpointslices", code="401") >= 1,
        "rejected",
    )
    cluster.move_headless("db", namespace, "10.6.7.2")
    assert data(server, name) == ["10.6.7.1"]
    assert server.is_ready()
    wait_log(server, "401 .*token rejected", "W")

    account.token_file.write_text(issue_token(cluster.api, account.name))
    wait_answer(server, name, ["10.6.7.2"], within_s=AFTER_BACKOFF_S)
    assert server.is_ready()


def forbid_slices(api: ApiClient, account: Account) -> list[JsonObject]:
    """Take the right to EndpointSlices from an account; return the rules that it had."""
    rules: list[JsonObject] = api.get("ClusterRole", account.role)["rules"]
    set_rules(api, account, [each for each in rules if "endpointslices" not in each["resources"]])
    return rules


def set_rules(api: ApiClient, account: Account, rules: list[JsonObject]) -> None:
    """Give an account's role these rules, and wait until the API server goes by them."""
    api.patch("ClusterRole", account.role, "", {"rules": rules})
    allowed = any("endpointslices" in rule["resources"] for rule in rules)
    with closing(ApiClient(api.server, api.ca, account.token_file.read_text())) as client:
        until(
            lambda: may_list_slices(client) is allowed,
            f"{account.name} may list EndpointSlices: {allowed}",
        )


def may_list_slices(client: ApiClient) -> bool:
    """Say whether the API server lets somebody in."""
    try:
        client.list_all("EndpointSlice")
    except ApiError as error:
        if error.status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise
        return False
    return True


def revoke_tokens(api: ApiClient, account: Account) -> None:
    """Make an account's tokens invalid, by a new account of the same name; wait until they are."""
    made = api.get("ServiceAccount", account.name, "kube-system")
    api.delete("ServiceAccount", account.name, "kube-system")
    metadata = {"name": account.name, "namespace": "kube-system"}
    api.create({**made, "metadata": metadata})
    with closing(ApiClient(api.server, api.ca, account.token_file.read_text())) as client:
        until(lambda: not may_list_slices(client), "the token is rejected", within_s=30)


def data_or_nothing(server: ServerProcess, name: str) -> list[str]:
    """Return the data of an answer once there is a server."""
    return [line.split(" ")[-1] for line in server.answers(name)]
