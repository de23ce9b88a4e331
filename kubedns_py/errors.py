"""The whole exception tree.

    KubednsError
    ├── UsageError        a flag or environment variable is wrong; exit code 2
    ├── StartError        a file, port or credential is not as needed; exit code 1
    ├── BadObject         one API object cannot be read; the others are not touched
    ├── BadName           text that is not a domain name
    ├── BadConfiguration  what can change while we run was changed to something unusable
    ├── HttpError         a server gives no answer, or none that is HTTP
    └── ApiError          the API server refused a request or broke off

Outcomes of DNS (NXDOMAIN, REFUSED, FORMERR) are values, never exceptions.
"""

EXCERPT = 200
"""How many characters of a foreign text are shown."""


class KubednsError(Exception):
    """Base of everything that this package raises on purpose."""


class UsageError(KubednsError):
    """A command-line flag or environment variable is wrong. The text is one line for a person."""


class StartError(KubednsError):
    """Something that start-up needs is missing or unusable. The text is one line for a person."""


class BadName(KubednsError):  # noqa: N818 - "bad name" is what operators read
    """A text is not a domain name (RFC 1035, 2.3.4; RFC 1123, 2.1)."""


class BadConfiguration(KubednsError):  # noqa: N818 - like the others
    """A new ConfigMap or the like cannot be used; the last good one stays (row F-29).

    The text is one line for a person: the key, then the reason.
    """


class BadObject(KubednsError):  # noqa: N818 - same
    """One API object cannot be decoded; its previous version stays.

    Attributes:
        kind: Kubernetes kind, such as ``Service``.
        reason: a word from a closed set, used as a metric label.
        key: ``namespace/name`` as far as it could be read, otherwise empty.
        version: its resource version as far as it could be read, otherwise empty.
    """

    def __init__(
        self, kind: str, reason: str, *, key: str = "", detail: str = "", version: str = ""
    ) -> None:
        super().__init__(kind, reason, key, detail)
        self.kind = kind
        self.reason = reason
        self.key = key
        self.detail = detail
        self.version = version

    def __str__(self) -> str:
        return f"{self.kind} {self.key or '(no name)'}: {self.reason}: {self.detail}"


class HttpError(KubednsError):
    """There is no answer to a request, or it is no HTTP or not whole. The text is for a person."""


class ApiError(KubednsError):
    """The API server answered a request with an error, or the stream broke.

    Attributes:
        status: HTTP status, or the code of an ERROR event; 0 when there was no answer at all.
        retry_after_s: seconds that the server asked us to wait, or None.
        silent: the request went out, and for as long as we wait nothing came back.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        retry_after_s: float | None = None,
        silent: bool = False,
    ) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.silent = silent

    def __str__(self) -> str:
        return f"{self.status} {self.detail}" if self.status else self.detail


def excerpt(text: str) -> str:
    """Return the beginning of a foreign text as one line of printable ASCII."""
    escaped = text.strip()[:EXCERPT].encode("unicode_escape").decode("ascii")
    return escaped if len(escaped) <= EXCERPT else escaped[: EXCERPT - 3] + "..."
