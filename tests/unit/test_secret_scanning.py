"""The patterns for scanners of secrets find keys, and nothing else.

The scanners are not here. gitleaks and trufflehog use RE2, as this test does,
and look at a file only where a keyword is in it, in any case.
"""

import base64
import collections
from collections.abc import Callable
import functools
import math
import os
import pathlib
import random
import string
import tomllib
from typing import Any
import uuid

import pytest
import yaml

from keymw.api_keys import keys

re2 = pytest.importorskip('re2')

HOME = pathlib.Path(__file__).parents[2] / 'etc' / 'secret-scanning'
# Once, by hand, this was a million.
STRINGS = int(os.environ.get('KEYMW_RANDOM_STRINGS', '10000'))
Find = Callable[[str], list[str]]


def gitleaks() -> Find:
    """The keys that gitleaks finds in a text."""
    (rule,) = tomllib.loads((HOME / 'gitleaks.toml').read_text())['rules']
    return _with_keywords(
        rule['keywords'],
        rule['regex'],
        rule['secretGroup'],
        rule['entropy'],
    )


def trufflehog() -> Find:
    """The keys that trufflehog finds in a text."""
    (one,) = _yaml('trufflehog.yaml')['detectors']
    (pattern,) = one['regex'].values()
    return _with_keywords(one['keywords'], pattern, 1, one['entropy'])


def github() -> Find:
    """The keys that GitHub finds in a text."""
    (one,) = _yaml('github.yml')['patterns']
    regex = one['regex']
    pattern = re2.compile(
        f'(?:{regex["start"]})({regex["pattern"]})(?:{regex["end"]})'
    )
    return lambda text: [found[1] for found in pattern.finditer(text)]


def _yaml(name: str) -> Any:
    return yaml.safe_load((HOME / name).read_text())


def _with_keywords(
    keywords: list[str], regex: str, group: int, entropy: float
) -> Find:
    pattern = re2.compile(regex)

    def find(text: str) -> list[str]:
        if not any(word.lower() in text.lower() for word in keywords):
            return []
        found = [match[group] for match in pattern.finditer(text)]
        return [secret for secret in found if _entropy(secret) > entropy]

    return find


def _entropy(text: str) -> float:
    """Bits per character, as Shannon counts them."""
    parts = [n / len(text) for n in collections.Counter(text).values()]
    return -sum(part * math.log2(part) for part in parts)


def a_key() -> str:
    return keys.make('kmw', keys.new_id(), keys.new_secret())


@functools.cache
def random_strings(number: int) -> list[str]:
    """Strings as they are in files: digests, ids, base64, words, tokens."""
    chance = random.Random(number)
    kinds: list[Callable[[], str]] = [
        lambda: chance.randbytes(32).hex(),
        lambda: str(uuid.UUID(bytes=chance.randbytes(16))),
        lambda: base64.b64encode(chance.randbytes(45)).decode(),
        lambda: base64.urlsafe_b64encode(chance.randbytes(44)).decode(),
        lambda: ''.join(chance.choices(keys.ALPHABET + '_', k=59)),
        lambda: 'kmw_' + ''.join(chance.choices(keys.ALPHABET, k=55)),
        lambda: 'kmw_' + '_'.join(chance.choices(string.ascii_letters, k=27)),
    ]
    return [kinds[n % len(kinds)]() for n in range(number)]


@pytest.mark.parametrize('scanner', [gitleaks, trufflehog, github])
def test_scanner_finds_keys_and_nothing_else(
    scanner: Callable[[], Find],
) -> None:
    find = scanner()
    for _ in range(STRINGS // 50):
        key = a_key()
        for line in (key, f'KEY={key}', f'{{"secret": "{key}"}}', f'{key}\n'):
            assert find(line) == [key]
    for text in random_strings(STRINGS):
        assert find(text) == []


@pytest.mark.parametrize('scanner', [gitleaks, trufflehog, github])
def test_scanner_passes_over_what_is_longer_or_shorter(
    scanner: Callable[[], Find],
) -> None:
    find, key = scanner(), a_key()
    for text in (f'{key}0', key[:-1], f'x{key}', key.replace('kmw', 'xyz')):
        assert find(text) == []


@pytest.mark.parametrize('scanner', [gitleaks, trufflehog])
def test_scanner_passes_over_a_placeholder(
    scanner: Callable[[], Find],
) -> None:
    assert scanner()(f'kmw_{"x" * 16}_{"x" * 38}') == []
