"""keymw-manage credential import into a directory."""

from __future__ import annotations

from collections.abc import Callable
import pathlib

from keymw import vault
from tests.support import manage
from tests.support.deployment import Deployment


def test_key_without_a_place_is_a_wrong_line_and_the_rest_goes_on(
    deploy_on: Callable[..., Deployment],
    person: Callable[..., str],
    tmp_path: pathlib.Path,
) -> None:
    made = deploy_on()
    vault.setup(str(made.home / 'vault'))
    for name in ('ann', 'bob', 'cyd', 'dan'):
        person(name)
    person('twin', uid='cyd')
    file = tmp_path / 'keys.csv'
    file.write_text(
        'user_id,username,apiKey\n'
        '1,ann,a key of 16 or more\n'
        '2,nobody,a key of 16 or more\n'
        '3,cyd,a key of 16 or more\n'
        '4,dan,a key of 16 or more\n'
    )
    done = manage.run(made.conf_file, 'credential', 'import', str(file))
    assert (done.code, done.out) == (1, 'imported 2, wrong 2\n')
    nobody, cyd = done.err.splitlines()
    assert nobody.startswith('line 3: [ldap] user_name_attribute: no entries')
    assert cyd.startswith('line 4: [ldap] user_name_attribute: 2 entries')
    words = ('credential', 'list', '-f', 'value', '-c', 'Username')
    assert manage.run(made.conf_file, *words).out == 'ann\ndan\n'
