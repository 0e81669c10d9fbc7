"""Times as people type them: "90d" from now, or ISO 8601."""

import argparse
from collections.abc import Callable
import datetime
import re

_UNITS = {'s': 1, 'm': 60, 'h': 3600, 'd': 86_400, 'w': 604_800}
_SPAN = re.compile(r'([0-9]{1,9})([smhdw])')


def span(text: str) -> datetime.timedelta | None:
    """Return the time in a text such as "90d", "12h" or "2w"; else None."""
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    return datetime.timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def after(text: str, now: datetime.datetime) -> datetime.datetime:
    """Return the time that a text names; a span counts from now on.

    A time without a zone is in UTC.

    :raises ValueError: it is neither, or past the year 9999.
    """
    return _moment(text, now, 1)


def before(text: str, now: datetime.datetime) -> datetime.datetime:
    """Return the time that a text names; a span counts back from now.

    Zone and errors are as in after.
    """
    return _moment(text, now, -1)


def option(
    parse: Callable[[str, datetime.datetime], datetime.datetime],
) -> Callable[[str], datetime.datetime]:
    """Return the type of an argparse option; parse is after or before."""

    def checked(text: str) -> datetime.datetime:
        try:
            return parse(text, datetime.datetime.now(datetime.UTC))
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked


def _moment(text: str, now: datetime.datetime, sign: int) -> datetime.datetime:
    length = span(text)
    try:
        if length is not None:
            return now + sign * length
        found = datetime.datetime.fromisoformat(text)
        aware = found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
        return aware.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f'"{text}" is no time: give 90d, 12h or 2027-01-31T00:00:00Z'
        ) from None
