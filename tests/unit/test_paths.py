"""The canonical spelling of a path, and the short cut for most of them."""

import random
from unittest import mock

from keymw.web import paths

_PARTS = ('/', '//', '.', '..', '%2e', ';x', '\\', ':', '@', ' ', '\n', 'v2.0')


def test_the_short_cut_finds_the_same_spelling() -> None:
    chance = random.Random(1)
    found = [
        ''.join(chance.choices((*_PARTS, 'a', 'b', '~', '/'), k=8))
        for _ in range(3000)
    ]
    found += [f'/{path}' for path in found]
    short = [paths.canon(path) for path in found]
    assert any(map(paths._IS_PLAIN, found))
    with mock.patch.object(paths, '_IS_PLAIN', return_value=None):
        assert [paths.canon(path) for path in found] == short
