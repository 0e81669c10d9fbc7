"""The set-up of logging in this process, which commands replace."""

from collections.abc import Iterator
import contextlib
import logging

from keymw.observe import audit


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Leave handlers and level at the end as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    own = audit.LOG.handlers[:]
    try:
        yield
    finally:
        for handler in {*root.handlers} - {*handlers}:
            handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
        audit.LOG.handlers = own
