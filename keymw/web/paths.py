"""Canonical paths, and the guard of the paths that only keymw may answer."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
import functools
import posixpath
import re
from typing import Any
from urllib.parse import unquote

from keymw.web import faults

V2 = '/v2.0'
_VERSIONS = (V2, '/v3', '/v1.0', '/v1.1')
# An application mounted at one of these gets the rest of the path.
_MOUNTED = (V2, '/v1.0', '/v1.1')


def canon(path: str) -> str:
    """The canonical spelling of a path, as a lenient server may read it.

    Scheme and authority are removed, backslashes become slashes, ";…" is cut
    from each segment, control bytes and trailing spaces are dropped, %XX is
    decoded once more, // is collapsed and dot segments are resolved.
    """
    if _IS_PLAIN(path):
        return path
    whole = _tidy(unquote(_tidy(path), encoding='latin-1'))
    resolved = posixpath.normpath(f'/{whole.lstrip("/")}')
    ends_in_slash = whole.endswith('/') and resolved != '/'
    return f'{resolved}/' if ends_in_slash else resolved


def _tidy(path: str) -> str:
    return _SCHEME.sub('', '/'.join(map(_plain, _SLASH.split(path))))


def _plain(segment: str) -> str:
    return _CONTROL.sub('', segment.partition(';')[0]).rstrip(' ')


# Segments of ordinary characters that do not start with a dot.
_IS_PLAIN = re.compile(
    r'(?:/[A-Za-z0-9_~:@,+=-][A-Za-z0-9_~:@,+=.-]*)+/?'
).fullmatch
_SLASH = re.compile(r'[/\\]')
_SLASHES = re.compile('//+')
_CONTROL = re.compile('[\x00-\x1f\x7f]')
# RFC 3986, 3: the scheme, and the authority if any.
_SCHEME = re.compile(r'\A[^/:]*:(?://[^/]*)?')


def is_below(path: str, root: str) -> bool:
    """Whether a path is root or below it."""
    return path == root or path.startswith(f'{root}/')


def to_text(path: str) -> str:
    """A path of the environ as text, for messages."""
    # WSGI decodes the bytes of a path as Latin-1.
    return path.encode('latin-1').decode(errors='replace')


def guard(path: str) -> str:
    """The regular expression of a guarded prefix, from the path of a route."""
    return _NAME.sub('[^/]+', re.escape(path))


# A name in braces, after re.escape.
_NAME = re.compile(r'\\{\w+\\}')


class Search:
    """A cheap search for paths whose canonical form may be guarded.

    canon only cuts, drops and decodes. So a guarded path contains one of the
    words literally, unless an escape or a control byte hides it.
    """

    def __init__(self, words: Iterable[str]) -> None:
        """Each guarded path contains one of the words.

        A word has no slash. Where marks are used, it has one: a character
        that is neither a letter nor a digit.
        """
        self._words = tuple(words)
        whole = ''.join(self._words)
        # Most paths contain neither a mark nor an escape.
        self.marks = ('%', *sorted({c for c in whole if not c.isalnum()}))
        letters = {f'{ord(letter):02x}' for letter in whole}
        hidden = '|'.join(sorted({*letters, '[01].', '7f'}))
        self._escape = re.compile(f'%(?:{hidden})', re.IGNORECASE).search

    def finds(self, path: str) -> bool:
        """Whether SCRIPT_NAME + PATH_INFO may be a guarded path."""
        for word in self._words:
            if word in path:
                return True
        return not path.isprintable() or (
            '%' in path and self._escape(path) is not None
        )


class Place:
    """The path of a request: SCRIPT_NAME and PATH_INFO.

    version is KEYSTONE_API_VERSION. A filter before keymw sets it when it
    removes the version from the path (doc/contract/rackspace-identity 1.2).
    plain is the canonical PATH_INFO. root is the version removed from the
    start of PATH_INFO; it may be empty.
    """

    def __init__(self, mount: str, path: str, version: str | None) -> None:
        self.mount, self.path, self.version = mount, path, version
        self.plain = canon(path)
        self.root = _removed(mount, path, version)

    @property
    def given(self) -> str:
        """SCRIPT_NAME + PATH_INFO, as received."""
        return self.mount + self.path

    @functools.cached_property
    def whole(self) -> str:
        """PATH_INFO with its version in front."""
        return self.root + self.path

    @functools.cached_property
    def whole_plain(self) -> str:
        """The canonical PATH_INFO with its version in front."""
        return canon(f'{self.root}/{self.path}' if self.path else self.root)

    @property
    def is_cut(self) -> bool:
        """Whether "/v2.0" was removed from the start of PATH_INFO."""
        return self.root == V2 and not self.path.startswith(V2)

    @property
    def v2_root(self) -> str:
        """The prefix of v2.0 paths in PATH_INFO here: "/v2.0", or empty."""
        return '' if self.is_cut else V2

    @property
    def canonical(self) -> str:
        """The canonical path with its version in front."""
        return self.whole_plain if self.is_cut else self.plain

    @property
    def is_plain(self) -> bool:
        """Whether the path is canonical; v2.0 paths may have double slashes.

        Clients join a base URL that ends in a slash and a path that starts
        with one.
        """
        path = self.whole if self.is_cut else self.path
        return path == self.canonical or (
            is_below(self.canonical, V2)
            and _SLASHES.sub('/', path) == self.canonical
        )

    @property
    def is_of_another_version(self) -> bool:
        """Whether a filter removed a version other than 2.0."""
        return (
            not self.is_cut
            and self.version not in (None, '2.0')
            and not is_below(self.plain, V2)
        )

    @functools.cached_property
    def names_two_versions(self) -> bool:
        """Whether SCRIPT_NAME has a version and PATH_INFO starts with one.

        No deployment does this, but a client's Script-Name header can.
        """
        if not self.mount:
            return False
        mount = canon(self.mount) + '/'
        return any(f'{v}/' in mount for v in _VERSIONS) and any(
            is_below(self.plain, v) for v in _VERSIONS
        )

    def sums(self) -> Iterator[str]:
        """The canonical paths that start within SCRIPT_NAME."""
        mount = canon(self.mount).rstrip('/')
        for path in {self.mount + self.path, f'{self.mount}/{self.path}'}:
            plain = canon(path)
            at = 0
            while 0 <= at < len(mount):
                yield plain[at:]
                at = plain.find('/', at + 1)


def _removed(mount: str, path: str, version: str | None) -> str:
    if version == '2.0' and not path.startswith(V2):
        return V2
    if not mount:
        return ''
    return next((v for v in _MOUNTED if mount.endswith(v)), '')


def place(environ: Mapping[str, Any]) -> Place:
    """The Place of a WSGI environ."""
    return Place(
        environ.get('SCRIPT_NAME', ''),
        environ.get('PATH_INFO', ''),
        environ.get('KEYSTONE_API_VERSION'),
    )


class Guard:
    """The guarded paths of a family: only keymw may answer them."""

    def __init__(self, prefixes: Iterable[str]) -> None:
        """prefixes are regular expressions, matched at the start of a path."""
        self._match = re.compile('|'.join(prefixes) or '(?!)').match

    def find(self, place: Place) -> str | None:
        """The canonical path of a request if guarded, else None.

        :raises NotPlain: the path is guarded but not in canonical spelling, or
            names two versions.
        """
        if self._match(place.plain):
            if place.path != place.plain or place.names_two_versions:
                raise faults.NotPlain()
            return place.path
        if not place.mount and not place.root:
            return None
        if place.names_two_versions:
            raise faults.NotPlain()
        if place.root and self._match(place.whole_plain):
            if place.whole != place.whole_plain:
                raise faults.NotPlain()
            return place.whole
        if place.mount and any(map(self._match, place.sums())):
            raise faults.NotPlain()
        return None
