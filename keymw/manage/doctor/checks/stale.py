"""Checks for the detection of stale tokens: lifetimes and clocks."""

import datetime

from keymw.conf import ConfigError
from keymw.identity import load as identity_load
from keymw.identity.base import Caller
from keymw.manage import credential
from keymw.manage import pipeline
from keymw.manage.doctor.check import Check
from keymw.manage.doctor.check import Installation
from keymw.manage.doctor.check import Skipped

_SECOND = datetime.timedelta(seconds=1)


def _token_life(at: Installation) -> str:
    """Whether a change of a key counts as long as a token may live."""
    born, token = _fresh(at)
    life = (token.expires_at - born) // _SECOND
    ttl = at.conf.kskey.tombstone_ttl
    if ttl < life:
        raise ConfigError(
            f'[kskey] tombstone_ttl: it is {ttl}, and tokens live {life} '
            f'seconds: set it to {life} or more'
        )
    return f'{life} s, changes of keys count for {ttl} s'


def _clock(at: Installation) -> str:
    """Whether the clocks of the store and of Keystone agree."""
    store = credential.store(at.conf)
    before = store.now()
    if before is None:
        raise Skipped('this store does not show its clock')
    born, _token = _fresh(at)
    after = store.now() or before
    # Keystone gives whole seconds: the token was issued in this one.
    until = born if born.microsecond else born + _SECOND
    apart = max(before - until, born - after)
    if apart > _SECOND:
        raise ConfigError(
            f'the store and Keystone are {apart / _SECOND:.1f} s apart: set '
            'both clocks by NTP, or old tokens pass for new ones'
        )
    return 'the store and Keystone agree'


def _fresh(at: Installation) -> tuple[datetime.datetime, Caller]:
    """Return the issue time of a new token, and its user.

    :raises Skipped: no user is configured, or there is nothing to compare.
    """
    if at.conf.kskey.stale_tokens == 'allow':
        raise Skipped('[kskey] stale_tokens = allow')
    if not (at.conf.identity.service_user or identity_load.is_remote(at.conf)):
        raise Skipped('[identity] service_user is not set')
    with pipeline.asking(at.conf):
        token = at.dialect.service(pipeline.origin())
    if token.issued_at is None:
        raise Skipped('the identity service does not say when it issued')
    return token.issued_at, token


CHECKS = (
    Check('token life', _token_life, needs=('service_user',)),
    Check('clock', _clock, needs=('credentials', 'service_user')),
)
