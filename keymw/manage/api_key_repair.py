"""api-key repair: new trusts for keys whose trust is gone."""

import argparse
from collections.abc import Iterator

from cliff import command
from oslo_config import cfg

from keymw.api_keys import trusts
from keymw.conf import ConfigError
from keymw.identity import load as identity_load
from keymw.manage import api_key
from keymw.manage import api_key_parts
from keymw.manage import pipeline
from keymw.manage import session
from keymw.manage.api_key_parts import ApiKeyParts
from keymw.storage.api_keys import ApiKey
from keymw.storage.api_keys import Filter
from keymw.vault import CannotOpen
from keymw.web import faults

REPAIR = 'api_key:repair'
_OUTAGE = 500
_REVOKED = 'its trust was deleted in Keystone; its owner can enable it'


class Repair(command.Command):
    """Make the trusts anew of API keys whose trust is gone in Keystone.

    If service_user is deleted or replaced, no key can log in: Keystone
    deletes its trusts, or they are for another user. This makes new ones.

    A trust that is gone while the user that it was for exists was deleted to
    end the key, by its owner or by an admin. Such a key is listed as revoked
    and stays so, until its owner enables it. Disabled and ended keys stay as
    they are too. Where the user that a trust was for is gone as well, nothing
    tells why the trust is gone, and a new one is made: before you delete
    service_user, disable the keys that shall stay ended. The command needs
    [identity] transport = pipeline, where the trusts can be made without a
    token of the owner.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        pipeline.add_option(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        _check_transport(session.of(self.app).conf)
        parts = api_key_parts.of(self.app, parsed_args)
        pipeline.check_service_user(parts.conf, parts.identity, parts.origin)
        left = 0
        for key in _broken(parts):
            if _is_revoked(parts, key):
                self._say(key, 'revoked', _REVOKED)
                continue
            why = self._repair(parts, key)
            left += why is not None
            self._say(key, 'left' if why else 'repaired', why)
        if left:
            raise ConfigError('not all are repaired: see the lines "left"')

    def _say(self, key: ApiKey, word: str, why: str | None) -> None:
        words = f'{word} {api_key_parts.line(key)}'
        line = f'{words}: {why}' if why else words
        print(line, file=self.app.stdout, flush=True)

    def _repair(self, parts: ApiKeyParts, key: ApiKey) -> str | None:
        """Give a key a new trust; return the reason if it gets none.

        :raises ConfigError: Keystone does not respond.
        """
        target = api_key_parts.target(key)
        with pipeline.asking(parts.conf, parts.identity):
            try:
                with session.of(self.app).operation(REPAIR, target):
                    _renew(parts, key)
            except CannotOpen as error:
                return str(error)
            except faults.Fault as fault:
                if fault.status >= _OUTAGE:
                    raise
                return fault.message
        return None


def _check_transport(conf: cfg.ConfigOpts) -> None:
    """Check that a token of an owner can be had here.

    :raises ConfigError: none can.
    """
    if identity_load.is_remote(conf):
        raise ConfigError(
            '[identity] transport = remote: no trust can be made without a '
            'token of the owner. The owners must enable their keys, or run '
            'this where transport = pipeline'
        )


def _broken(parts: ApiKeyParts) -> Iterator[ApiKey]:
    """Yield the keys that should have a trust and have none."""
    for user_id in parts.owners():
        where = Filter(user_id=user_id, enabled=True)
        keys = [
            key
            for key in api_key.every(parts.store, where)
            if not key.unrestricted
            and not trusts.is_over(key, api_key_parts.now())
        ]
        if keys:
            there = _there(parts, user_id)
            yield from (key for key in keys if key.trust_id not in there)


def _there(parts: ApiKeyParts, user_id: str) -> frozenset[str]:
    """Return the ids of all trusts of a user for the present service_user."""
    with pipeline.asking(parts.conf, parts.identity):
        return parts.trusts.of(parts.origin).ids(parts.origin, user_id)


def _is_revoked(parts: ApiKeyParts, key: ApiKey) -> bool:
    """Whether the trust of a key was deleted, and not with its trustee."""
    if key.trust_id is None or key.trustee_id is None:
        return False
    with pipeline.asking(parts.conf, parts.identity):
        if parts.trusts.of(parts.origin).exists(parts.origin, key.trust_id):
            return False
    return not api_key_parts.is_gone(parts, key.trustee_id)


def _renew(parts: ApiKeyParts, key: ApiKey) -> None:
    parts.rows.check(key)
    token = parts.trusts.token_of(parts.origin, key.user_id)
    now = api_key_parts.now()
    parts.trusts.renew(parts.origin, key, token, updated_at=now)
