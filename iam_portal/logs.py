"""Logs: one JSON object a line, on stderr."""

import logging.config

import structlog

_PROCESSORS: list[structlog.types.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


class Rendered(str):
    """A line that is JSON already: of who writes too many to have each made anew."""

    __slots__ = ()


class Lines(structlog.stdlib.ProcessorFormatter):
    """Every record as a line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """What is rendered stays as it is."""
        return record.msg if isinstance(record.msg, Rendered) else super().format(record)


def lines() -> Lines:
    """A formatter for servers that have their own configuration (docs/monitoring/granian-log.json)."""
    return Lines(processor=structlog.processors.JSONRenderer(), foreign_pre_chain=_PROCESSORS)


def configure(level: str) -> None:
    """For this process, from its settings on."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": Lines,
                    "processor": structlog.processors.JSONRenderer(),
                    "foreign_pre_chain": _PROCESSORS,
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {
                # The middleware logs each request once; Django's own lines would carry full addresses.
                "django.request": {"level": "ERROR"},
                "django.server": {"level": "ERROR"},
                "oauthlib": {"level": "WARNING"},
                "celery.apps.worker": {"level": "INFO"},  # "ready": whoever started it waits for that
            },
        }
    )
    structlog.configure(
        processors=[*_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
