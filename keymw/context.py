"""The oslo.context of a request that is being answered."""

from collections.abc import Iterator
import contextlib

from oslo_context import context


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Give the thread back the context it had, whoever sets one meanwhile.

    An OpenStack service makes itself the current context of the thread.
    """
    former = context.get_current()
    try:
        yield
    finally:
        if former is not None:
            former.update_store()
        elif context.get_current() is not None:
            del context._request_store.context


@contextlib.contextmanager
def of(request_id: str, user_id: str | None) -> Iterator[None]:
    """Let log lines tell this request and user, not those of one before."""
    with kept():
        context.RequestContext(request_id=request_id, user_id=user_id)
        yield
