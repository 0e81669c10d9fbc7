"""Checks that the sealing keys open the stored secrets."""

from keymw import vault
from keymw.conf import ConfigError
from keymw.manage import vault as sealed
from keymw.manage.doctor.check import Check
from keymw.manage.doctor.check import Installation

# The number of values of each kind that are tried.
_SAMPLE = 500


def _check_sealing_keys(at: Installation) -> None:
    """Check that every key which sealed a stored secret is here."""
    for name, count in sealed.foreign(at.conf):
        if count:
            raise ConfigError(
                f'[vault] key_repository: {count} {name} are sealed with keys '
                'that are not there: copy the repository of the other nodes, '
                'or restore it from a backup'
            )


def _secrets(at: Installation) -> str:
    """Whether the vault opens a sample of the stored secrets."""
    _check_sealing_keys(at)
    keys = vault.load(at.conf.vault.key_repository)
    for name, tried, stuck in sealed.sample(at.conf, keys, _SAMPLE):
        if stuck:
            raise ConfigError(
                f'[vault] key_repository: of {tried} {name} that were tried '
                f'{stuck} cannot be opened: restore the keys that sealed '
                'them, or name the database that belongs to these keys'
            )
    return 'the vault opens what is stored'


CHECKS = (
    Check('secrets', _secrets, needs=('vault', 'credentials', 'global keys')),
)
