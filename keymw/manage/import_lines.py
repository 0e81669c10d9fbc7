"""Parses a file of credentials: JSON lines or CSV."""

import codecs
from collections.abc import Callable
from collections.abc import Iterator
import csv
import datetime
import itertools
import os
import pathlib
from typing import IO
from typing import Any
from typing import TypeVar

import msgspec
from tqdm import tqdm

from keymw.conf import ConfigError
from keymw.web import media

# Bytes of a line: several times the size of any credential.
LONGEST = 65_536
_HEADER = {'user_id', 'username', 'apiKey'}


class Line(media.SecretStruct, forbid_unknown_fields=True, omit_defaults=True):
    """One credential in a file: sealed (base64), or with its key in clear."""

    user_id: str
    username: str | None = None
    domain_id: str | None = None
    secret: str | None = None
    apiKey: str | None = None  # noqa: N815, the name on the wire
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None


Parser = Callable[[bytes], Line]
Parsed = TypeVar('Parsed')


def read(
    stream: IO[bytes], file_format: str
) -> Iterator[tuple[int, Line | ValueError]]:
    """Yield each line with its number, or the error in it.

    Empty lines are skipped. An error in one line does not affect others.

    :raises ConfigError: the CSV file has other columns.
    """
    lines = _numbered(stream)
    parse = _csv_parser(lines) if file_format == 'csv' else _parse_json
    yield from _each(parse, lines)


def read_json(
    stream: IO[bytes], decoder: msgspec.json.Decoder[Parsed]
) -> Iterator[tuple[int, Parsed | ValueError]]:
    """Yield the object in each line with its number, or the error in it.

    Empty lines are skipped. An error in one line does not affect others.
    """
    yield from _each(lambda line: _decoded(decoder, line), _numbered(stream))


def _each(
    parse: Callable[[bytes], Parsed], lines: Iterator[tuple[int, bytes]]
) -> Iterator[tuple[int, Parsed | ValueError]]:
    for number, line in lines:
        if line.strip():
            yield number, _parsed(parse, line)


def format_by_name(file: pathlib.Path) -> str:
    """Return "csv" or "json", by the suffix of a file's name."""
    return 'csv' if file.suffix.lower() == '.csv' else 'json'


def _numbered(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield numbered lines; a too long line is cut, but stays too long."""
    size = os.fstat(stream.fileno()).st_size
    with tqdm(total=size, unit='B', unit_scale=True, disable=None) as bar:
        for number in itertools.count(1):
            line = rest = stream.readline(LONGEST + 1)
            if not line:
                return
            bar.update(len(line))
            while rest and not rest.endswith(b'\n'):
                rest = stream.readline(LONGEST)
                bar.update(len(rest))
            yield number, _without_bom(line) if number == 1 else line


def _without_bom(line: bytes) -> bytes:
    return line.removeprefix(codecs.BOM_UTF8)


def _parsed(
    parse: Callable[[bytes], Parsed], line: bytes
) -> Parsed | ValueError:
    if len(line) > LONGEST:
        return ValueError(f'it is longer than {LONGEST} bytes')
    try:
        return parse(line)
    except UnicodeDecodeError:
        return ValueError('it is not UTF-8')
    except ValueError as error:
        return error


def _parse_json(line: bytes) -> Line:
    return _decoded(_DECODER, line)


def _decoded(decoder: msgspec.json.Decoder[Parsed], line: bytes) -> Parsed:
    try:
        return decoder.decode(line)
    except msgspec.ValidationError as error:
        raise ValueError(_shown(str(error))) from None
    except (msgspec.DecodeError, RecursionError):
        raise ValueError(_NOT_JSON) from None


_DECODER = msgspec.json.Decoder(Line)
_NOT_JSON = 'it is not one of the JSON objects expected'


def _shown(error: str) -> str:
    # Only the name of a known member is shown; another could be a key.
    return f'{_NOT_JSON}: {error}' if ' - at `$.' in error else _NOT_JSON


def _csv_parser(lines: Iterator[tuple[int, bytes]]) -> Parser:
    """Return the parser of a row, for the columns of the first line."""
    try:
        names = _fields(next(lines, (1, b''))[1])
    except ValueError:
        names = []
    if not (
        _HEADER <= set(names) <= _HEADER | {'domain_id'}
        and len(set(names)) == len(names)
    ):
        raise ConfigError('the CSV header must be user_id,username,apiKey')
    return lambda line: _from_row(names, _fields(line))


def _fields(line: bytes) -> list[str]:
    """Return the fields of one line; a quoted field cannot span lines."""
    text = line.decode().removesuffix('\n').removesuffix('\r')
    if '"' not in text and '\r' not in text:
        return text.split(',')
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        raise ValueError(f'it is no CSV: {error}') from None


def _from_row(names: list[str], fields: list[str]) -> Line:
    if len(fields) != len(names):
        raise ValueError('it has not as many fields as the header')
    members: dict[str, Any] = dict(zip(names, fields, strict=True))
    return Line(**members)
