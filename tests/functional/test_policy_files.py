"""The policy file while keymw runs, and the standard tools that read it."""

from collections.abc import Callable
import http.server
import logging
import os
import pathlib
import threading
from typing import ClassVar

import pytest
import webtest

from keymw import conf
from keymw import families
from keymw.policy import files
from tests.support import front
from tests.support import manage
from tests.support import wire as wires
from tests.support.deployment import Deployment
from tests.support.pipeline_v2 import PipelineV2

RULES = '"credential:list": "!"\n'
Spoil = Callable[[pathlib.Path], object]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the files before each request, not once a second."""
    monkeypatch.setattr(files, 'PAUSE', 0)


class Served:
    """keymw with a policy file, and an administrator as its client."""

    def __init__(self, home: pathlib.Path, rules: str, **options: str) -> None:
        self.file = home / 'policy.yaml'
        self.file.write_text(rules)
        options = {'policy_file': str(self.file), **options}
        self.made = Deployment(home / 'keymw', {'oslo_policy': options})
        self.made.set_up()
        self._pipeline = PipelineV2()
        self._root = self._pipeline.account('root', 'admin')
        self._token = self._pipeline.token(self._root)
        self._web: webtest.TestApp = self.made.web(self._pipeline)

    def list(self) -> int:
        """The status of the one operation that the rules are about."""
        path = wires.base(self._root.id)
        json_ = wires.Json()
        answer = front.ask(self._web, json_, 'GET', path, self._token)
        return int(answer.status_int)


def test_files_are_looked_at_once_a_second(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, 'PAUSE', 1)
    served = Served(tmp_path, RULES)
    options = conf.load(str(served.made.conf_file))
    moments = iter((0, 0, 0.9, 1, 1, 1.1, 2, 2))
    followed = files.RuleFiles(
        options, families.list_rules(), lambda: next(moments)
    )
    served.file.write_text('"credential:list": "rule:admin"')
    seen = [followed.follow() for _ in range(5)]
    assert seen == [False, False, True, False, False]


def vanish(file: pathlib.Path) -> None:
    file.unlink()


def become_a_directory(file: pathlib.Path) -> None:
    file.unlink()
    file.mkdir()


def hold(text: str) -> Spoil:
    return lambda file: file.write_text(text)


@pytest.mark.parametrize(
    'spoil',
    [
        vanish,
        become_a_directory,
        hold(''),
        hold('# "credential:list": "!"\n'),
        hold('"credential:list": "!'),
        hold('"credential:list": "rule:nobody"'),
        hold('- a'),
        hold('\0'),
        hold('{}'),
    ],
)
def test_last_good_rules_stay(
    tmp_path: pathlib.Path, spoil: Spoil, caplog: pytest.LogCaptureFixture
) -> None:
    served = Served(tmp_path, RULES)
    assert served.list() == 403
    caplog.clear()
    spoil(served.file)
    assert [served.list() for _ in range(5)] == [403] * 5
    (line,) = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert 'the rules stay as they were' in line.getMessage()
    assert '[oslo_policy] policy_file' in line.getMessage()
    if served.file.is_dir():
        served.file.rmdir()
    served.file.write_text('"credential:list": "rule:admin"')
    assert served.list() == 200


class Judge(http.server.BaseHTTPRequestHandler):
    """A server that permits everything."""

    kinds: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.kinds.append(self.headers['Content-Type'])
        self.rfile.read(int(self.headers['Content-Length']))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'True')

    def log_message(self, *_about: object) -> None:
        """Print nothing."""


def test_options_of_oslo_policy_are_those_of_our_file(
    tmp_path: pathlib.Path,
) -> None:
    kind = 'application/json'
    with http.server.HTTPServer(('127.0.0.1', 0), Judge) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        rules = f'"credential:list": "http://127.0.0.1:{server.server_port}/"'
        served = Served(tmp_path, rules, remote_content_type=kind)
        assert served.list() == 200
        server.shutdown()
    assert set(Judge.kinds) == {kind}


@pytest.mark.skipif(os.geteuid() == 0, reason='root may read every file')
def test_last_good_rules_stay_when_the_file_cannot_be_read(
    tmp_path: pathlib.Path,
) -> None:
    served = Served(tmp_path, RULES)
    served.file.chmod(0)
    assert served.list() == 403


def test_an_empty_file_at_start_means_the_defaults(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    served = Served(tmp_path, '')
    assert served.list() == 200
    served.file.write_text(RULES)
    assert served.list() == 403
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(
    ('rules', 'named'),
    [
        (f'{RULES}"credential:lst": "!"', '"credential:lst"'),
        (f'{RULES}"globl_owner": "!"', '"globl_owner"'),
        ('"credential:list": "rule:mine"\n"mine": "!"', None),
        (f'{RULES}"default": "!"', None),
    ],
)
def test_a_rule_that_nothing_asks_for_is_named(
    tmp_path: pathlib.Path,
    rules: str,
    named: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    served = Served(tmp_path, rules)
    assert served.list() == 403
    said = [
        record.getMessage()
        for record in caplog.records
        if 'there is no rule' in record.getMessage()
    ]
    assert len(said) == int(named is not None)
    report = manage.run(served.made.conf_file, 'doctor').out
    (line,) = [x for x in report.splitlines() if ' rules: ' in x]
    assert line.startswith('ok' if named is None else 'FAILED')
    for text in [line, *said]:
        assert named is None or named in text
