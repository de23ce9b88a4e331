"""The shape in which an option is declared. ``options.py`` holds the declarations."""

from typing import NamedTuple

from kubedns_py.config.values import Kind


class Option(NamedTuple):
    """One way to set one field of ``Config``.

    Attributes:
        flag: without the leading dashes.
        field: the field of ``Config``.
        kind: what the value may be.
        default: as a person would write it.
        help: one or two sentences.
        aliases: further environment variables, which count less than our own.
    """

    flag: str
    field: str
    kind: Kind
    default: str
    help: str
    aliases: tuple[str, ...] = ()

    @property
    def environment(self) -> str:
        """The environment variable of this option."""
        return "KUBEDNS_" + self.flag.upper().replace("-", "_")


class Group(NamedTuple):
    """Options that stand together in texts for people."""

    title: str
    options: tuple[Option, ...]


class Legacy(NamedTuple):
    """A flag of kube-dns or klog that is accepted and does nothing.

    Attributes:
        flag: without the leading dashes.
        note: what is not done, for the warning.
        switch: may be given without a value.
    """

    flag: str
    note: str
    switch: bool = False
