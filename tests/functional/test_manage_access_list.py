"""keymw-manage access-list: add, list, delete."""

import pytest

from tests.support import manage
from tests.support.deployment import Deployment


def add(made: Deployment, block: str, told: str = 'a test') -> manage.Result:
    words = ('access-list', 'add', block, '--description', told)
    return manage.run(made.conf_file, *words, '-f', 'json')


def listed(made: Deployment) -> list[dict[str, str | None]]:
    words = ('access-list', 'list', '-f', 'json')
    data: list[dict[str, str | None]] = manage.run(made.conf_file, *words).data
    return data


@pytest.mark.parametrize(
    'block',
    [
        '10.0.0.0/8',
        '192.0.2.1',
        '192.0.2.1/32',
        '2001:db8::/48',
        '2001:db8::1',
        '0.0.0.0/0',
        '::/0',
    ],
)
def test_add_keeps_the_text_as_it_was_given(
    made: Deployment, block: str
) -> None:
    data = add(made, block).data
    assert (data['CIDR Block'], data['Description']) == (block, 'a test')
    (row,) = listed(made)
    assert row.items() >= data.items()
    assert row['Created At'] == row['Updated At']
    assert row['Last Used At'] is None


@pytest.mark.parametrize(
    'block',
    [
        *('', 'nonsense', '10.0.0.0/33', '300.0.0.1', '10.0.0.0/8\n', '::g'),
        *('1', '10.0.0.1/8', '2001:db8::1/48'),
    ],
)
def test_what_is_no_network_is_one_line(made: Deployment, block: str) -> None:
    assert 'is not taken' in add(made, block).failure
    assert listed(made) == []


def test_the_same_network_is_not_added_twice(made: Deployment) -> None:
    assert add(made, '192.0.2.1').code == 0
    assert '192.0.2.1/32' in add(made, '192.0.2.1/32').failure
    assert [row['CIDR Block'] for row in listed(made)] == ['192.0.2.1']


@pytest.mark.parametrize('block', ['0.0.0.0/0', '::/0'])
def test_everything_may_be_refused(made: Deployment, block: str) -> None:
    made.write_conf({'global_keys': {'refuse_zero_prefix': 'true'}})
    assert 'is not taken' in add(made, block).failure
    assert listed(made) == []


@pytest.mark.parametrize('told', ['', 'ü' * 251, 'b\x1b[2J'])
def test_a_description_is_of_1_to_250_characters(
    made: Deployment, told: str
) -> None:
    found = add(made, '192.0.2.1', told)
    assert (found.code, found.out) == (2, '')
    assert listed(made) == []
    assert add(made, '192.0.2.1', 'ü' * 250).code == 0


def test_descriptions_do_not_act_on_the_terminal(made: Deployment) -> None:
    add(made, '192.0.2.1', 'b\x9b2J')
    found = manage.run(made.conf_file, 'access-list', 'list')
    assert r'b\x9b2J' in found.out


def test_delete_removes_the_entry_and_the_last_too(made: Deployment) -> None:
    ids = [add(made, f'192.0.2.{n}').data['ID'] for n in range(2)]
    for id_ in ids:
        found = manage.run(made.conf_file, 'access-list', 'delete', id_)
        assert found == manage.Result(0, f'deleted {id_}\n', '')
    assert listed(made) == []


def test_delete_of_what_is_not_there_is_one_line(made: Deployment) -> None:
    words = ('access-list', 'delete', 'nobody')
    assert 'nobody' in manage.run(made.conf_file, *words).failure


def test_each_change_is_logged(made: Deployment) -> None:
    words = ('-v', 'access-list', 'add', '192.0.2.1', '--description', 'x')
    added = manage.run(made.conf_file, *words)
    (row,) = listed(made)
    more = ('-v', 'access-list', 'delete', str(row['ID']))
    gone = manage.run(made.conf_file, *more)
    for found in (added, gone):
        (line,) = found.audit
        assert 'caller keymw-manage' in line
        assert f'target {row["ID"]}, outcome done' in line


def test_a_database_that_is_not_there_is_one_line(made: Deployment) -> None:
    (made.home / 'keymw.db').unlink()
    words = ('access-list', 'list')
    assert 'db sync' in manage.run(made.conf_file, *words).failure
    assert not (made.home / 'keymw.db').exists()
