"""Changes of slices."""

from bench.changes import MARK, move, moved_address, wide_service
from bench.objects import JsonObject
from tests.e2e.apiclient import ApiClient


class Patched(ApiClient):
    """Keeps the patches that it is asked for."""

    def __init__(self) -> None:
        self.patches: list[tuple[str, str, str, JsonObject]] = []

    def patch(  # type: ignore[override]  # what move() uses
        self, kind: str, name: str, namespace: str, change: JsonObject
    ) -> JsonObject:
        """Take a merge patch."""
        self.patches.append((kind, name, namespace, change))
        return {}


def test_a_change_moves_one_endpoint_and_keeps_the_others() -> None:
    """A merge patch replaces lists whole (RFC 7396), so the others have to be in it."""
    service, api = wide_service(2, 250), Patched()

    move(api, service, 5)

    ((kind, name, namespace, change),) = api.patches
    assert (kind, name, namespace) == ("EndpointSlice", "wide-250-slice-0", "changing")
    first, *others = change["endpoints"]
    assert (first["hostname"], first["addresses"]) == (MARK, [moved_address(5)])
    assert [each["addresses"][0] for each in others] == [
        each.address for each in service.endpoints[1:100]
    ]


def test_changes_in_a_row_give_different_addresses() -> None:
    """An answer shows which change it knows."""
    assert len({moved_address(number) for number in range(1_000)}) == 1_000


def test_wide_services_share_no_address() -> None:
    """An address in two Services would be pointed at by both."""
    services = [wide_service(number, width) for number, width in enumerate((1, 10, 5_000))]
    addresses = [each.address for service in services for each in service.endpoints]

    assert len(set(addresses)) == 5_011
