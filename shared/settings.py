"""The registry of all settings.

Each one is an environment variable, a flag, and a line of docs/operations.md.
"""

import ipaddress
import re
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypedDict, Union, cast, get_args, get_origin

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.contracts import record_kinds
from shared.contracts.dates import ANY
from shared.errors import UsageError
from shared.log.kafka.options import KafkaOptions

PREFIX = "SCHOLARSTREAM_"
KAFKA = KafkaOptions()  # the defaults of a cluster's options
LOG_URLS = ("sqlite:///", "kafka://")
COUNTED = "counted:"
HOST_NAME = re.compile(r"\*|(\*\.)?[\w.-]+|\[?[0-9A-Fa-f:.]+\]?")
PUBLIC_URL = re.compile(r"https?://(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?/?")
UNSET = {
    "log": "log.sqlite in the data folder",
    "checkpoints": "checkpoints in the data folder",
    "generation": "the one that publishes, at first 1",
    "store": "viewer-store in the data folder",
    "cors_origins": "* on a loopback address, else none",
}
NO_STORE = "off"
MAIL_ADDRESS = re.compile(r"[\w.+%-]{1,64}@[\w.-]{1,250}", re.ASCII)
KEY = re.compile(r"[!-~]{1,200}")
ORIGIN = re.compile(r"https?://[^\s/,*?#@]+")
ANY_ORIGIN, NO_ORIGIN = "*", "none"
SECRET = ("kafka_password", "openalex_key", "semanticscholar_key")  # settings without a flag


def _setting(
    default: Any, description: str, *, unit: str | None = None, words: str | None = None, **bounds: Any
) -> Any:
    """A setting. words: the right values, if the type does not say it."""
    return Field(default, description=description, json_schema_extra={"unit": unit, "words": words}, **bounds)


class Settings(BaseSettings):
    """The settings. A flag overrides an environment variable (prefix SCHOLARSTREAM_), which overrides the
    default.

    `Settings.load` is for input of people (UsageError), the constructor for code (pydantic's
    ValidationError).
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, allow_inf_nan=False
    )

    data_dir: Path = _setting(
        Path("data"), "Folder of the embedded log, of checkpoints and of the position in each source."
    )
    log: str | None = _setting(
        None, "The log: sqlite:///PATH, or kafka://HOST:PORT, with commas between several brokers."
    )
    host: str = _setting(
        "127.0.0.1",
        "Address of page, HTTP API and metrics; 0.0.0.0 opens them to the network.",
    )
    port: int = _setting(8080, "Port of page, HTTP API and metrics; 0 takes a free one.", ge=0, le=65535)
    http_hosts: str | None = _setting(
        None,
        "Further names that page and HTTP API answer to (header Host), or * for any. Loopback names and the "
        "address always work.",
        words="names without ports, with commas between them, or *",
    )
    public_url: str | None = _setting(
        None,
        "The address of the page as other people use it, for links in feeds, cards and previews; by default "
        "that of each request.",
        words="scheme and host, for example https://authors.example.org",
    )
    http_connections: int = _setting(
        1000,
        "The most open connections; fewer if the limit of open files requires it.",
        unit="connections",
        ge=16,
        le=100_000,
    )
    http_rate: int = _setting(
        6000,
        "Requests to the HTTP API that one client may make in a minute; 0: any number. A client is an IPv4 "
        "address or a /64 of IPv6.",
        unit="requests",
        ge=0,
        le=10_000_000,
    )
    cors_origins: str | None = _setting(
        None,
        "Origins whose pages may read the HTTP API (CORS): * for any, none, or a list.",
        words="*, none, or origins with commas between them, for example https://lab.example.org",
    )
    store: str | None = _setting(
        None,
        "Folder of the viewer's store (papers, citations, search), which is made from the log; off: no "
        "store.",
        words="the path of a folder, or off",
    )
    partitions: int = _setting(
        1,
        "Partitions of each topic when a log is made. An existing log keeps its number.",
        ge=1,
        le=256,
    )
    term_partitions: int = _setting(
        1,
        "Partitions of the scorer's input, so the most scorers side by side. One scores hundreds of papers "
        "a second.",
        ge=1,
        le=256,
    )
    cohort_partitions: int = _setting(
        1, "Partitions of the cohorts' input. One handles thousands of papers a second.", ge=1, le=256
    )
    batch_records: int = _setting(
        4000, "The most records that a stage reads at once.", unit="records", ge=1, le=100_000
    )
    max_event_bytes: int = _setting(
        8 << 20,
        "Larger events are refused. Must be the same for every service of a log.",
        unit="bytes",
        ge=1024,
        le=64 << 20,
    )
    headline_basis: str = _setting(
        "references",
        "Basis of the headline's counts: references, or counted:SOURCE. Must be the same for every service "
        "of a log.",
    )
    headline_novelty: str = _setting(
        "own",
        "Novelty in the headline: own, or reported:SOURCE@VERSION. Must be the same for every service of a "
        "log.",
    )
    snapshot_papers: int = _setting(
        100,
        "The most papers that a profile lists. Must be the same for every service of a log.",
        unit="papers",
        ge=1,
        le=100,
    )
    days_ahead: int = _setting(
        2,
        "How many days an event may be dated after its append time (clock, counts and reports of sources). "
        "An event with a later date is refused. Must be the same for every service of a log.",
        unit="days",
        ge=1,
        le=ANY,
    )
    max_counting_sources: int = _setting(
        8,
        "The most sources of `paper.counted` in a partition of papers.v1; an event of another source is "
        "refused. Each source costs about 300 bytes for each paper that it counts. Must be the same for "
        "every service of a log.",
        unit="sources",
        ge=1,
        le=100,
    )
    max_scorers: int = _setting(
        32,
        "The most sources and versions of `paper.scored` in a partition of papers.v1; an event of another "
        "one is refused. Must be the same for every service of a log.",
        unit="versions",
        ge=1,
        le=1000,
    )
    max_reporting_sources: int = _setting(
        10,
        "The most sources of `author.reported` for one author; an event of another source is refused. Must "
        "be the same for every service of a log.",
        unit="sources",
        ge=1,
        le=200,
    )
    max_citing_sources: int = _setting(
        8,
        "Sources of `paper.cites` in a partition of papers.v1, at most; events of further ones are refused. "
        "Must be the same for every service of a log.",
        unit="sources",
        ge=1,
        le=100,
    )
    retracted: Literal["exclude", "count"] = _setting(
        "exclude",
        "Whether retracted papers count in the numbers: exclude or count. Profiles say in either case that "
        "an author has some. Must be the same for every service of a log.",
    )
    kinds: str = _setting(
        record_kinds.DEFAULT,
        "Kinds of record that count (`kind` of paper.published). Records without a kind count always. Must "
        "be the same for every service of a log.",
        words=record_kinds.FORM,
    )
    intake: Literal["on", "off", "open"] = _setting(
        "on",
        "Intake of events by HTTP (POST /v1/events). on: on a loopback address also without tokens; open: "
        "without tokens on any address; off: none.",
    )
    intake_tokens: Path | None = _setting(
        None,
        "File with the tokens of clients that may send events by HTTP, one a line.",
        words="the path of a file",
    )
    intake_body_bytes: int = _setting(
        8 << 20, "The most bytes of a request with events, as sent.", unit="bytes", ge=1024, le=64 << 20
    )
    intake_unpacked_bytes: int = _setting(
        32 << 20,
        "The most bytes of a request with events, unpacked.",
        unit="bytes",
        ge=1024,
        le=256 << 20,
    )
    intake_events: int = _setting(
        10_000, "The most events or records of a request.", unit="events", ge=1, le=100_000
    )
    coalesce_share: float = _setting(
        0.1,
        "Share of its time that a busy publisher uses to publish; a smaller one coalesces more.",
        gt=0,
        le=1,
    )
    coalesce_max_seconds: float = _setting(
        10.0, "The longest time that a change waits to be published.", unit="seconds", ge=0, le=3600
    )
    score_publish_seconds: float = _setting(
        900.0,
        "The longest time that an author waits to be published whose novelty, AI score or percentiles moved "
        "only because other papers did.",
        unit="seconds",
        ge=0,
        le=86_400,
    )
    checkpoint_seconds: float = _setting(
        60.0,
        "Time between checkpoints of a stage; longer if saving takes long.",
        unit="seconds",
        ge=0,
        le=86_400,
    )
    keep_checkpoints: int = _setting(
        3, "Checkpoints kept for each stage and partition.", unit="files", ge=1, le=100
    )
    refused_share: float = _setting(
        0.5,
        "Intake of a source stops if more than this share of the last refused_window events is refused.",
        gt=0,
        le=1,
    )
    refused_window: int = _setting(
        1000, "Number of last events that refused_share applies to.", unit="events", ge=1, le=1_000_000
    )
    refused_run: int = _setting(
        1000,
        "Intake of a source stops after this number of refused events in a row.",
        unit="events",
        ge=1,
        le=1_000_000,
    )
    poll_seconds: float = _setting(
        86_400.0,
        "Time from the beginning of one reading of a live source to the next one.",
        unit="seconds",
        ge=60,
        le=31_622_400,
    )
    contact: str | None = _setting(
        None,
        "Your e-mail address, which live sources get with each request: they write before they block.",
        words="an e-mail address",
    )
    openalex_key: SecretStr | None = _setting(
        None,
        "Key of the OpenAlex API. It has no flag, because other users can read command lines.",
    )
    semanticscholar_key: SecretStr | None = _setting(
        None,
        "Key of the Semantic Scholar API. It has no flag, because other users can read command lines.",
    )
    checkpoints: str | None = _setting(
        None,
        "Place of checkpoints: a folder, or the URL of a store that several machines share (s3://…, gs://…, "
        "with its fsspec package).",
    )
    generation: int | None = _setting(
        None,
        "The generation to work on. A new number computes everything again, beside the old generation.",
        ge=1,
        le=1_000_000,
    )
    accept_topics: bool = _setting(
        False,
        "Start even if settings of topics may lose data (see `topics check`), or if an input lost records "
        "on purpose.",
    )
    kafka_security: Literal["PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL"] = _setting(
        KAFKA.security, "Security protocol for the brokers."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = _setting(
        KAFKA.sasl_mechanism, "SASL mechanism for the brokers."
    )
    kafka_username: str | None = _setting(None, "SASL user name.")
    kafka_password: SecretStr | None = _setting(
        None, "SASL password. It has no flag, because other users can read command lines."
    )
    kafka_password_file: Path | None = _setting(
        None, "File with the SASL password.", words="the path of a file"
    )
    kafka_ca_file: Path | None = _setting(
        None, "Trusted certificates of the brokers (PEM).", words="the path of a file"
    )
    kafka_cert_file: Path | None = _setting(None, "Client certificate (PEM).", words="the path of a file")
    kafka_key_file: Path | None = _setting(
        None, "Key of the client certificate (PEM).", words="the path of a file"
    )
    kafka_compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = _setting(
        KAFKA.compression, "Compression of record batches."
    )
    kafka_replication: int = _setting(
        KAFKA.replication,
        "Copies of each partition when topics are made; 0: three, or the number of brokers if it is smaller.",
        unit="copies",
        ge=0,
        le=32,
    )
    kafka_session_seconds: float = _setting(
        KAFKA.session_seconds,
        "A worker without a heartbeat for this time loses its partitions to others.",
        unit="seconds",
        ge=6,
        le=300,
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", "Log lines below this level are not written."
    )
    log_format: Literal["auto", "console", "json"] = _setting(
        "auto", "Form of log lines: console for people, json for programs, auto: console on a terminal."
    )
    shutdown_seconds: float = _setting(
        2.0, "The longest time that a service takes to stop.", unit="seconds", gt=0, le=600
    )

    @field_validator("log")
    @classmethod
    def _is_log_url(cls, value: str | None) -> str | None:
        if value is not None and not (value.startswith(LOG_URLS) and value not in LOG_URLS):
            raise ValueError("sqlite:///PATH, for example sqlite:///data/log.sqlite")
        return value

    @field_validator("http_hosts")
    @classmethod
    def _is_hosts(cls, value: str | None) -> str | None:
        if value is not None and not all(HOST_NAME.fullmatch(name.strip()) for name in value.split(",")):
            raise ValueError(
                "names without ports, with commas between them, for example "
                "scholars.example.org,*.lab.example.org, or *"
            )
        return value

    @field_validator("kinds")
    @classmethod
    def _are_kinds(cls, value: str) -> str:
        record_kinds.RecordKinds(value)  # raises ValueError
        return value

    @field_validator("contact")
    @classmethod
    def _is_mail_address(cls, value: str | None) -> str | None:
        if value is not None and not MAIL_ADDRESS.fullmatch(value):
            raise ValueError("an e-mail address, for example ann@example.org")
        return value

    @field_validator("openalex_key", "semanticscholar_key")
    @classmethod
    def _is_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not KEY.fullmatch(value.get_secret_value().strip()):
            raise ValueError("1 to 200 printable signs without blanks")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _is_origins(cls, value: str | None) -> str | None:
        if value not in (None, ANY_ORIGIN, NO_ORIGIN) and not all(
            ORIGIN.fullmatch(origin.strip()) for origin in value.split(",")
        ):
            raise ValueError(
                "*, none, or origins with commas between them, for example https://lab.example.org"
            )
        return value

    @field_validator("store")
    @classmethod
    def _is_store(cls, value: str | None) -> str | None:
        if value is not None and "\0" in value:
            raise ValueError("the path of a folder, or off")
        return value

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, value: str | None) -> str | None:
        if value is not None and not PUBLIC_URL.fullmatch(value):
            raise ValueError("scheme and host, for example https://authors.example.org")
        return value and value.rstrip("/")

    @field_validator("headline_basis")
    @classmethod
    def _is_basis(cls, value: str) -> str:
        if value != "references" and (not value.startswith(COUNTED) or value == COUNTED):
            raise ValueError("references or counted:SOURCE, for example counted:openalex")
        return value

    @field_validator("headline_novelty")
    @classmethod
    def _is_novelty(cls, value: str) -> str:
        if value != "own" and not re.fullmatch(r"reported:.+@.+", value):
            raise ValueError("own or reported:SOURCE@VERSION, for example reported:scholar-feed@2026-06")
        return value

    @field_validator("data_dir")
    @classmethod
    def _is_folder(cls, value: Path) -> Path:
        if "\0" in str(value):
            raise ValueError("the path of a folder")
        return value.expanduser()

    @property
    def kafka(self) -> KafkaOptions:
        """The options for a cluster. Error: UsageError for a password file that cannot be read."""
        password = self.kafka_password.get_secret_value() if self.kafka_password else None
        if self.kafka_password_file:
            try:
                password = self.kafka_password_file.read_text().strip()
            except OSError as error:
                raise UsageError(
                    f"{variable_of('kafka_password_file')}: {self.kafka_password_file}: {error.strerror}"
                ) from None
        return KafkaOptions(
            security=self.kafka_security,
            sasl_mechanism=self.kafka_sasl_mechanism,
            username=self.kafka_username,
            password=password,
            ca_file=self.kafka_ca_file,
            cert_file=self.kafka_cert_file,
            key_file=self.kafka_key_file,
            compression=self.kafka_compression,
            replication=self.kafka_replication,
            session_seconds=self.kafka_session_seconds,
        )

    @property
    def host_names(self) -> tuple[str, ...]:
        """`http_hosts`, one by one."""
        return tuple(name.strip() for name in self.http_hosts.split(",")) if self.http_hosts else ()

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the service."""
        return _is_loopback(self.host)

    @property
    def origins(self) -> tuple[str, ...]:
        """`cors_origins`, one by one: ("*",) for any. Without the setting, any on a loopback address
        alone.
        """
        if self.cors_origins is None:
            return (ANY_ORIGIN,) if self.is_local else ()
        if self.cors_origins == NO_ORIGIN:
            return ()
        return tuple(origin.strip() for origin in self.cors_origins.split(","))

    @property
    def environment(self) -> dict[str, str]:
        """These settings as variables, for a process that this one starts."""
        values = {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name in type(self).model_fields
            if (value := getattr(self, name)) is not None
        }
        return {
            variable_of(name): str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in values.items()
        }

    @property
    def log_url(self) -> str:
        """The URL of the log: `log`, or log.sqlite in the data folder."""
        return self.log or f"sqlite:///{self.data_dir}/log.sqlite"

    @classmethod
    def load(cls, **flags: Any) -> "Settings":
        """The settings of this process. flags: name → value from the command line; None: not given.

        Error: UsageError with the flag or environment variable, and what would be right.
        """
        given = {name: value for name, value in flags.items() if value is not None}
        try:
            return cls(**given)
        except ValidationError as error:
            faults = error.errors(include_url=False)
            raise UsageError("; ".join(_in_words(fault, given) for fault in faults)) from None


def _is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def default_of(name: str) -> Any:
    """The default of a setting, for code that runs without settings."""
    return Settings.model_fields[name].default


class SettingInWords(NamedTuple):
    """A setting for people. right: the right values; flag: None for a secret."""

    name: str
    variable: str
    flag: str | None
    default: str
    right: str
    unit: str | None
    description: str


def rows() -> Iterator[SettingInWords]:
    """Every setting, in the order of the registry."""
    for name, field in Settings.model_fields.items():
        unit = _extra(field)["unit"]
        yield SettingInWords(
            name,
            variable_of(name),
            None if name in SECRET else flag_of(name),
            _default(name, field),
            right_values(field),
            unit,
            field.description or "",
        )


def flag_of(name: str) -> str:
    """The flag of a setting."""
    return "--" + name.replace("_", "-")


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


class _Extra(TypedDict):
    """What `_setting` adds to a field."""

    unit: str | None
    words: str | None


def _extra(field: FieldInfo) -> _Extra:
    return cast(_Extra, field.json_schema_extra)


def right_values(field: FieldInfo) -> str:
    """The right values in words."""
    if words := _extra(field)["words"]:
        return words
    kind = _plain(field.annotation)
    if kind is bool:
        return "true or false"
    if get_origin(kind) is Literal:
        return ", ".join(get_args(kind)[:-1]) + f" or {get_args(kind)[-1]}"
    bounds = {
        name: getattr(part, name)
        for part in field.metadata
        for name in ("ge", "gt", "le")
        if getattr(part, name, None) is not None
    }
    if kind is Path:
        return "the path of a folder"
    if kind in (str, SecretStr):
        return "text"
    noun = "an integer" if kind is int else "a number"
    low = f"from {bounds['ge']}" if "ge" in bounds else f"above {bounds['gt']}"
    return f"{noun} {low} to {bounds['le']}"


def _plain(annotation: Any) -> Any:
    """The type behind Annotated and Optional."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return next(_plain(a) for a in get_args(annotation) if a is not type(None))
    return annotation


def _default(name: str, field: FieldInfo) -> str:
    if name in UNSET:
        return UNSET[name]
    if field.default is None:
        return "none"
    return str(field.default).lower() if isinstance(field.default, bool) else str(field.default)


def _in_words(fault: ErrorDetails, given: Mapping[str, Any]) -> str:
    """A wrong setting in words."""
    name = str(fault["loc"][0]) if fault["loc"] else ""
    if name not in Settings.model_fields:
        return f"there is no setting {name!r}"
    where = flag_of(name) if name in given else variable_of(name)
    right = (
        str(fault["ctx"]["error"])
        if fault["type"] == "value_error"
        else right_values(Settings.model_fields[name])
    )
    given_value = "what was given" if name in SECRET else repr(fault["input"])
    return f"{where}: {given_value} is not right; it must be {right}"
