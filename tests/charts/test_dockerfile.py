"""The image's recipe, as text: there is no container engine where these tests run."""

import re

from tests.charts.render import REPOSITORY

TEXT = re.sub(r"\\\n\s*", " ", (REPOSITORY / "Dockerfile").read_text())
"""With continued lines joined."""


def instructions(name: str) -> list[str]:
    """Return what follows each instruction ``name``, in order."""
    return re.findall(rf"^{name} +(.*)$", TEXT, re.MULTILINE)


def copied() -> list[str]:
    """Return what is copied from the repository, not from the other stage."""
    return [
        source
        for line in instructions("COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    ]


def test_the_image_runs_as_a_user_that_is_a_number() -> None:
    """User (reliability 4.1): runAsNonRoot cannot judge a name."""
    assert instructions("USER") == ["65532:65532"]


def test_both_stages_start_from_one_image() -> None:
    """Trap 9 (ecosystem 8): an environment made for another Python imports nothing."""
    assert instructions("FROM") == ["${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE} AS run"]
    assert "PYTHON_IMAGE=python:3.13-slim" in instructions("ARG")


def test_packages_are_installed_by_hash_and_only_from_wheels() -> None:
    """Supply chain (reliability 4.1): --require-hashes; the lock names all, nothing is resolved."""
    installs = [line for line in re.split(r"&&|\n", TEXT) if "pip install" in line]

    assert len(installs) == 3
    for line in installs[:2]:
        assert "--require-hashes" in line
        assert "--no-deps" in line
        assert "--only-binary=:all:" in line
    assert "--no-index" in installs[2]


def test_only_what_runs_is_in_the_environment_that_is_kept() -> None:
    """Supply chain (reliability 4.1): minimal dependencies, no pip."""
    assert "/opt/kubedns-py/bin/pip install" in TEXT
    assert "dev.txt" not in TEXT
    assert "/opt/kubedns-py/bin/pip uninstall --yes pip" in TEXT
    assert [line for line in instructions("COPY") if line.startswith("--from")] == [
        "--from=build /opt/kubedns-py /opt/kubedns-py"
    ]


def test_no_shell_stands_between_the_signal_and_the_server() -> None:
    """Process behaviour (ecosystem 6.2, 6.4): exec form; python -I -B (reliability 4.1)."""
    assert instructions("ENTRYPOINT") == ['["python", "-I", "-B", "-m", "kubedns_py"]']
    assert instructions("CMD") == ['["serve", "--dns-port=10053"]']
    assert instructions("STOPSIGNAL") == ["SIGTERM"]


def test_the_image_declares_the_ports_of_the_chart() -> None:
    """Packaging (ecosystem 6.4)."""
    assert instructions("EXPOSE") == ["10053/udp 10053/tcp 8081/tcp 9153/tcp"]


def test_everything_that_is_copied_exists_and_passes_the_ignore_file() -> None:
    """What .dockerignore hides cannot be copied."""
    admitted = (REPOSITORY / ".dockerignore").read_text().splitlines()

    assert copied()
    for source in copied():
        assert (REPOSITORY / source).exists(), source
        assert f"!{source.rstrip('/')}" in admitted, source


def test_the_whole_repository_is_never_copied() -> None:
    """No credentials or local files can end in a layer."""
    assert not {".", "./", "*"} & set(copied())
    assert (REPOSITORY / ".dockerignore").read_text().splitlines()[1] == "*"
    assert not re.search(r"(?i)secret|token|password", TEXT)


def test_the_image_says_what_it_is() -> None:
    """OCI labels (ecosystem 6.4)."""
    (label,) = instructions("LABEL")

    for key in ("title", "description", "licenses", "version", "revision", "base.name"):
        assert f"org.opencontainers.image.{key}=" in label
