"""Whatever order events come in, and however often, the store ends where a fresh one begins.

Rows F-18, F-19 and F-25: duplicates, gaps and reordering; then the truth, or a list.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kubedns_py.cluster.objects import Endpoints, Key, Object, Subset
from kubedns_py.cluster.reflector import ListRequest, Reflector, Wait, WatchRequest
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.store import Store
from kubedns_py.errors import ApiError
from tests.helpers.builders import Json, a_page, a_slice_json, an_event
from tests.helpers.parts import endpoints_of

RESOURCE = Resource.ENDPOINTSLICES
NAMES = ("a-1", "a-2", "b-1")
State = dict[str, Json]

changes = st.lists(
    st.tuples(st.sampled_from(NAMES), st.integers(1, 3), st.booleans()), min_size=1, max_size=12
)
"""Changes of a cluster: which slice, which address it has then, and whether it goes instead."""


def history(steps: list[tuple[str, int, bool]], *, first_version: int) -> tuple[State, list[bytes]]:
    """Return the state that changes lead to, and the events that tell of them, one version each."""
    state: State = {}
    events = []
    for version, (name, host, goes) in enumerate(steps, first_version):
        document = a_slice_json(f"{name}.shop", endpoints=[f"10.0.0.{host}"], version=str(version))
        known = name in state
        if goes and not known:
            continue
        if goes:
            del state[name]
        else:
            state[name] = document
        type_ = "DELETED" if goes else "MODIFIED" if known else "ADDED"
        events.append(an_event(type_, document))
    return state, events


def a_reflector(listed: State, *, version: int) -> tuple[Reflector, Store]:
    """Return a reflector that has listed a state and opened its watch, and its store."""
    store = Store(lambda: None)
    reflector = Reflector(RESOURCE, store)
    relist(reflector, listed, version=version)
    reflector.next(0.0, 0.5)
    reflector.opened(0.0)
    return reflector, store


def relist(reflector: Reflector, state: State, *, version: int) -> None:
    """Let the reflector list a state."""
    request: Wait | ListRequest | WatchRequest = Wait(0.0)
    while isinstance(request, Wait):
        request = reflector.next(0.0, 0.5)
    assert isinstance(request, ListRequest)
    for _ in reflector.listed(a_page(*state.values(), version=str(version)), 0.0):
        pass
    for _ in reflector.list_ended(0.0):
        pass


def content(store: Store) -> tuple[dict[Key, Object | None], dict[str, list[Subset]]]:
    """Return all that a store says of slices: the objects, and what each service gets of them."""
    objects = {key: store.get(RESOURCE, key) for key in store.keys(RESOURCE)}
    services = {name: list(endpoints_of(store, Key("shop", name))) for name in ("a", "b")}
    return objects, services


@settings(max_examples=150)
@given(steps=changes, data=st.data())
def test_events_in_any_order_end_in_the_truth(
    steps: list[tuple[str, int, bool]], data: st.DataObject
) -> None:
    """F-19: where versions can be compared, no list is needed for it."""
    truth, events = history(steps, first_version=101)
    told = data.draw(
        st.permutations(events + data.draw(st.lists(st.sampled_from(events or [b""]))))
    )
    reflector, store = a_reflector({}, version=100)

    for line in filter(None, told):
        assert reflector.event(line, 1.0)

    assert content(store) == content(a_reflector(truth, version=500)[1])


@settings(max_examples=150)
@given(before=changes, steps=changes, data=st.data())
def test_a_list_after_any_events_ends_in_the_truth(
    before: list[tuple[str, int, bool]],
    steps: list[tuple[str, int, bool]],
    data: st.DataObject,
) -> None:
    """F-18, F-25: events lost, doubled and in the wrong order; then one list."""
    old, _ = history(before, first_version=1)
    truth, events = history(before + steps, first_version=1)
    told = data.draw(st.lists(st.sampled_from(events), max_size=20)) if events else []
    reflector, store = a_reflector(old, version=100)
    for line in told:
        reflector.event(line, 1.0)

    reflector.failed(ApiError(410, "expired"), 2.0)
    relist(reflector, truth, version=500)

    assert content(store) == content(a_reflector(truth, version=500)[1])


@settings(max_examples=100)
@given(steps=changes, data=st.data())
def test_only_what_differs_becomes_dirty(
    steps: list[tuple[str, int, bool]], data: st.DataObject
) -> None:
    """Level, not edge: a list of what is known already marks nothing."""
    truth, events = history(steps, first_version=101)
    reflector, store = a_reflector({}, version=100)
    for line in events:
        reflector.event(line, 1.0)
    store.take_changes()
    shuffled = dict(data.draw(st.permutations(list(truth.items()))))

    reflector.failed(ApiError(410, "expired"), 2.0)
    relist(reflector, shuffled, version=500)

    assert not store.take_changes()
    assert all(isinstance(store.get(RESOURCE, Key("shop", name)), Endpoints) for name in truth)
