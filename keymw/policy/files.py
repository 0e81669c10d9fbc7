"""Policy files: reading them, and following their changes."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
import logging
import os
import pathlib
import re
import time

from oslo_config import cfg
from oslo_policy import policy

from keymw.conf import ConfigError
from keymw.conf import files

LOG = logging.getLogger(__name__)
OPTION = '[oslo_policy] policy_file'
# Seconds between checks of the files.
PAUSE = 1.0
_REFERENCE = re.compile(r'rule:([^\s()]+)')

_State = tuple[int, int, int] | None


class RuleFiles:
    """The enforcer of the rules in force.

    Once a second the files are looked at, and read again if they changed. If
    they are unreadable, have no rules any more or are not valid, the last good
    rules stay in force, and the log gets one ERROR line for each such change.
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        defaults: Sequence[policy.RuleDefault],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the rules; an empty file means the defaults.

        :raises ConfigError: the files are missing or not valid.
        """
        self._conf = conf
        self._defaults = defaults
        self._clock = clock
        self._look()
        self.enforcer = self._read()
        for line in unknown(self.enforcer):
            LOG.warning('%s: %s', OPTION, line)

    def follow(self) -> bool:
        """Read changed files; return whether the rules in force changed."""
        if self._clock() < self._again:
            return False
        former = self._states
        self._look()
        return self._states != former and self._renew()

    def _look(self) -> None:
        self._again = self._clock() + PAUSE
        found = _files(self._conf)
        self._file = found[0]
        self._states = {file: _state(file) for file in found}

    def _renew(self) -> bool:
        try:
            found = self._read()
            if self.enforcer.file_rules and not found.file_rules:
                raise ConfigError(f'{OPTION}: no rule is left in it')
        except ConfigError as error:
            LOG.error('the rules stay as they were: %s', error)
            return False
        self.enforcer = found
        for line in unknown(found):
            LOG.warning('%s: %s', OPTION, line)
        return True

    def _read(self) -> policy.Enforcer:
        for file, state in self._states.items():
            if state is not None:
                _check_readable(file)
        return _enforcer(self._conf, self._file, self._defaults)


def unknown(enforcer: policy.Enforcer) -> Iterator[str]:
    """One line for each unused rule of the files.

    A rule is unused if no operation has it and no other rule refers to it.
    """
    registered, from_file = enforcer.registered_rules, enforcer.file_rules
    rules = [*registered.values(), *from_file.values()]
    named = {n for rule in rules for n in _REFERENCE.findall(rule.check_str)}
    for name in sorted(
        from_file.keys() - {*registered, *named, enforcer.default_rule}
    ):
        meant = files.like(name, registered)
        yield f'there is no rule "{name}"{meant}'


def policy_file(conf: cfg.ConfigOpts) -> str:
    """The path of the policy file, which may be missing."""
    name: str = conf.oslo_policy.policy_file
    return str(conf.find_file(name) or name)


def _files(conf: cfg.ConfigOpts) -> list[str]:
    """The policy file, then the files of the directories."""
    options = conf.oslo_policy
    directories = filter(None, map(conf.find_file, options.policy_dirs))
    more = [
        str(file)
        for directory in directories
        for file in sorted(pathlib.Path(directory).iterdir())
        if file.is_file() and not file.name.startswith('.')
    ]
    return [policy_file(conf), *more]


def _state(file: str) -> _State:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _check_readable(file: str) -> None:
    try:
        pathlib.Path(file).read_bytes()
    except IsADirectoryError:
        raise ConfigError(
            f'{OPTION}: {file} is a directory: name a file in it, or set '
            'policy_dirs to the directory'
        ) from None
    except OSError as error:
        raise ConfigError(f'{OPTION}: {file}: {error.strerror}') from None


def _enforcer(
    conf: cfg.ConfigOpts, file: str, defaults: Sequence[policy.RuleDefault]
) -> policy.Enforcer:
    """An enforcer with the current rules, which reads no files later.

    :raises ConfigError: the files do not hold valid rules.
    """
    _check_there(conf, file)
    own = cfg.ConfigOpts()
    own([], default_config_files=[], default_config_dirs=[], use_env=False)
    default = conf.oslo_policy.policy_default_rule
    made = policy.Enforcer(own, policy_file=file, default_rule=default)
    for name, value in conf.oslo_policy.items():
        own.set_override(name, value, group='oslo_policy')
    own.set_override('policy_dirs', _directories(conf), group='oslo_policy')
    made.register_defaults(defaults)
    try:
        made.load_rules()
        made.check_rules(raise_on_violation=True)
    # The parsers raise exceptions of many types.
    except Exception as error:
        raise ConfigError(f'{OPTION}: {error}') from None
    _check_parsed(made)
    # With use_conf the enforcer looks for its file before each decision.
    made.set_rules(made.rules, use_conf=False)
    return made


def _directories(conf: cfg.ConfigOpts) -> list[str]:
    found = map(conf.find_file, conf.oslo_policy.policy_dirs)
    return [directory for directory in found if directory]


def _check_there(conf: cfg.ConfigOpts, file: str) -> None:
    # oslo.policy uses the defaults if the file is missing.
    place = conf.get_location('policy_file', 'oslo_policy')
    chosen = place is not None and place.location is cfg.Locations.user
    if chosen and _state(file) is None:
        raise ConfigError(f'{OPTION}: {file} is not there')


def _check_parsed(enforcer: policy.Enforcer) -> None:
    # oslo.policy turns a rule that it cannot parse into "!", always false.
    for name, rule in enforcer.file_rules.items():
        if str(rule.check) == '!' != rule.check_str.strip():
            raise ConfigError(
                f'{OPTION}: rule "{name}" cannot be parsed: {rule.check_str}'
            )
