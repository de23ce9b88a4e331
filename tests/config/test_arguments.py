"""Arguments and environment become a Config, or one line that says what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedns_py import __version__
from kubedns_py.config.arguments import Loaded, load
from kubedns_py.config.nameserver import Nameserver
from kubedns_py.errors import UsageError


def loaded(*arguments: str, **environment: str) -> Loaded:
    """Load with the environment given by keyword."""
    return load(arguments, environment, program="kubedns-py serve")


def refusal(*arguments: str, **environment: str) -> str:
    """Return the line that wrong usage is answered with."""
    with pytest.raises(UsageError) as caught:
        load(arguments, environment, program="kubedns-py serve")
    return str(caught.value)


def test_without_arguments_everything_has_its_default_and_nothing_is_warned() -> None:
    """Behaviour 2.1.2."""
    found = loaded()

    assert found.config.domains == ("cluster.local.",)
    assert found.config.dns_port == 53
    assert found.notices == ()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--dns-port", "10053"),
        ("--dns-port=10053",),
        ("--dns_port", "10053"),
        ("--dns_port=10053",),
        ("--dns-port=1", "--dns-port=10053"),
    ],
)
def test_a_flag_is_spelled_as_kube_dns_spells_it(arguments: tuple[str, ...]) -> None:
    """Ecosystem 6.1: --flag value, --flag=value, underscore for dash, the last one counts."""
    assert loaded(*arguments).config.dns_port == 10053


@pytest.mark.parametrize("arguments", [("--v=2",), ("--v", "2"), ("-v", "2"), ("-v=2",), ("-v2",)])
def test_verbosity_is_spelled_as_klog_spells_it(arguments: tuple[str, ...]) -> None:
    """Ecosystem 6.1: --v of klog."""
    assert loaded(*arguments).config.v == 2


@pytest.mark.parametrize(
    ("arguments", "chaos"),
    [
        (("--chaos",), True),
        (("--chaos=true",), True),
        (("--chaos=false",), False),
        (("--chaos", "--ttl=7"), True),
        (("--chaos", "--chaos=0"), False),
    ],
)
def test_a_switch_needs_no_value(
    arguments: tuple[str, ...],
    chaos: bool,  # noqa: FBT001 - a table
) -> None:
    """Ecosystem 6.1: --bool and --bool=false."""
    assert loaded(*arguments).config.chaos is chaos


def test_an_underscore_in_a_value_is_not_touched() -> None:
    """Only the flag's own name may be spelled with underscores."""
    assert loaded("--manifests=/srv/my_objects").config.manifests == "/srv/my_objects"


def test_a_list_that_is_given_empty_is_not_given() -> None:
    """Charts render empty values, once or twice."""
    assert loaded("--nameservers=").config.nameservers == ()
    assert loaded("--nameservers=", "--nameservers=").config.nameservers == ()
    assert len(loaded("--nameservers=", "--nameservers=8.8.8.8").config.nameservers) == 1


def test_a_list_grows_with_each_flag_and_each_comma() -> None:
    """Contract: several comma-separated domains; addresses repeated or as a list."""
    config = loaded(
        "--domain=cluster.local,Corp.Example.",
        "--domain=cluster.local",
        "--dns-bind-address=127.0.0.1",
        "--dns-bind-address=[::1]",
    ).config

    assert config.domains == ("cluster.local.", "corp.example.")
    assert config.dns_bind_addresses == ("127.0.0.1", "::1")


def test_a_flag_beats_the_environment_and_the_environment_beats_the_default() -> None:
    """Contract: flag, environment, default."""
    assert loaded("--ttl=7", KUBEDNS_TTL="8").config.ttl == 7
    assert loaded(KUBEDNS_TTL="8").config.ttl == 8
    assert loaded(KUBEDNS_CHAOS="true").config.chaos is True
    assert loaded(KUBEDNS_DOMAIN="a.b,c.d").config.domains == ("a.b.", "c.d.")


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_variable_counts_as_not_set(empty: str) -> None:
    """Charts render empty values."""
    assert loaded(KUBEDNS_TTL=empty).config.ttl == 30


def test_the_metrics_port_may_come_from_the_variable_of_kube_dns() -> None:
    """Ecosystem 6.1: PROMETHEUS_PORT; our own variable and the flag count more."""
    assert loaded(PROMETHEUS_PORT="10055").config.metrics_port == 10055
    assert loaded(PROMETHEUS_PORT="1", KUBEDNS_METRICS_PORT="2").config.metrics_port == 2
    assert loaded("--metrics-port=3", PROMETHEUS_PORT="1").config.metrics_port == 3
    assert refusal(PROMETHEUS_PORT="x").startswith("PROMETHEUS_PORT: 'x' is not a whole number")


def test_a_link_to_a_service_is_not_taken_for_a_port() -> None:
    """Kubernetes sets KUBEDNS_DNS_PORT=tcp://... in a pod beside a Service "kubedns-dns"."""
    found = loaded(
        KUBEDNS_DNS_PORT="tcp://10.96.0.10:53",
        KUBEDNS_DNS_PORT_53_UDP="udp://10.96.0.10:53",
        KUBEDNS_DNS_SERVICE_HOST="10.96.0.10",
        KUBEDNS_SERVICE_PORT="53",
    )

    assert found.config.dns_port == 53
    assert found.notices == (
        "KUBEDNS_DNS_PORT: 'tcp://10.96.0.10:53' is Kubernetes' link to a Service; it is not used",
    )


def test_a_variable_that_belongs_to_no_option_is_a_warning() -> None:
    """A typing error in a manifest must not go unnoticed."""
    assert loaded(KUBEDNS_TTTL="8").notices == (
        "KUBEDNS_TTTL: no option has this environment variable; it is not used",
    )


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--ttl=4000", "--ttl: 4000 is above 3600; give 0 to 3600"),
        ("--negative-ttl=-1", "--negative-ttl: -1 is below 0; give 0 to 3600"),
        ("--lameduck=60", "--lameduck: '60' has no unit; give it as 60s, or 500ms, or 1m30s"),
        ("--lameduck=2h", "--lameduck: '2h' is out of range; give 0 to 1h"),
        ("--dns-port=0", "--dns-port: 0 is below 1; give 1 to 65535"),
        ("--domain=.", "--domain: '.' is no domain: the root cannot be served"),
        (
            "--domain=",
            "--domain: '' is empty; give a domain of RFC 1123 labels; several with commas",
        ),
        (
            "--nameservers=,",
            (
                "--nameservers: ',' names nothing; "
                "give ip, ip:port or tls://ip:port#name-in-certificate; several with commas"
            ),
        ),
        (
            "--filter-aaaa=1.2.3.4.5",
            (
                "--filter-aaaa: '1.2.3.4.5' is neither an address nor a domain; "
                "give one like 10.0.0.1, fd00::1 or corp.example"
            ),
        ),
        ("--pods=on", "--pods: 'on' is not known; give insecure, verified or disabled"),
        ("--chaos=maybe", "--chaos: 'maybe' is neither true nor false"),
        ("--ttl", "--ttl: needs a value"),
        ("-v", "--v: needs a value"),
        ("--tll=1", "--tll: no such option; did you mean --ttl?"),
        ("--dns_prot=1", "--dns-prot: no such option; did you mean --dns-port?"),
        ("--qqqq", "--qqqq: no such option; --help lists all options"),
        ("--dom=x", "--dom: no such option; did you mean --domain?"),
        ("-x", "-x: no such option; --help lists all options"),
        ("serve", "unexpected argument 'serve'"),
        ("--ttl=1\n2", "--ttl: '1\\n2' is not a whole number; give 0 to 3600"),
        ("--\x1b[2J", "--\\x1b[2J: no such option; --help lists all options"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_flag_and_the_remedy(
    argument: str, said: str
) -> None:
    """House rule of errors: the thing, what is wrong, what to do."""
    assert refusal(argument) == said


def test_wrong_usage_in_the_environment_names_the_variable() -> None:
    """The flag was not given; naming it would send the reader to the wrong file."""
    assert refusal(KUBEDNS_TTL="4000") == "KUBEDNS_TTL: 4000 is above 3600; give 0 to 3600"


def test_a_selector_that_cannot_be_read_is_refused_at_the_start() -> None:
    """The API server would refuse it at every list."""
    assert loaded("--labels=app in (a,b)").config.labels == "app in (a,b)"
    assert refusal("--labels=app in a b").startswith("--labels: ")
    assert refusal("--namespace-labels==x").startswith("--namespace-labels: ")


def test_the_url_of_the_api_server_is_expanded_from_the_environment() -> None:
    """Behaviour 2.1.2: --kube-master-url, environment variables expanded."""
    config = loaded("--kube-master-url=https://${HOST}:$PORT", HOST="10.0.0.1", PORT="6443").config

    assert config.kube_master_url == "https://10.0.0.1:6443"
    assert refusal("--kube-master-url=https://$HOST") == (
        "--kube-master-url: 'https://$HOST': HOST is not set in the environment"
    )
    assert refusal("--kube-master-url=https://x/$") == (
        "--kube-master-url: 'https://x/$': a $ stands before no name"
    )


def test_the_flags_of_kube_dns_for_other_names_are_read() -> None:
    """Behaviour 2.1.2: spelled and shaped as there."""
    config = loaded(
        "--nameservers=8.8.8.8:53,8.8.4.4",
        "--config-map=kube-dns",
        "--config-map-namespace=dns",
        "--config-period=1m",
    ).config

    assert config.nameservers == (Nameserver("8.8.8.8"), Nameserver("8.8.4.4"))
    assert (config.config_map, config.config_map_namespace) == ("kube-dns", "dns")
    assert config.config_period_s == 60.0


def test_a_nameserver_that_is_none_is_said_with_its_flag() -> None:
    """House rule of errors: the thing, what is wrong, what to do."""
    assert refusal("--nameservers=8.8.8.8:0") == (
        "--nameservers: '8.8.8.8:0': port 0 is below 1; give 1 to 65535"
    )
    assert refusal(KUBEDNS_NAMESERVERS="dns.google").startswith(
        "KUBEDNS_NAMESERVERS: 'dns.google' is not the address of a server; give one like 10.0.0.1"
    )


def test_nothing_but_the_url_is_expanded() -> None:
    """kube-dns expands that one only."""
    assert loaded("--manifests=/srv/$HOME", HOME="/root").config.manifests == "/srv/$HOME"


def test_the_url_may_stand_beside_a_kubeconfig() -> None:
    """kube-dns: the URL wins over the file's server."""
    config = loaded("--kube-master-url=https://x", "--kubecfg-file=/k").config

    assert (config.kube_master_url, config.kubecfg_file) == ("https://x", "/k")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--manifests=/m", "--kubecfg-file=/k"),
            "--manifests: not together with --kubecfg-file; objects come from one place",
        ),
        (
            ("--manifests=/m", "--kube-master-url=https://x"),
            "--manifests: not together with --kube-master-url; objects come from one place",
        ),
        (
            ("--namespaces=a", "--namespace-labels=b"),
            "--namespaces: not together with --namespace-labels; give one",
        ),
        (
            ("--config-map=kube-dns", "--config-dir=/kube-dns-config"),
            "--config-map: not together with --config-dir; give one",
        ),
        (
            ("--manifests=/m", "--config-map=kube-dns"),
            "--config-map: not together with --manifests; it has no API server; give --config-dir",
        ),
        (
            ("--forward=false", "--nameservers=8.8.8.8"),
            "--nameservers: not together with --forward=false; nobody is asked then",
        ),
        (
            ("--forward=false", "--filter-aaaa=."),
            "--filter-aaaa: not together with --forward=false; nobody is asked then",
        ),
        (
            ("--forward=false", "--search-completion"),
            "--search-completion: not together with --forward=false; nobody is asked then",
        ),
        (
            ("--forward=false", "--rebind-protection"),
            "--rebind-protection: not together with --forward=false; nobody is asked then",
        ),
        (
            ("--forward=false", "--randomize-case"),
            "--randomize-case: not together with --forward=false; nobody is asked then",
        ),
        (("--ptr-pods",), "--ptr-pods: needs --pods verified, not insecure"),
        (
            ("--dns-port=8081",),
            "--healthz-port: 8081 is also the port for DNS; give another",
        ),
        (
            ("--dns-port=9153",),
            "--metrics-port: 9153 is also the port for DNS; give another",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    arguments: tuple[str, ...], said: str
) -> None:
    """docs/configuration.md: what does not go together."""
    assert refusal(*arguments) == said


def test_a_contradiction_names_the_variable_that_made_it() -> None:
    """Half of it may come from the environment."""
    assert refusal("--manifests=/m", KUBEDNS_KUBECFG_FILE="/k") == (
        "--manifests: not together with KUBEDNS_KUBECFG_FILE; objects come from one place"
    )
    assert refusal("--nameservers=8.8.8.8", KUBEDNS_FORWARD="false") == (
        "--nameservers: not together with KUBEDNS_FORWARD=false; nobody is asked then"
    )


@pytest.mark.parametrize("option", ["--config-dir", "--config-map"])
def test_a_config_map_that_nobody_needs_is_a_warning(option: str) -> None:
    """The chart always names one, and others may read it too."""
    found = loaded("--forward=false", f"{option}=kube-dns")

    assert found.notices == (f"{option}: not read with --forward=false; nobody is asked then",)
    assert loaded(f"{option}=kube-dns").notices == ()
    assert loaded("--forward=false", "--nameservers=", "--filter-aaaa=").notices == ()


def test_workers_without_an_answer_table_are_a_warning() -> None:
    """They serve: all that comes is handed to the main process."""
    found = loaded("--workers=2", KUBEDNS_ANSWER_TABLE_SIZE="0")

    assert found.notices == (
        "--workers: of no use with KUBEDNS_ANSWER_TABLE_SIZE=0; they answer what is in the table",
    )
    assert loaded("--workers=2").notices == ()
    assert loaded("--answer-table-size=0").notices == ()


def test_one_port_for_health_and_metrics_is_no_contradiction() -> None:
    """Contract: equal ports share one listener."""
    config = loaded("--healthz-port=9000", "--metrics-port=9000").config

    assert (config.healthz_port, config.metrics_port) == (9000, 9000)


def test_one_port_on_different_addresses_is_no_contradiction() -> None:
    """Sockets at different addresses may share a number."""
    arguments = (
        "--dns-port=9153",
        "--dns-bind-address=127.0.0.1",
        "--admin-bind-address=127.0.0.2",
    )

    assert loaded(*arguments).config.dns_port == 9153


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--federations=a=b", "federated clusters are not served; kube-dns deprecated them"),
        ("--profiling", "there is no profiling page"),
        ("--logtostderr", "log lines always go to standard error"),
        ("--logtostderr=true", "log lines always go to standard error"),
        ("--alsologtostderr", "log lines always go to standard error"),
        ("--stderrthreshold=2", "log lines always go to standard error"),
        ("--vmodule=dns=3", "--v counts for all modules"),
    ],
)
def test_a_flag_of_kube_dns_that_does_nothing_here_is_one_warning(argument: str, said: str) -> None:
    """Ecosystem 6.1: manifests carry them."""
    (notice,) = loaded(argument).notices

    flag = argument.partition("=")[0]
    assert notice.startswith(f"{flag}: accepted without effect: {said}")


def test_the_arguments_of_kube_dns_own_manifest_are_accepted() -> None:
    """Ecosystem 6.1: the Deployment that kube-dns ships."""
    found = loaded(
        "--domain=cluster.local.",
        "--dns-port=10053",
        "--config-dir=/kube-dns-config",
        "--v=2",
        PROMETHEUS_PORT="10055",
    )

    assert found.config.dns_port == 10053
    assert found.config.metrics_port == 10055
    assert found.config.config_dir == "/kube-dns-config"
    assert found.notices == ()


def test_a_domain_of_one_label_is_a_warning() -> None:
    """It hides a top-level domain from every pod."""
    assert loaded("--domain=local").notices == (
        "--domain: local. has one label only; it hides a top-level domain",
    )


def test_help_shows_every_option_with_range_and_default(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Good to read: groups, ranges, defaults."""
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as leaving:
        loaded("--help")

    text = capsys.readouterr().out
    assert leaving.value.code == 0
    assert text.startswith("usage: kubedns-py serve [--option value | --option=value]...\n")
    assert "TTL of records, in seconds. 0 to 3600. [default: 30]" in text
    assert "--pods insecure|verified|disabled" in text
    assert "--domain DOMAIN,..." in text
    assert "logtostderr" not in text


def test_version_is_printed_without_reading_anything_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ecosystem 6.1: --version."""
    with pytest.raises(SystemExit) as leaving:
        loaded("--version", "--ttl=nonsense")

    assert leaving.value.code == 0
    assert capsys.readouterr().out == f"kubedns-py {__version__}\n"


@given(st.lists(st.text(max_size=20).filter(lambda text: text != "-h"), max_size=4))
def test_any_arguments_are_a_config_or_one_printable_line(arguments: list[str]) -> None:
    """Bad input gets one clear line, never a traceback."""
    try:
        said = repr(loaded(*arguments).config)
    except UsageError as error:
        said = str(error)
    assert said.isprintable()
