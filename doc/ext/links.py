"""A check of the built pages: a link within the site must lead somewhere."""

from __future__ import annotations

from collections.abc import Iterator
import pathlib
import urllib.parse

import lxml.html
from sphinx.application import Sphinx
from sphinx.util import logging

LOG = logging.getLogger(__name__)


def broken(site: pathlib.Path) -> Iterator[tuple[pathlib.Path, str]]:
    """The links of a site that lead to no file, or to no place in a page.

    Links to other hosts are not asked.
    """
    pages = {
        page.resolve(): lxml.html.parse(str(page)).getroot()
        for page in site.rglob('*.html')
    }
    anchors = {page: set(root.xpath('//@id')) for page, root in pages.items()}
    for page, root in pages.items():
        for link in sorted(set(root.xpath('//@href | //@src'))):
            if not _leads(page, link, anchors):
                yield page.relative_to(site.resolve()), link


def _leads(
    page: pathlib.Path, link: str, anchors: dict[pathlib.Path, set[str]]
) -> bool:
    url = urllib.parse.urlsplit(link)
    if url.scheme or url.netloc:
        return True
    path = page.parent / urllib.parse.unquote(url.path)
    target = path.resolve() if url.path else page
    fragment = urllib.parse.unquote(url.fragment)
    known = anchors.get(target, set()) | {''}
    return target.is_file() and fragment in known


def _check(app: Sphinx, failure: Exception | None) -> None:
    if failure is None and app.builder.format == 'html':
        for page, link in broken(pathlib.Path(app.outdir)):
            LOG.warning('%s: %s leads nowhere', page, link)


def setup(app: Sphinx) -> dict[str, bool]:
    """Check links when a build is done."""
    app.connect('build-finished', _check)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
