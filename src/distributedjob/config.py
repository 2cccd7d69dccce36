"""The settings, each with its default and its meaning: a file, then the environment, then flags; the last word wins.

The only place that reads the environment. Every setting is `DISTRIBUTEDJOB_` plus its name in capitals.
"""

import os
import socket
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource
from yaml import YAMLError

from distributedjob.access.passwords import check_strength
from distributedjob.model.errors import FieldError, Invalid
from distributedjob.model.node import LABEL, QUEUE
from distributedjob.neighbours import NeighbourSettings
from distributedjob.telemetry.logs import LogFormat

PREFIX = "DISTRIBUTEDJOB_"
CLIENT_VARIABLES = frozenset({"DISTRIBUTEDJOB_SERVER", "DISTRIBUTEDJOB_TOKEN"})


class Role(StrEnum):
    API = "api"
    SCHEDULER = "scheduler"
    WORKER = "worker"


CONNECTIONS = {Role.API: 5, Role.SCHEDULER: 5, Role.WORKER: 6}
"""What each role has in use at once: requests, which hold one for milliseconds; recording, the look ahead, gates,
rescue and clearing up; two batches of results, claims, pulls, start marks and what is compared with the database."""


class Settings(NeighbourSettings, BaseSettings):
    """All settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, env_nested_delimiter=None, validate_default=False
    )

    data_dir: Path = Field(Path("distributedjob-data"), description="Folder of the SQLite file, journals and lock.")
    database_url: str | None = Field(
        None, description="MySQL or MariaDB, as mysql://user:password@host:3306/database; SQLite in data_dir if unset."
    )
    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8080, ge=0, le=65535, description="Port of the REST API.")
    node_name: str = Field(
        default_factory=socket.gethostname, max_length=128, description="Name of this node in lists and logs."
    )
    roles: frozenset[Role] = Field(
        frozenset(Role), min_length=1, description="What this process does: api, scheduler, worker."
    )
    queues: tuple[Annotated[str, Field(pattern=QUEUE)], ...] = Field(
        ("default",), min_length=1, max_length=32, description="Queues this node's worker serves."
    )
    labels: tuple[Annotated[str, Field(pattern=LABEL)], ...] = Field(
        (), max_length=32, description="Facts about this node for lists and filters, as name=value: zone=a."
    )
    slots: int = Field(256, ge=1, le=10_000, description="Calls this node's worker makes at once.")
    pool_size: int | None = Field(
        None,
        ge=1,
        le=200,
        description="Connections to MySQL or MariaDB that a process uses at once, beside one for its heartbeat; if "
        "unset 5 for the api, 5 for the scheduler and 6 for the worker.",
    )
    processes: int = Field(
        1,
        ge=1,
        le=64,
        description="Full processes on this machine, the second on the next port, and so on; SQLite allows one.",
    )
    drain_timeout_seconds: float = Field(30.0, ge=0, le=3600, description="How long calls may go on after SIGTERM.")
    cancel_grace_seconds: float = Field(30.0, ge=1, le=3600, description="How long a cancelled call may go on.")
    catchup_rate: int = Field(
        20, ge=1, le=10_000, description="Missed fires caught up per second, per cluster, unless changed at run time."
    )
    api_rate: int = Field(
        500, ge=1, le=1_000_000, description="Requests per second that the API takes from one user or address."
    )
    retention_days: float = Field(30, gt=0, description="How long executions are kept.")
    failure_retention_days: float = Field(90, gt=0, description="How long failed executions are kept.")
    body_retention_days: float = Field(7, gt=0, description="How long response bodies are kept.")
    allow_private_targets: bool | None = Field(
        None, description="Whether tasks may call loopback and private addresses; yes with SQLite, no otherwise."
    )
    egress_allow: tuple[str, ...] = Field((), description="Hosts and CIDR ranges that tasks may call all the same.")
    admin_password: SecretStr | None = Field(
        None, description="Password of the first admin; made and printed once if unset."
    )
    log_format: LogFormat = Field(LogFormat.CONSOLE, description="console or json.")
    log_level: str = Field("info", pattern="(?i)^(debug|info|warning|error)$", description="Least level logged.")
    own_all_shards: bool = Field(
        False, description="For tests: act as owner of every shard, whoever else does. Wastes work, loses nothing."
    )
    crash_point: str | None = Field(
        None,
        description="For tests: end the process at a named point, as name:n, or freeze it there, as name:n:freeze.",
    )

    @field_validator("admin_password")
    @classmethod
    def _strong(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                check_strength(value.get_secret_value(), field="admin_password", name="admin")
            except Invalid as fault:
                raise ValueError(fault.errors[0].message) from None
        return value

    @model_validator(mode="after")
    def _one_process_on_sqlite(self) -> "Settings":
        if self.uses_sqlite and self.processes > 1:
            raise ValueError("processes: SQLite allows one process; set database_url to MySQL or MariaDB for more")
        if self.uses_sqlite and self.roles != frozenset(Role):
            raise ValueError(
                "roles: SQLite allows one process, which has to do everything: api, scheduler and worker; set "
                "database_url to MySQL or MariaDB to spread the roles over nodes"
            )
        return self

    @model_validator(mode="after")
    def _no_neighbours_on_sqlite(self) -> "Settings":
        for name in ("etcd_endpoints", "kafka_servers"):
            if getattr(self, name) and self.uses_sqlite:
                raise ValueError(f"{name}: is for several nodes on one MySQL or MariaDB; set database_url too")
        return self

    @property
    def uses_sqlite(self) -> bool:
        return self.database_url is None or self.database_url.startswith("sqlite")

    @property
    def url(self) -> str:
        """The database in force."""
        return self.database_url or f"sqlite:///{self.data_dir / 'distributedjob.db'}"

    @property
    def connections(self) -> int:
        """To a database server, at once, of one process; its heartbeat has one more."""
        return self.pool_size or sum(CONNECTIONS[role] for role in self.roles)

    @property
    def private_targets(self) -> bool:
        return self.uses_sqlite if self.allow_private_targets is None else self.allow_private_targets

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls)


def load_settings(*, config: Path | None = None, **flags: Any) -> Settings:
    """Read file, environment and flags; raises Invalid naming each wrong setting."""
    if config is not None and not config.is_file():
        raise Invalid.one("config", f"there is no file {config}")

    class FileSettings(Settings):
        model_config = SettingsConfigDict(yaml_file=config)

    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return FileSettings(**given)
    except ValidationError as error:
        raise _named(error, config) from None
    except (YAMLError, OSError, ValueError, TypeError) as error:
        raise Invalid.one("config", f"{config} cannot be read as settings: {error}") from None


def list_unknown_variables() -> list[str]:
    """Variables of the environment that look like settings and are none: misspelt, or put there by a platform."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | CLIENT_VARIABLES
    return sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known)


def _named(error: ValidationError, config: Path | None) -> Invalid:
    """A wrong value is never repeated: it may be a password."""
    faults = tuple(FieldError(_place(fault["loc"]), _message(fault)) for fault in error.errors(include_url=False))
    source = f" (flags, {PREFIX}… or {config})" if config else f" (flags or {PREFIX}…)"
    return Invalid(f"the settings are not valid{source}", errors=faults)


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "settings"


def _message(fault: ErrorDetails) -> str:
    text = fault["msg"].removeprefix("Value error, ")
    return "there is no such setting" if fault["type"] == "extra_forbidden" else text
