"""Exceptions of the lower layers, as faults."""

import logging

from keymw.storage.base import Outage
from keymw.vault import CannotOpen
from keymw.web import faults

LOG = logging.getLogger(__name__)


class AsFaults:
    """Turns every exception into a fault; logs the details that it hides."""

    def __init__(self, request_id: str) -> None:
        self._id = request_id

    def __enter__(self) -> None:
        """Begin a block."""

    def __exit__(
        self, _type: object, error: BaseException | None, _trace: object
    ) -> None:
        """Raise the fault for an exception of the block.

        :raises Fault: the block raised an exception.
        """
        if error is None or isinstance(error, faults.Fault):
            return
        if isinstance(error, Outage):
            LOG.error('request %s: %s', self._id, error)
            raise faults.NoStore() from None
        if isinstance(error, CannotOpen):
            LOG.error('request %s: cannot open %s', self._id, error)
            raise faults.NotOpened() from None
        if isinstance(error, Exception):
            LOG.error('request %s failed', self._id, exc_info=error)
            raise faults.Internal() from None
