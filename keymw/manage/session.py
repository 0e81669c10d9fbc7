"""One run of the program: its configuration and its caller."""

from collections.abc import Iterator
import contextlib
import dataclasses
import functools
import logging

from cliff import app
from oslo_config import cfg

from keymw import conf as configuration
from keymw.manage import audit_log
from keymw.manage import pipeline
from keymw.manage import users
from keymw.observe import audit


@dataclasses.dataclass
class Session:
    """One run of the program. caller is the user in audit lines."""

    config_files: list[str]
    caller: str
    console: logging.Handler

    @functools.cached_property
    def conf(self) -> cfg.ConfigOpts:
        """Return the configuration, and log as it says from here on.

        :raises ConfigError: it is not valid.
        """
        found = configuration.load(self.config_files)
        audit_log.start(found, self.console)
        return found

    @functools.cached_property
    def _audit(self) -> audit.Audit:
        if self.conf.audit.file:
            users.check_may_make('[audit] file', self.conf.audit.file)
        return audit.Audit(self.conf)

    @contextlib.contextmanager
    def operation(self, rule: str, target: str) -> Iterator[audit.Entry]:
        """Log the operation of a command, as the service logs a request."""
        request_id = pipeline.request_id()
        with self._audit.operation(rule, target, request_id) as entry:
            entry.caller = self.caller
            yield entry


def of(program: app.App) -> Session:
    """Return the session of a command's program."""
    found: Session = program.options.session
    return found
