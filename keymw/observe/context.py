"""The oslo.context of a request, for log lines and request ids."""

from collections.abc import Iterator
import contextlib

from oslo_context import context


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Restore the thread's context at the end of the block.

    An OpenStack service within the block sets a context of its own.
    """
    former = context.get_current()
    try:
        yield
    finally:
        _restore(former)


def _restore(former: context.RequestContext | None) -> None:
    if former is not None:
        former.update_store()
    elif context.get_current() is not None:
        del context._request_store.context


@contextlib.contextmanager
def of(
    request_id: str,
    user_id: str | None,
    global_request_id: str | None = None,
) -> Iterator[None]:
    """Set the request and user of log lines within the block.

    If the request is the current one, its global request id is kept.
    """
    current = context.get_current()
    if current is not None and current.request_id == request_id:
        global_request_id = global_request_id or current.global_request_id
    context.RequestContext(
        request_id=request_id,
        user_id=user_id,
        global_request_id=global_request_id,
    )
    try:
        yield
    finally:
        _restore(current)


def of_user(
    request_id: str, user_id: str | None
) -> contextlib.AbstractContextManager[None]:
    """Set the user of log lines within the block, as of() does.

    If the request is the current one, later lines have the user too.
    """
    current = context.get_current()
    if current is None or current.request_id != request_id:
        return of(request_id, user_id)
    current.user_id = user_id
    return contextlib.nullcontext()


def id_to_pass(request_id: str) -> str:
    """The id for our own requests: the client's global id, else request_id."""
    current = context.get_current()
    if current is None or current.request_id != request_id:
        return request_id
    return str(current.global_request_id or request_id)
