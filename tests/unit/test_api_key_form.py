"""The form of an API key, its secret at rest, and the seal of its row."""

from collections.abc import Callable
import dataclasses
import datetime
import re
from typing import Any

import pytest

from keymw import vault as vaults
from keymw.api_keys import keys
from keymw.storage.api_keys import ApiKey
from keymw.storage.api_keys import Previous
from keymw.storage.api_keys import State
from keymw.vault import CannotOpen
from keymw.vault import Vault

NOW = datetime.datetime(2026, 3, 1, 12, 30, 15, 123456, datetime.UTC)
LATER = NOW + datetime.timedelta(hours=1)
ID, SECRET = 'Zr0aVq3n8KxTb1Lc', '0123456789ABCDEFGHIJKLMNOPQRSTUV'
# The checksum was computed apart from keymw, with another program.
WHOLE = f'kmw_{ID}_{SECRET}0NNiBk'


@pytest.fixture(scope='module')
def vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    home = tmp_path_factory.mktemp('vault') / 'keys'
    vaults.setup(str(home))
    return vaults.load(str(home))


def test_key_is_prefix_id_secret_and_checksum() -> None:
    made = keys.make('kmw', keys.new_id(), keys.new_secret())
    assert re.fullmatch(r'kmw_[0-9A-Za-z]{16}_[0-9A-Za-z]{38}', made)
    assert len(made) == 59


def test_checksum_is_crc_32_in_base62() -> None:
    assert keys.make('kmw', ID, SECRET) == WHOLE
    # The check value of CRC-32 is cbf43926; the digits of zero are zeros.
    assert keys.checksum('123456789') == '3jZRME'
    assert keys.checksum('') == '000000'


def test_key_is_parsed() -> None:
    assert keys.parse('kmw', WHOLE) == keys.Parts(ID, SECRET)
    assert SECRET not in repr(keys.parse('kmw', WHOLE))


@pytest.mark.parametrize(
    'damage',
    [
        lambda text: text[:20] + ('a' if text[20] != 'a' else 'b') + text[21:],
        lambda text: text[:-1],
        lambda text: text + '0',
        lambda text: text + '\n',
        lambda text: ' ' + text,
        lambda text: text.upper(),
        lambda text: text.replace('kmw', 'xyz'),
        lambda text: text.replace('kmw_', ''),
        lambda text: text.replace('_', '-'),
        lambda text: text[:10] + '\u0661' + text[11:],
        lambda _text: '',
        lambda _text: 'kmw',
    ],
)
def test_damaged_key_is_refused(damage: Callable[[str], str]) -> None:
    assert keys.parse('kmw', damage(WHOLE)) is None


def test_form_is_found_without_a_valid_checksum() -> None:
    assert keys.has_form('kmw', WHOLE[:-1] + '0')
    assert not keys.has_form('other', WHOLE)
    assert not keys.has_form('kmw', '0' * 32)


def key(vault: Vault, **changes: Any) -> ApiKey:
    made = ApiKey(
        id=ID,
        user_id='ann',
        name='nightly',
        description='',
        project_id='p',
        roles=frozenset({'reader', 'member'}),
        unrestricted=False,
        expires_at=None,
        allowed_cidrs=('10.0.0.0/8',),
        secret=keys.seal_secret(vault, 'ann', ID, SECRET),
        created_at=NOW,
        updated_at=NOW,
        state=State.COMPLETE,
        previous=Previous(keys.seal_secret(vault, 'ann', ID, 'former'), LATER),
        trust_id='t',
    )
    return keys.bound(vault, dataclasses.replace(made, **changes))


def test_only_the_secret_of_the_key_matches(vault: Vault) -> None:
    row = key(vault)
    assert keys.matches(vault, row, row.secret, SECRET)
    assert not keys.matches(vault, row, row.secret, SECRET.lower())


@pytest.mark.parametrize('moved', [{'user_id': 'bob'}, {'id': 'x'}])
def test_secret_moved_to_another_key_does_not_open(
    vault: Vault, moved: dict[str, Any]
) -> None:
    row = dataclasses.replace(key(vault), **moved)
    with pytest.raises(CannotOpen):
        keys.matches(vault, row, row.secret, SECRET)


def test_record_does_not_show_its_secrets(vault: Vault) -> None:
    row = key(vault)
    assert all(repr(value)[2:-1] not in repr(row) for value in row.sealed)


def _changed(row: ApiKey) -> dict[str, dict[str, Any]]:
    former = row.previous
    assert former is not None
    return {
        'owner': {'user_id': 'bob'},
        'name': {'name': 'x'},
        'description': {'description': 'x'},
        'project': {'project_id': 'q'},
        'role': {'roles': frozenset({'reader', 'admin'})},
        'more roles': {'roles': row.roles | {'admin'}},
        'unrestricted': {'unrestricted': True},
        'network': {'allowed_cidrs': ('0.0.0.0/0',)},
        'more networks': {'allowed_cidrs': ('10.0.0.0/8', '::/0')},
        'no networks': {'allowed_cidrs': ()},
        'any network': {'allowed_cidrs': None},
        'state': {'state': State.PENDING},
        'enabled': {'enabled': False},
        'disabled by': {'disabled_by': 'owner'},
        'end': {'expires_at': LATER},
        'trust': {'trust_id': 'other'},
        'trustee': {'trustee_id': 'other'},
        'end of the trust': {'trust_expires_at': LATER},
        'former trust': {'former_trust_id': 'other'},
        'creation': {'created_at': LATER},
        'rotation': {'rotated_at': NOW},
        'former secret': {'secret': former.secret},
        'no previous': {'previous': None},
        'end of previous': {
            'previous': dataclasses.replace(
                former, expires_at=LATER + datetime.timedelta(seconds=1)
            )
        },
        'no seal': {'seal': None},
    }


def test_change_in_the_database_is_found(vault: Vault) -> None:
    row = key(vault)
    keys.check(vault, row)
    for member, change in _changed(row).items():
        edited = dataclasses.replace(row, **change)
        with pytest.raises(CannotOpen, match='API key'):
            keys.check(vault, edited)
        assert edited != row, member


def test_last_use_does_not_break_the_seal(vault: Vault) -> None:
    row = key(vault)
    assert row.previous is not None
    previous = dataclasses.replace(row.previous, last_used_at=NOW)
    used = dataclasses.replace(
        row, previous=previous, last_used_at=NOW, last_used_from='::1'
    )
    keys.check(vault, used)
