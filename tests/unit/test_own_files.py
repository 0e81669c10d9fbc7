"""Files of a command, where the place for them is no good."""

import os
import pathlib

import pytest

from keymw.conf import ConfigError
from keymw.manage import own_files


def test_write_into_a_directory_that_is_gone(tmp_path: pathlib.Path) -> None:
    file = tmp_path / 'gone' / 'mark'
    with pytest.raises(ConfigError) as refusal:
        own_files.write(file, b'x')
    assert str(refusal.value) == f'{file}.new: {os.strerror(2)}'


def test_write_where_a_directory_has_the_name(tmp_path: pathlib.Path) -> None:
    (tmp_path / 'mark').mkdir()
    with pytest.raises(ConfigError, match=r'mark\.new: Is a directory'):
        own_files.write(tmp_path / 'mark', b'x')
    assert list((tmp_path / 'mark').iterdir()) == []


def test_write_replaces_a_link_and_not_what_it_names(
    tmp_path: pathlib.Path,
) -> None:
    (tmp_path / 'precious').write_bytes(b'mine')
    (tmp_path / 'mark').symlink_to(tmp_path / 'precious')
    own_files.write(tmp_path / 'mark', b'x')
    assert (tmp_path / 'precious').read_bytes() == b'mine'
    assert own_files.read(tmp_path / 'mark') == b'x'


@pytest.mark.parametrize('name', ['x' * 256, 'file/below'])
def test_name_that_no_file_can_have(tmp_path: pathlib.Path, name: str) -> None:
    (tmp_path / 'file').touch()
    with pytest.raises(ConfigError, match=f'{tmp_path}/{name}: '):
        own_files.is_left(tmp_path / name)
