"""The one line that every operation on a key logs."""

from collections.abc import Iterator
import contextlib
import dataclasses
import logging
from urllib.parse import quote

from keymw import context
from keymw import faults

LOG = logging.getLogger(__name__)


@dataclasses.dataclass
class Entry:
    """What is known of an operation while it goes on."""

    rule: str
    target: str
    request_id: str
    caller: str | None = None


@contextlib.contextmanager
def operation(rule: str, target: str, request_id: str) -> Iterator[Entry]:
    """Log caller, target, outcome and request id when the body is done.

    Ids are percent-encoded, so that none can write a line of its own.
    """
    entry = Entry(rule, target, request_id)
    outcome = 'failed'
    try:
        yield entry
        outcome = 'done'
    except faults.Fault as fault:
        outcome = f'{fault.status} {fault.name}'
        raise
    finally:
        with context.of(request_id, entry.caller):
            _log(entry, outcome)


def _log(entry: Entry, outcome: str) -> None:
    LOG.info(
        '%s: caller %s, target %s, outcome %s, request %s',
        entry.rule,
        '-' if entry.caller is None else quote(entry.caller),
        quote(entry.target),
        outcome,
        entry.request_id,
    )
