"""Check of the key repository."""

from keymw import vault
from keymw.manage.doctor.check import Check
from keymw.manage.doctor.check import Installation


def _vault(at: Installation) -> str:
    repository = at.conf.vault.key_repository
    found = vault.load(repository)
    sealed = found.seal('doctor', 'nobody', 'probe')
    found.open('doctor', 'nobody', sealed)
    return f'{repository} seals and opens'


CHECKS = (Check('vault', _vault),)
