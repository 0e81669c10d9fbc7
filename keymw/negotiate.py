"""Which format comes in and which goes out (contract, section 3)."""

import enum
import functools

from webob import acceptparse

from keymw import faults


class Format(enum.Enum):
    """A wire format and its media type."""

    JSON = 'application/json'
    XML = 'application/xml'


# JSON first: it wins a tie.
_OFFERS = {
    'application/json': Format.JSON,
    'application/xml': Format.XML,
    'application/json;charset=utf-8': Format.JSON,
    'application/xml;charset=utf-8': Format.XML,
    'application/vnd.openstack.identity+json;version=2.0': Format.JSON,
    'application/vnd.openstack.identity+xml;version=2.0': Format.XML,
    'application/vnd.openstack.identity-v2.0+json': Format.JSON,
    'application/vnd.openstack.identity-v2.0+xml': Format.XML,
}
_SUFFIXES = {'.json': Format.JSON, '.xml': Format.XML}


def suffix_of(path: str) -> str | None:
    """The suffix that a path ends in, if it is one of ours."""
    bare = path.removesuffix('/')
    return next((s for s in _SUFFIXES if bare.endswith(s)), None)


@functools.lru_cache(maxsize=1000)
def reply_format(suffix: str | None, accept: str | None) -> Format:
    """The format of the reply; what fits nothing gets JSON, never 406."""
    if suffix:
        return _SUFFIXES[suffix]
    offers = acceptparse.create_accept_header(
        accept and accept.lower()
    ).acceptable_offers(list(_OFFERS))
    return _OFFERS[offers[0][0]] if offers else Format.JSON


def media_type(content_type: str | None) -> str:
    """A Content-Type without its parameters, in lower case."""
    return (content_type or '').partition(';')[0].strip().lower()


def body_format(content_type: str | None, body: bytes) -> Format:
    """The format of a request body.

    :raises BadMediaType: it is neither JSON nor XML, or is not told.
    :raises MalformedJson: there is no type and no body either.
    """
    kind = media_type(content_type)
    if not kind and not body:
        raise faults.MalformedJson()
    try:
        return Format(kind)
    except ValueError:
        raise faults.BadMediaType() from None
