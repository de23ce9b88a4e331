"""Arguments and environment become a ``Config``.

Rules of this file:

- A flag beats the environment, the environment beats the default. An empty variable counts as
  not set.
- The first thing wrong is said in one line that begins with the flag or variable that said it.
- What is accepted without effect comes back as a notice: logging is not configured yet.
"""

import argparse
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kubedns_py import __version__
from kubedns_py.config.declaration import Option
from kubedns_py.config.options import GROUPS, LEGACY, OPTIONS, Config
from kubedns_py.config.values import PORT, quoted
from kubedns_py.errors import UsageError

_OURS = "KUBEDNS_"
# what Kubernetes sets in a pod for every Service of its namespace, here for one named kubedns-...
_LINK_NAME = re.compile(r"KUBEDNS_(.*_)?(SERVICE_(HOST|PORT)|PORT)(_.*)?")
_LINK_VALUE = re.compile(r"(tcp|udp|sctp)://")


class Loaded(NamedTuple):
    """The options, and what has to be said about them once logging works.

    Attributes:
        notices: warnings, one line each.
    """

    config: Config
    notices: tuple[str, ...]


class _Given(NamedTuple):
    """A value as text, and who said so: ``--ttl`` or ``KUBEDNS_TTL``."""

    origin: str
    text: str


def load(arguments: Sequence[str], environment: Mapping[str, str], *, program: str) -> Loaded:
    """Return the options that arguments and environment ask for.

    Args:
        arguments: without the program's name and the command.
        environment: such as ``os.environ``.
        program: how the help text calls the command.

    Raises:
        UsageError: with one line for a person.
        SystemExit: with code 0, after ``--help`` or ``--version``.
    """
    parsed = _parse(arguments, program)
    given = {option: _given(option, parsed, environment) for option in OPTIONS}
    fields: dict[str, Any] = {  # the readers' types are checked against Config's by a test
        option.field: _read(option, given[option], environment) for option in OPTIONS
    }
    config = Config(**fields)
    origins = {option.field: given[option].origin for option in OPTIONS}
    _refuse_conflicts(config, origins)
    return Loaded(config, tuple(_notices(config, origins, parsed, environment)))


def parser(program: str) -> argparse.ArgumentParser:
    """Return argparse's view of the options: texts only, no types, no defaults."""
    made = argparse.ArgumentParser(
        prog=program,
        usage=f"{program} [--option value | --option=value]...",
        description="Answer DNS for a Kubernetes cluster.",
        epilog="Every option can also be set in the environment: --dns-port as KUBEDNS_DNS_PORT. "
        "A flag beats the environment. Flags of kube-dns and klog that have no effect here are "
        "accepted with a warning.",
        allow_abbrev=False,
        exit_on_error=False,
    )
    for group in GROUPS:
        section = made.add_argument_group(group.title)
        for option in group.options:
            flags = (f"--{option.flag}",) if len(option.flag) > 1 else ("-v", "--v")
            section.add_argument(
                *flags,
                **_nargs(switch=option.kind.switch),
                dest=option.field,
                action="append",
                metavar=option.kind.metavar,
                help=_help(option),
            )
    made.add_argument("--version", action="version", version=f"kubedns-py {__version__}")
    for legacy in LEGACY:
        made.add_argument(
            f"--{legacy.flag}",
            **_nargs(switch=legacy.switch),
            dest=legacy.flag,
            help=argparse.SUPPRESS,
        )
    return made


def _nargs(*, switch: bool) -> dict[str, Any]:
    return {"nargs": "?", "const": "true"} if switch else {}


def _help(option: Option) -> str:
    accepts = option.kind.accepts
    parts = [option.help]
    if accepts[:1].isdigit():
        parts.append(f"{accepts}.")
    if option.kind.many:
        parts.append("Several with commas, or given again.")
    if option.default:
        parts.append(f"[default: {option.default}]")
    return " ".join(parts).replace("%", "%%")


def _parse(arguments: Sequence[str], program: str) -> argparse.Namespace:
    made = parser(program)
    try:
        parsed, unknown = made.parse_known_args([_dashed(each) for each in arguments])
    except argparse.ArgumentError as error:  # with texts only, the one thing that can be wrong
        name = (error.argument_name or "").rpartition("/")[2]
        raise UsageError(f"{name}: needs a value") from None
    if unknown:
        raise UsageError(_unknown(unknown[0]))
    return parsed


def _dashed(argument: str) -> str:
    """Accept ``--dns_port`` for ``--dns-port``, as kube-dns does."""
    if not argument.startswith("--"):
        return argument
    flag, equals, value = argument.partition("=")
    return flag.replace("_", "-") + equals + value


def _unknown(argument: str) -> str:
    if not argument.startswith("-") or argument in {"-", "--"}:
        return f"unexpected argument {quoted(argument)}"
    import difflib  # noqa: PLC0415 - few are mistaken, and every start would pay for it

    flag = argument.partition("=")[0]
    names = [f"--{option.flag}" for option in OPTIONS]
    close = difflib.get_close_matches(flag, names, n=1)
    hint = f"; did you mean {close[0]}?" if close else "; --help lists all options"
    return f"{quoted(flag)[1:-1]}: no such option{hint}"


def _given(option: Option, parsed: argparse.Namespace, environment: Mapping[str, str]) -> _Given:
    texts: list[str] | None = getattr(parsed, option.field)
    flag = f"--{option.flag}"
    if texts is not None:
        return _Given(flag, ",".join(filter(None, texts)) if option.kind.many else texts[-1])
    for name in (option.environment, *option.aliases):
        text = environment.get(name, "").strip()
        if text and not _is_link(option, text):
            return _Given(name, text)
    return _Given(flag, option.default)


def _is_link(option: Option, text: str) -> bool:
    return option.kind.metavar == PORT.metavar and _LINK_VALUE.match(text) is not None


def _read(option: Option, given: _Given, environment: Mapping[str, str]) -> object:
    try:
        text = _expanded(given.text, environment) if option.kind.expands else given.text
        return option.kind.read(text)
    except UsageError as error:
        raise UsageError(f"{given.origin}: {error}") from None


def _expanded(text: str, environment: Mapping[str, str]) -> str:
    try:
        return string.Template(text).substitute(environment)
    except KeyError as error:
        raise UsageError(f"{quoted(text)}: {error.args[0]} is not set in the environment") from None
    except ValueError:
        raise UsageError(f"{quoted(text)}: a $ stands before no name") from None


_NOT_TOGETHER = (
    ("manifests", "kube_master_url", "objects come from one place"),
    ("manifests", "kubecfg_file", "objects come from one place"),
    ("namespaces", "namespace_labels", "give one"),
    ("config_map", "config_dir", "give one"),
    ("config_map", "manifests", "it has no API server; give --config-dir"),
)


_NOBODY = "=false; nobody is asked then"

_ABOUT_FORWARDING = (
    *("nameservers", "filter_aaaa", "search_completion"),
    *("rebind_protection", "randomize_case"),
)
"""Given with ``--forward=false`` they are a mistake: who wants them wants names outside."""

_READ_FOR_FORWARDING = ("config_dir", "config_map")
"""Given with ``--forward=false`` they are not read: a chart has them in any case."""


def _refuse_conflicts(config: Config, origins: Mapping[str, str]) -> None:
    for field, other, why in _NOT_TOGETHER:
        if getattr(config, field) and getattr(config, other):
            raise UsageError(f"{origins[field]}: not together with {origins[other]}; {why}")
    for field in _in_vain(_ABOUT_FORWARDING, config):
        raise UsageError(f"{origins[field]}: not together with {origins['forward']}{_NOBODY}")
    if config.ptr_pods and config.pods != "verified":
        raise UsageError(f"{origins['ptr_pods']}: needs --pods verified, not {config.pods}")
    if set(config.dns_bind_addresses) & set(config.admin_bind_addresses):
        for field in ("healthz_port", "metrics_port"):
            if getattr(config, field) == config.dns_port:
                raise UsageError(
                    f"{origins[field]}: {config.dns_port} is also the port for DNS; give another"
                )


def _notices(
    config: Config,
    origins: Mapping[str, str],
    parsed: argparse.Namespace,
    environment: Mapping[str, str],
) -> Iterator[str]:
    for legacy in LEGACY:
        if getattr(parsed, legacy.flag) is not None:
            yield f"--{legacy.flag}: accepted without effect: {legacy.note}"
    for domain in config.domains:
        if domain.count(".") == 1:
            yield f"{origins['domains']}: {domain} has one label only; it hides a top-level domain"
    for field in _in_vain(_READ_FOR_FORWARDING, config):
        yield f"{origins[field]}: not read with {origins['forward']}{_NOBODY}"
    if config.workers and not config.answer_table_size_octets:
        table = origins["answer_table_size_octets"]
        yield f"{origins['workers']}: of no use with {table}=0; they answer what is in the table"
    yield from _unused_variables(environment)


def _in_vain(fields: Sequence[str], config: Config) -> list[str]:
    """Return which of the fields were given although nobody is asked for names outside."""
    return [] if config.forward else [field for field in fields if getattr(config, field)]


def _unused_variables(environment: Mapping[str, str]) -> Iterator[str]:
    names = {name: option for option in OPTIONS for name in (option.environment, *option.aliases)}
    for name, text in sorted(environment.items()):
        option = names.get(name)
        if option is not None and _is_link(option, text):
            yield f"{name}: {quoted(text)} is Kubernetes' link to a Service; it is not used"
        elif option is None and name.startswith(_OURS) and not _LINK_NAME.fullmatch(name):
            yield f"{quoted(name)[1:-1]}: no option has this environment variable; it is not used"
