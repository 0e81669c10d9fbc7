"""The schemas of the contract, as lxml can take them."""

import functools
import pathlib
from typing import Any
from urllib.parse import unquote
from urllib.parse import urlparse

from lxml import etree

FOLDER = pathlib.Path(__file__).parents[2] / 'shared' / 'contract' / 'xsd'
MIN_VERSION = '{http://www.w3.org/2007/XMLSchema-versioning}minVersion'


def _for_version_1(file: pathlib.Path) -> bytes:
    """A schema without what it marks as for XSD 1.1, which lxml lacks."""
    root = etree.parse(file, etree.XMLParser(no_network=True)).getroot()
    for element in list(root.iter('*')):
        parent = element.getparent()
        newer = float(element.get(MIN_VERSION, '1.0')) > 1
        if newer and parent is not None:
            parent.remove(element)
    return etree.tostring(root)


class _Files(etree.Resolver):
    """Reads the schemas that a schema imports in the same way."""

    def resolve(
        self, url: str | None, _public: str | None, context: Any
    ) -> Any:
        file = pathlib.Path(unquote(urlparse(url or '').path))
        if file.suffix != '.xsd' or not file.is_file():
            return None
        content = _for_version_1(file)
        return self.resolve_string(content, context, base_url=url)


@functools.cache
def schema() -> etree.XMLSchema:
    """all.xsd: everything the contract has a schema for."""
    file = FOLDER / 'all.xsd'
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Files())
    root = etree.fromstring(
        _for_version_1(file), parser, base_url=file.as_uri()
    )
    return etree.XMLSchema(root.getroottree())
