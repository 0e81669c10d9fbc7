"""egg:keymw#page: static files at a path, with strict headers."""

import pathlib
import re

from paste import deploy
import pytest
import webtest

from keymw import page

STATIC = pathlib.Path(page.__file__).parent / 'static'
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


@pytest.fixture(scope='module')
def web(tmp_path_factory: pytest.TempPathFactory) -> webtest.TestApp:
    """The page before an application that answers every path."""
    ini = tmp_path_factory.mktemp('page') / 'paste.ini'
    ini.write_text(
        '[pipeline:main]\npipeline = page other\n'
        '[filter:page]\nuse = egg:keymw#page\npath = /my/keys/\n'
        '[app:other]\npaste.app_factory = tests.functional.test_page:other\n'
        '[app:page]\nuse = egg:keymw#page\n'
    )
    return webtest.TestApp(
        webtest.lint.middleware(deploy.loadapp(f'config:{ini}'))
    )


def other(_global_conf: object) -> object:
    """An application that tells the path."""

    def app(environ: dict[str, str], start_response: object) -> list[bytes]:
        start_response('200 OK', [('Content-Type', 'text/plain')])  # type: ignore[operator]
        path = environ['SCRIPT_NAME'] + environ['PATH_INFO']
        return [path.encode()]

    return app


@pytest.mark.parametrize('name', sorted(p.name for p in STATIC.iterdir()))
def test_file_is_served_with_strict_headers(
    web: webtest.TestApp, name: str
) -> None:
    answer = web.get(f'/my/keys/{name}?token=x&next=y')
    assert answer.body == (STATIC / name).read_bytes()
    assert answer.headers['Content-Security-Policy'] == POLICY
    assert answer.headers['X-Content-Type-Options'] == 'nosniff'
    assert answer.headers['Referrer-Policy'] == 'no-referrer'
    again = {'If-None-Match': answer.headers['ETag']}
    assert web.get(f'/my/keys/{name}', headers=again).status_int == 304


def test_page_is_at_the_path_and_the_application_elsewhere(
    web: webtest.TestApp,
) -> None:
    page = web.get('/my/keys/')
    assert page.content_type == 'text/html'
    assert web.head('/my/keys/').content_length == page.content_length
    moved = web.get('/my/keys', status=308)
    assert moved.headers['Location'].endswith('keys/')
    evil = web.get('/my/keys', headers={'Host': 'evil"/?'}, status=308)
    assert evil.headers['Location'] == moved.headers['Location']
    assert web.get('/my/keysmith').text == '/my/keysmith'
    assert web.get('/v3').text == '/v3'
    web.get('/my/keys/../__init__.py', status=404)
    assert web.post('/my/keys/', status=405).headers['Allow'] == 'GET, HEAD'


def test_page_holds_nothing_that_its_policy_forbids() -> None:
    html = (STATIC / 'index.html').read_text()
    assert not re.search(r'style=|<style|\son\w+=|https?:|<script>', html)
    assert '<noscript>' in html


@pytest.mark.parametrize('file', sorted(STATIC.glob('*.js')), ids=str)
def test_scripts_make_no_markup_and_store_nothing(file: pathlib.Path) -> None:
    forbidden = (
        'innerHTML|outerHTML|insertAdjacent|document.write|eval|Storage|'
        r'cookie|indexedDB|\balert\(|\bconfirm\(|\bprompt\(|\.style\b'
    )
    text = re.sub(r'//.*', '', file.read_text())
    assert re.findall(forbidden, text) == []
    assert len(text.splitlines()) < 400
