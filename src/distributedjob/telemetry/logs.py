"""Log lines: JSON for machines, console for people; always to standard error."""

import logging
import sys
from enum import StrEnum

import structlog

CHATTY = {"alembic": logging.WARNING, "uvicorn": logging.WARNING, "asyncmy": logging.ERROR}
"""Libraries whose everyday news is not ours, with the level from which they are heard. The MySQL driver passes on what
a server remarks on statements, such as its own name for a primary key."""


class LogFormat(StrEnum):
    JSON = "json"
    CONSOLE = "console"


def configure_logging(*, log_format: LogFormat, level: str) -> None:
    """Set the process's logging up; standard library loggers go the same way."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if log_format is LogFormat.CONSOLE:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    quiet_libraries()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def quiet_libraries() -> None:
    """Also for commands that log nothing themselves: an unconfigured logger writes to standard error."""
    for name, level in CHATTY.items():
        logging.getLogger(name).setLevel(level)
