"""Decisions of the policy: whether a caller may use a rule on a target.

Each rule is checked twice. First without a look-up, for every type of target:
if all are denied, the refusal reveals nothing about the target. Then for the
real target, whose roles are looked up only if the type matters. Source:
doc/contract/rackspace-identity 5.
"""

from collections.abc import Callable
from collections.abc import Sequence
import functools
import re
from typing import Any

from oslo_config import cfg
from oslo_policy import policy

from keymw.identity.base import Caller
from keymw.identity.base import User
from keymw.policy import base
from keymw.policy.files import RuleFiles
from keymw.web import faults

# The types of users, highest first, each with the option for its role.
_TYPES = {
    'admin': 'admin_role',
    'service-admin': 'service_admin_role',
    'identity-admin': 'identity_admin_role',
    'user-admin': 'user_admin_role',
    'user-manage': 'user_manage_role',
    'default': 'default_role',
}
# The type of a target with a role unknown to keymw. It may be a service, so
# only an admin may use its key.
_UNKNOWN = 'other'
_RANKS = ['admin', _UNKNOWN, *list(_TYPES)[1:], 'none']

# User id and domain id of the caller, then of the target; '' if unknown.
_Ids = tuple[str, str, str, str]
_SAME, _OTHER = 'same', 'other'
_Decided = tuple[bool, ...]
_DECISIONS = 4096
# Checks that only compare the ids of caller and target.
_RELATIVE = ('user_id:%(user_id)s', 'domain_id:%(domain_id)s')
_BY_ID = re.compile(r'user_id|domain_id|https?:')


class Rules:
    """The policy rules in force."""

    def __init__(
        self, conf: cfg.ConfigOpts, defaults: Sequence[policy.RuleDefault]
    ) -> None:
        """defaults are the default rules of all families."""
        self._files = RuleFiles(conf, defaults)
        options = conf.kskey
        self._types = {
            _plain(options[option]): kind for kind, option in _TYPES.items()
        }
        self._ordinary = {_plain(role) for role in options.ordinary_roles}
        self._untyped = 'default' if options.self_service else 'none'
        self._begin()

    def allow(self, rule: str, caller: Caller, user_id: str) -> None:
        """First check, before any look-up.

        Passing is not yet a permission: see allow_on.

        :raises Forbidden: the rule denies every type of target, or the
            token is delegated.
        """
        if caller.delegated:
            raise faults.Forbidden()
        self._follow_file()
        if not any(self._cases(rule, caller, user_id, caller.domain_id)):
            raise self._refusal_without_look(rule, caller)

    def allow_on(
        self,
        rule: str,
        caller: Caller,
        target: User,
        roles: Callable[[], frozenset[str]],
    ) -> None:
        """Second check, for the real target.

        roles returns the names of the target's roles; it is called only if the
        decision depends on them.

        :raises Forbidden: the rule denies this target.
        """
        cases = self._cases(rule, caller, target.id, target.domain_id)
        if all(cases):
            return
        kind = self._type_of_target(roles()) if any(cases) else 'none'
        if not cases[_RANKS.index(kind)]:
            raise self._refusal(rule, caller, kind)

    def allow_on_nobody(self, rule: str, caller: Caller, user_id: str) -> None:
        """Second check, for a user who does not exist.

        Passes only if the rule permits users of every domain. All other
        callers get the same refusal as for a user of another domain, so they
        do not learn that the user does not exist.

        :raises Forbidden: the rule denies users of unknown domains.
        """
        if not any(self._cases(rule, caller, user_id, '')):
            raise self._refusal(rule, caller, 'none')

    def administer(self, rule: str, caller: Caller) -> None:
        """Check for an operation without a target user.

        :raises Forbidden: the rule denies this caller, or the token is
            delegated.
        """
        if caller.delegated:
            raise faults.Forbidden()
        self._follow_file()
        if not self._cases(rule, caller, '', '')[_RANKS.index('none')]:
            raise faults.Forbidden()

    def _cases(
        self, rule: str, caller: Caller, user_id: str, domain_id: str
    ) -> _Decided:
        """The decision for each type of target, in the order of _RANKS."""
        ids = (caller.user_id, caller.domain_id, user_id, domain_id)
        return self._decided(
            rule, ids if self._by_id else _relation(*ids), caller.roles
        )

    def _follow_file(self) -> None:
        if self._files.follow():
            self._begin()

    def _begin(self) -> None:
        """Start a new cache of decisions for the rules now in force.

        oslo.policy is slow. If no rule names an id, users with the same roles
        share the cached decisions.
        """
        enforcer = self._files.enforcer
        self._by_id = _names_ids(enforcer)

        @functools.lru_cache(_DECISIONS)
        def decided(rule: str, ids: _Ids, roles: frozenset[str]) -> _Decided:
            own = self._type(roles)
            return tuple(
                _holds(enforcer, rule, _facts(ids, roles, own, kind))
                for kind in _RANKS
            )

        self._decided = decided

    def _type(self, roles: frozenset[str]) -> str:
        # Keystone's own policy does not strip spaces from a caller's roles.
        known = self._types.keys() & {role.lower() for role in roles}
        held = {self._types[role] for role in known}
        return min(held, key=_RANKS.index, default=self._untyped)

    def _type_of_target(self, roles: frozenset[str]) -> str:
        plain = set(map(_plain, roles)) - self._ordinary
        held = {self._types.get(role, _UNKNOWN) for role in plain}
        return min(held, key=_RANKS.index, default='none')

    def _refusal_without_look(
        self, rule: str, caller: Caller
    ) -> faults.Forbidden:
        own = self._type(caller.roles)
        if rule == base.CREDENTIAL_RESET and own == 'default':
            return faults.Forbidden(
                'This user can only reset their own apiKey'
            )
        return faults.Forbidden()

    def _refusal(
        self, rule: str, caller: Caller, kind: str
    ) -> faults.Forbidden:
        own = self._type(caller.roles)
        if (
            rule == base.CREDENTIAL_RESET
            and own == 'identity-admin'
            and kind == 'service-admin'
        ):
            return faults.Forbidden(
                'This user cannot set or reset Service Admin apiKey.'
            )
        return faults.Forbidden()


def _names_ids(enforcer: policy.Enforcer) -> bool:
    """Whether a rule uses ids for more than a comparison."""
    text = ' '.join(map(str, enforcer.rules.values()))
    for relative in _RELATIVE:
        text = text.replace(relative, '')
    return bool(_BY_ID.search(text))


def _relation(
    caller_id: str, caller_domain: str, user_id: str, domain_id: str
) -> _Ids:
    """Placeholder ids that only show which ids are equal or unknown."""
    return (
        _SAME if caller_id else '',
        _SAME if caller_domain else '',
        user_id and (_SAME if user_id == caller_id else _OTHER),
        domain_id and (_SAME if domain_id == caller_domain else _OTHER),
    )


def _facts(
    ids: _Ids, roles: frozenset[str], own: str, kind: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The target and the credentials that a rule may read."""
    caller_id, caller_domain, user_id, domain_id = ids
    target = {
        'user_id': user_id,
        'domain_id': domain_id,
        'type': kind,
        'over': _is_over(own, kind),
    }
    caller = {
        'user_id': caller_id,
        'domain_id': caller_domain,
        'roles': sorted(roles),
        'type': own,
    }
    return _known(target), _known(caller)


def _holds(
    enforcer: policy.Enforcer,
    rule: str,
    facts: tuple[dict[str, Any], dict[str, Any]],
) -> bool:
    return bool(enforcer.authorize(rule, *facts))


def _plain(role: str) -> str:
    """A role's name for comparison, as in Keystone: lower case, stripped."""
    return role.strip().lower()


def _is_over(own: str, other: str) -> bool:
    if own == other == 'user-manage':
        return True
    return _RANKS.index(own) < _RANKS.index(other)


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    # Leave out unknown facts: two empty ids would match each other.
    return {name: fact for name, fact in facts.items() if fact != ''}
