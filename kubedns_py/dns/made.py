"""Sequences whose values are made when somebody looks at them.

Of the records of a large service a reply has room for few: those alone are made. What is made of
them lives no longer than the reply; who looks at all of ``Later`` keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar, overload

_K = TypeVar("_K")
_V = TypeVar("_V")


class Made(Sequence[_V], Generic[_K, _V]):
    """A value for each key, made each time it is looked at; equal to the tuple of its values.

    Args:
        keys: in the order of the values.
        make: makes the value of a key, always the same. It must not know who has the sequence.
    """

    __slots__ = ("_keys", "_make")

    def __init__(self, keys: Sequence[_K], make: Callable[[_K], _V]) -> None:
        self._keys = keys
        self._make = make

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, index: int) -> _V: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[_V, ...]: ...
    def __getitem__(self, index: int | slice) -> _V | tuple[_V, ...]:
        if isinstance(index, slice):
            return tuple(map(self._make, self._keys[index]))
        return self._make(self._keys[index])

    def __iter__(self) -> Iterator[_V]:
        return map(self._make, self._keys)

    def turned(self, start: int, count: int) -> Made[_K, _V]:
        """Return so many values from one on, not made yet, as if they stood in a circle."""
        keys = [*self._keys[start : start + count]]
        return Made([*keys, *self._keys[: count - len(keys)]], self._make)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, tuple | Made) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


class Later(Sequence[_V], Generic[_K, _V]):
    """Values that are all made when the first of them is looked at; equal to their tuple.

    Args:
        make: makes one or more, always the same. It must not know who has the sequence.
        of: makes those among them that have one of these keys, in the keys' order.
    """

    __slots__ = ("_make", "_values", "of")

    def __init__(
        self,
        make: Callable[[], tuple[_V, ...]],
        of: Callable[[Iterable[_K]], tuple[_V, ...]],
    ) -> None:
        self.of = of
        self._make = make
        self._values: tuple[_V, ...] | None = None

    def _made(self) -> tuple[_V, ...]:
        if self._values is None:
            self._values = self._make()
        return self._values

    def __bool__(self) -> bool:
        return True  # without making them

    def __len__(self) -> int:
        return len(self._made())

    @overload
    def __getitem__(self, index: int) -> _V: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[_V, ...]: ...
    def __getitem__(self, index: int | slice) -> _V | tuple[_V, ...]:
        return self._made()[index]

    def __iter__(self) -> Iterator[_V]:
        return iter(self._made())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, tuple | Later) and self._made() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._made())
