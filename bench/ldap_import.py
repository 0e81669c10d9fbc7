"""An import into OpenLDAP beside ldapmodify with the same changes.

Both write the keys of 1,000 users in turn, on one server. The ratio is that of
the median seconds of the clock; the goal is 1.25 times at most, which is 0.8
times the keys a second. The server does not wait for its disk, which would
take most of the time of both, unless --sync is given.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
import datetime
import functools
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import ldif  # type: ignore[import-untyped]

from bench import identity
from bench import paths
from bench.stores import Ldap
from keymw import conf
from keymw import vault
from keymw.credentials.handlers import KIND
from keymw.storage.base import Change
from keymw.storage.base import Credential
from keymw.storage.ldap.entries import Entry
from keymw.storage.ldap.entries import Names
from tests.support import manage
from tests.support.deployment import Deployment

KEYS, ROUNDS, MOST = 1000, 7, 1.25


def main() -> int:
    """Print the seconds of both; return 1 if the goal is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('rounds', type=int, nargs='?', default=ROUNDS)
    parser.add_argument('--sync', action='store_true')
    options = parser.parse_args()
    rounds = options.rounds
    with (
        tempfile.TemporaryDirectory() as home,
        Ldap(pathlib.Path(home) / 'ldap', sync=options.sync) as store,
    ):
        number = KEYS * 2 * rounds
        store.enrol([identity.user_id(n) for n in range(number)])
        made = Deployment(pathlib.Path(home) / 'keymw', store.options)
        made.set_up()
        ours, theirs = _in_turn(made, store, rounds)
    ratio = statistics.median(ours) / statistics.median(theirs)
    for name, seconds in (('keymw', ours), ('ldapmodify', theirs)):
        each = statistics.median(seconds) / KEYS
        print(f'{name}: {each * 1e6:.0f} us a key, {1 / each:,.0f} a second')
    print(f'keymw takes {ratio:.2f} times as long (goal {MOST})')
    return int(ratio > MOST)


def _in_turn(
    made: Deployment, store: Ldap, rounds: int
) -> tuple[list[float], list[float]]:
    ours, theirs = [], []
    for number in range(rounds):
        start = 2 * number * KEYS
        file = _csv(made, range(start, start + KEYS))
        ours.append(_timed(functools.partial(_import, made, file)))
        changes = _ldif(made, store, range(start + KEYS, start + 2 * KEYS))
        theirs.append(_timed(functools.partial(store.modify, changes)))
    return ours, theirs


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _import(made: Deployment, file: pathlib.Path) -> None:
    done = manage.run(made.conf_file, 'credential', 'import', str(file))
    assert done.code == 0, done.err


def _csv(made: Deployment, numbers: range) -> pathlib.Path:
    file = made.home / 'keys.csv'
    ids = [identity.user_id(number) for number in numbers]
    rows = ''.join(f'{id_},{id_},{paths.KEY}\n' for id_ in ids)
    file.write_text(f'user_id,username,apiKey\n{rows}')
    return file


def _ldif(made: Deployment, store: Ldap, numbers: range) -> str:
    """Write the changes that an import makes; return the name of the file."""
    loaded = conf.load(str(made.conf_file))
    names, sealer = Names(loaded), vault.load(loaded.vault.key_repository)
    now = datetime.datetime.now(datetime.UTC)
    file = made.home / 'keys.ldif'
    with file.open('w') as out:
        writer = ldif.LDIFWriter(out)
        for id_ in map(identity.user_id, numbers):
            secret = sealer.seal(KIND, id_, paths.KEY)
            key = Credential(id_, 'default', id_, secret, now, now)
            entry = Entry(store.dn(id_), {'objectclass': [b'inetOrgPerson']})
            changes = names.write(key, entry)
            changes += names.date(entry, id_, Change(now, None))
            writer.unparse(entry.dn, changes)
    return str(file)


if __name__ == '__main__':
    sys.exit(main())
