"""The audit log: one line or event for every operation on a key."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
import contextlib
import dataclasses
import functools
import logging
import string
import time
from typing import Any
from typing import Protocol
from urllib.parse import quote

from oslo_config import cfg

from keymw.conf.audit import CADF
from keymw.observe import audit_event
from keymw.observe import context
from keymw.observe.outlets import EventFile
from keymw.observe.outlets import Notifications
from keymw.observe.sampling import Sampler
from keymw.web import faults

LOG = logging.getLogger(__name__)
# A reason is a sentence, and the last field.
_SENTENCE = f' {string.punctuation}'.replace('%', '')
_VALUE = '/:'


@dataclasses.dataclass
class Entry:
    """A running operation: its caller, target and reason, once known.

    describe returns further fields by name, for the end of the line. reason
    says why a request is refused, and details are further fields of its
    event; no response has either.
    """

    rule: str
    target: str
    request_id: str
    describe: Callable[[], Mapping[str, str]] = dict
    caller: str | None = None
    reason: str | None = None
    details: Mapping[str, str] | None = None


class _Outlet(Protocol):
    def send(self, event: str) -> None:
        """Take an event; a failure does not raise."""


class Audit:
    """Writes the audit log, as [audit] says."""

    def __init__(
        self, conf: cfg.ConfigOpts, clock: Callable[[], float] = time.time
    ) -> None:
        """Open the outlets.

        :raises ConfigError: one of them cannot be used.
        """
        options = conf.audit
        self._logs_events = options.format == CADF
        self._sampler = Sampler(options.refusals_per_minute, clock)
        self._outlets = list(_outlets(options, clock))

    @contextlib.contextmanager
    def operation(
        self,
        rule: str,
        target: str,
        request_id: str,
        describe: Callable[[], Mapping[str, str]] = dict,
    ) -> Iterator[Entry]:
        """Log caller, target, outcome and request id at the end of the block.

        The fields of describe() and the reason of a fault follow. Values are
        percent-encoded, so that none can forge a line.
        """
        entry = Entry(rule, target, request_id, describe)
        outcome = 'failed'
        status: int | None = 0
        try:
            yield entry
            outcome, status = 'done', None
        except faults.Fault as fault:
            outcome, status = f'{fault.status} {fault.name}', fault.status
            entry.reason, entry.details = fault.reason, fault.details
            raise
        finally:
            for kind, count in self._sampler.ended():
                self._write(_left_out(kind, count), kind[1], 0)
            if status is None or self._sampler.admits((rule, outcome)):
                with context.of_user(request_id, entry.caller):
                    self._write(entry, outcome, status)

    def _write(self, entry: Entry, outcome: str, status: int | None) -> None:
        fields = entry.describe()
        event = ''
        if self._outlets or self._logs_events:
            event = _event(entry, status, fields)
        for outlet in self._outlets:
            outlet.send(event)
        if not LOG.isEnabledFor(logging.INFO):
            return
        if self._logs_events:
            LOG.info('%s', event)
        else:
            _log(entry, outcome, fields)


def _outlets(options: Any, clock: Callable[[], float]) -> Iterator[_Outlet]:
    if options.file:
        yield EventFile(options.file, clock)
    if options.notification_url:
        yield Notifications(options.notification_url)


def _left_out(kind: tuple[str, str], count: int) -> Entry:
    """The entry that stands for refusals which were left out."""
    rule, outcome = kind
    reason = f'{count} refusals with {outcome} in a minute are left out'
    details = {'leftOut': str(count)}
    return Entry(rule, '-', '-', reason=reason, details=details)


def _event(
    entry: Entry, status: int | None, described: Mapping[str, str]
) -> str:
    fields = described
    if entry.details:
        fields = {**fields, **entry.details}
    if entry.reason is not None:
        fields = {**fields, 'reason': entry.reason}
    return audit_event.event(
        entry.rule,
        entry.caller,
        entry.target,
        entry.request_id,
        status,
        fields,
    )


def _log(entry: Entry, outcome: str, fields: Mapping[str, str]) -> None:
    LOG.info(
        '%s: caller %s, target %s, outcome %s, request %s%s',
        entry.rule,
        '-' if entry.caller is None else _quoted(entry.caller),
        _quoted(entry.target),
        outcome,
        entry.request_id,
        ''.join(_further(entry, fields)),
    )


def _further(entry: Entry, fields: Mapping[str, str]) -> Iterator[str]:
    for name, value in fields.items():
        yield f', {name} {_encoded(value, _VALUE)}'
    if entry.reason is not None:
        yield f', reason {_encoded(entry.reason, _SENTENCE)}'


# Callers, targets and addresses come again and again.
_quoted = functools.lru_cache(1024)(quote)


@functools.lru_cache(1024)
def _encoded(text: str, safe: str) -> str:
    return quote(text, safe, errors='backslashreplace')
