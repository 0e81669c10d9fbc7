"""The formats of request and response (doc/contract/rackspace-identity 3)."""

import enum
import functools

from webob import acceptparse

from keymw.web import faults


class Format(enum.Enum):
    """A wire format and its media type."""

    JSON = 'application/json'
    XML = 'application/xml'


# JSON is first, so it wins a tie.
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
    """The suffix .json or .xml of a path; None: it has neither."""
    bare = path.removesuffix('/')
    return next((s for s in _SUFFIXES if bare.endswith(s)), None)


@functools.lru_cache(maxsize=1000)
def reply_format(suffix: str | None, accept: str | None) -> Format:
    """The format of the response; JSON if nothing fits, never 406."""
    if suffix:
        return _SUFFIXES[suffix]
    offers = acceptparse.create_accept_header(
        accept and accept.lower()
    ).acceptable_offers(list(_OFFERS))
    return _OFFERS[offers[0][0]] if offers else Format.JSON


def media_type(content_type: str | None) -> str:
    """The media type of a Content-Type: no parameters, lower case."""
    return (content_type or '').partition(';')[0].strip().lower()


def body_format(content_type: str | None, body: bytes) -> Format:
    """The format of a request body.

    :raises BadMediaType: the type is neither JSON nor XML, or is missing.
    :raises MalformedJson: both the type and the body are missing.
    """
    kind = media_type(content_type)
    if not kind and not body:
        raise faults.MalformedJson()
    try:
        return Format(kind)
    except ValueError:
        raise faults.BadMediaType() from None
