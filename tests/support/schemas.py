"""The schemas of the XML we write, our own (tests/schemas)."""

import functools
import pathlib

from lxml import etree

FOLDER = pathlib.Path(__file__).parents[1] / 'schemas'


@functools.cache
def schema() -> etree.XMLSchema:
    """Compile all.xsd: everything that has a schema."""
    return etree.XMLSchema(file=FOLDER / 'all.xsd')
