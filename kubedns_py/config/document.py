"""Makes ``docs/configuration.md``: ``python -m kubedns_py.config.document`` prints it."""

import sys
from collections.abc import Iterator

from kubedns_py.config.declaration import Option
from kubedns_py.config.options import GROUPS, LEGACY

_INTRODUCTION = """\
# Configuration

`kubedns-py serve` takes the options below. This page is made from their declarations
(`python -m kubedns_py.config.document`); a test checks that it is current.

- `--flag value` and `--flag=value` mean the same; underscores may stand for dashes; a switch may
  be given without a value.
- Every option can be set in the environment instead. A flag beats the environment, the environment
  beats the default, and an empty variable counts as not set.
- Lists are separated by commas; a flag for a list may also be given several times.
- Durations have a unit: `500ms`, `30s`, `1m30s`. Sizes may have one: `32Mi`.
- Something wrong is one line on standard error and exit code 2. An environment variable that
  begins with `KUBEDNS_` and belongs to no option is a warning.
"""

_CONFLICTS = """\
## What does not go together

- `--manifests` with `--kube-master-url` or `--kubecfg-file`
- `--config-map` with `--config-dir` or `--manifests`
- `--namespaces` with `--namespace-labels`
- `--forward=false` with `--nameservers`, `--filter-aaaa`, `--search-completion`,
  `--rebind-protection` or `--randomize-case`; `--config-dir` and `--config-map` are not read then,
  which is a warning
- `--ptr-pods` without `--pods verified`
- `--dns-port` equal to `--healthz-port` or `--metrics-port` on the same address
"""

_LEGACY = """\
## Accepted without effect

Manifests made for kube-dns carry these. Each gives one warning.

| Flag | What is not done |
|---|---|
"""


def markdown() -> str:
    """Return the page."""
    groups = (f"## {each.title}\n\n" + "\n".join(_items(each.options)) + "\n" for each in GROUPS)
    legacy = "".join(f"| `--{each.flag}` | {each.note} |\n" for each in LEGACY)
    return "\n".join([_INTRODUCTION, *groups, _CONFLICTS, _LEGACY + legacy])


def _items(options: tuple[Option, ...]) -> Iterator[str]:
    yield "| Option | Environment | Default | Values | Meaning |"
    yield "|---|---|---|---|---|"
    for option in options:
        flag = f"`--{option.flag}`" if len(option.flag) > 1 else f"`-{option.flag}`"
        variables = " ".join(f"`{name}`" for name in (option.environment, *option.aliases))
        default = f"`{option.default}`" if option.default else "none"
        cells = (flag, variables, default, option.kind.accepts, option.help)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(markdown())
