"""Whether a caller may do what a rule is about (contract, 5).

A rule is asked twice. Before anything is looked up, for every type the target
may be of: who may in no case is told so without a word about the target. Then
about the target as it is, whose roles are looked up only where they matter.
"""

from collections.abc import Callable
from collections.abc import Iterator
import functools
from typing import Any

from oslo_config import cfg
from oslo_policy import policy

from keymw import faults
from keymw import policies
from keymw.conf import ConfigError
from keymw.identity.base import Caller
from keymw.identity.base import User
from keymw.policies import credentials

# Highest first; the option that names the role of each.
_TYPES = {
    'admin': 'admin_role',
    'service-admin': 'service_admin_role',
    'identity-admin': 'identity_admin_role',
    'user-admin': 'user_admin_role',
    'user-manage': 'user_manage_role',
    'default': 'default_role',
}
_RANKS = [*_TYPES, 'none']

_Target = tuple[str, str, str, bool]
_OF_TARGET = ('user_id', 'domain_id', 'type', 'over')
_Asking = tuple[str, str, frozenset[str], str]
_OF_CALLER = ('user_id', 'domain_id', 'roles', 'type')
_DECISIONS = 4096


class Rules:
    """The rules of a configuration."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._enforcer = policy.Enforcer(conf)
        self._enforcer.register_defaults(policies.list_rules())
        options = conf.kskey
        self._types = {
            options[option].lower(): kind for kind, option in _TYPES.items()
        }
        self._untyped = 'default' if options.self_service else 'none'
        # One decision of oslo.policy costs as much as a look-up in a database.
        self._decide = functools.lru_cache(_DECISIONS)(self._decide_anew)
        self._rules: object = None
        _check_file(conf)
        try:
            self._follow_file()
            self._enforcer.check_rules(raise_on_violation=True)
        # Whatever a parser makes of a file that holds no rules.
        except Exception as error:
            raise ConfigError(f'[oslo_policy] policy_file: {error}') from None
        self._check_parsed()

    def allow(self, rule: str, caller: Caller, user_id: str) -> None:
        """Let pass who may do this to the user in some case.

        :raises Forbidden: this caller may in no case.
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
        """Let pass who may do this to this user.

        roles answers with the target's; it is asked only where they matter.

        :raises Forbidden: this caller may not.
        """
        cases = list(self._cases(rule, caller, target.id, target.domain_id))
        if all(cases):
            return
        kind = self._type(roles(), 'none') if any(cases) else 'none'
        if not self._holds(rule, caller, kind, target.id, target.domain_id):
            raise self._refusal(rule, caller, kind)

    def administer(self, rule: str, caller: Caller) -> None:
        """Let pass who may do this, which is about no user.

        :raises Forbidden: this caller may not.
        """
        if caller.delegated:
            raise faults.Forbidden()
        self._follow_file()
        if not self._holds(rule, caller, 'none', '', ''):
            raise faults.Forbidden()

    def _cases(
        self, rule: str, caller: Caller, user_id: str, domain_id: str
    ) -> Iterator[bool]:
        """What the rule says for each type the target may be of."""
        for kind in _RANKS:
            yield self._holds(rule, caller, kind, user_id, domain_id)

    def _holds(
        self,
        rule: str,
        caller: Caller,
        kind: str,
        user_id: str,
        domain_id: str,
    ) -> bool:
        mine = self._type(caller.roles, self._untyped)
        target = (user_id, domain_id, kind, _is_over(mine, kind))
        asking = (caller.user_id, caller.domain_id, caller.roles, mine)
        return self._decide(rule, target, asking)

    def _decide_anew(
        self, rule: str, target: _Target, asking: _Asking
    ) -> bool:
        of_target = dict(zip(_OF_TARGET, target, strict=True))
        of_caller = dict(zip(_OF_CALLER, asking, strict=True))
        of_caller['roles'] = sorted(of_caller['roles'])
        return bool(
            self._enforcer.authorize(
                rule, _known(of_target), _known(of_caller)
            )
        )

    def _check_parsed(self) -> None:
        # oslo.policy makes a rule that it cannot parse one that never holds.
        for name, rule in self._enforcer.file_rules.items():
            if str(rule.check) == '!' != rule.check_str.strip():
                raise ConfigError(
                    f'[oslo_policy] policy_file: rule "{name}" cannot be '
                    f'parsed: {rule.check_str}'
                )

    def _follow_file(self) -> None:
        # The enforcer reads its file again when that has changed.
        self._enforcer.load_rules()
        if self._enforcer.rules is not self._rules:
            self._rules = self._enforcer.rules
            self._decide.cache_clear()

    def _type(self, roles: frozenset[str], untyped: str) -> str:
        held = {self._types.get(role.lower(), untyped) for role in roles}
        return min(held, key=_RANKS.index, default=untyped)

    def _refusal_without_look(
        self, rule: str, caller: Caller
    ) -> faults.Forbidden:
        mine = self._type(caller.roles, self._untyped)
        if rule == credentials.RESET and mine == 'default':
            return faults.Forbidden(
                'This user can only reset their own apiKey'
            )
        return faults.Forbidden()

    def _refusal(
        self, rule: str, caller: Caller, kind: str
    ) -> faults.Forbidden:
        mine = self._type(caller.roles, self._untyped)
        if (
            rule == credentials.RESET
            and mine == 'identity-admin'
            and kind == 'service-admin'
        ):
            return faults.Forbidden(
                'This user cannot set or reset Service Admin apiKey.'
            )
        return faults.Forbidden()


def _check_file(conf: cfg.ConfigOpts) -> None:
    # oslo.policy goes on with the defaults where the file is not found.
    name = conf.oslo_policy.policy_file
    found = conf.get_location('policy_file', 'oslo_policy')
    chosen = found is not None and found.location is cfg.Locations.user
    if chosen and conf.find_file(name) is None:
        raise ConfigError(f'[oslo_policy] policy_file: {name} is not there')


def _is_over(mine: str, theirs: str) -> bool:
    if mine == theirs == 'user-manage':
        return True
    return _RANKS.index(mine) < _RANKS.index(theirs)


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    # A fact that is not known matches nothing; two empty ones would match.
    return {name: fact for name, fact in facts.items() if fact != ''}
