"""Checks that the filter can be built, as a server does at start."""

from keymw import factory
from keymw.manage.doctor.check import Check
from keymw.manage.doctor.check import Installation
from keymw.manage.doctor.check import Skipped


def _start(at: Installation) -> str:
    try:
        app = at.app
    except Skipped:
        factory.build(_not_called, at.conf)
        return 'the filter can be built'
    factory.build(app, at.conf)
    return 'the filter can be built in front of the identity application'


def _not_called(_environ: object, _start_response: object) -> list[bytes]:
    return []


CHECKS = (
    Check(
        'start',
        _start,
        needs=(
            *('rules', 'vault', 'credentials', 'global keys'),
            *('client address', 'replays', 'Digest'),
            *('Keystone', 'service_user'),
        ),
    ),
)
