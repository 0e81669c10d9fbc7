"""The page in a real browser, by keyboard, on the demo.

KEYMW_SCREENSHOTS names a folder for pictures; doc/static has those of the
documentation.
"""

from collections.abc import Iterator
import os
import pathlib
import re
from typing import Any

from playwright import sync_api
import pytest

from tests.live.clients import install
from tests.live.demo import Demo
from tests.live.demo import cached_demo
from tests.support.servers import require

AXE = 'axe-core@4.10.3'
MARKUP = '<img src=x onerror=alert(1)> \u202egnp'
WIDE, NARROW = (1280, 900), (320, 800)
LONGEST = 60000
_NAME = """() => {
  const at = document.activeElement;
  const labels = [...(at.labels || [])].map((one) => one.innerText);
  return at.getAttribute('aria-label') || labels.join(' ') || at.innerText;
}"""


class Keyboard:
    """The page, used without a mouse."""

    def __init__(self, page: sync_api.Page) -> None:
        self.page = page

    def go(self, name: str) -> None:
        """Press Tab until the control with this name has the focus.

        A control may come with a response of the server: other rounds follow.
        """
        for _ in range(10):
            for _ in range(60):
                if str(self.page.evaluate(_NAME)).strip() == name:
                    return
                self.page.keyboard.press('Tab')
            self.page.wait_for_timeout(500)
        raise AssertionError(f'no Tab leads to {name}')

    def press(self, name: str) -> None:
        """Go to a button and press it."""
        self.go(name)
        self.page.keyboard.press('Enter')

    def type(self, name: str, text: str) -> None:
        """Go to a field and replace what it holds."""
        self.go(name)
        self.page.keyboard.press('Control+A')
        self.page.keyboard.insert_text(text)

    def sign_in(self, user: str) -> None:
        """Sign in with the password of the demo."""
        self.type('User name', user)
        self.type('Password', 'demo')
        self.page.keyboard.press('Enter')
        self.wait_for('#user', user)

    def wait_for(self, selector: str, text: str | None = None) -> None:
        """Wait until an element is visible, with this text in it."""
        found = self.page.locator(selector).first
        sync_api.expect(found).to_be_visible(timeout=LONGEST)
        if text is not None:
            sync_api.expect(found).to_contain_text(text, timeout=LONGEST)

    def create(self, name: str) -> str:
        """Make a key, and give its secret back."""
        self.press('New key')
        self.type('Name', name)
        self.press('Create the key')
        self.wait_for('#shown', name)
        return self.page.locator('#shown input').input_value()


@pytest.fixture(scope='module')
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    require('Chromium', ('chromium',))
    with cached_demo(tmp_path_factory.mktemp('page')) as made:
        yield made


@pytest.fixture(scope='module')
def browser() -> Iterator[sync_api.Browser]:
    require('Chromium', ('chromium',))
    with sync_api.sync_playwright() as playwright:
        # Root has no sandbox.
        made = playwright.chromium.launch(
            executable_path='/usr/bin/chromium', args=['--no-sandbox']
        )
        yield made
        made.close()


@pytest.fixture
def opened(demo: Demo, browser: sync_api.Browser) -> Iterator[sync_api.Page]:
    """The page, whose scripts, policy and dialogs must not complain."""
    width, height = WIDE
    context = browser.new_context(viewport={'width': width, 'height': height})
    page, wrong = context.new_page(), []
    page.on('pageerror', lambda error: wrong.append(str(error)))
    page.on('dialog', lambda dialog: wrong.append(dialog.message))
    page.on(
        'console',
        lambda told: (
            wrong.append(told.text)
            if 'Content Security Policy' in told.text
            else None
        ),
    )
    page.goto(f'{demo.url}/keys/?token=abc&next=//example.org')
    yield page
    context.close()
    assert wrong == []


@pytest.fixture
def keyboard(opened: sync_api.Page) -> Keyboard:
    return Keyboard(opened)


@pytest.fixture(scope='session')
def axe() -> str:
    """The text of axe-core."""
    place = install.node('axe', AXE) / 'node_modules' / 'axe-core'
    return (place / 'axe.min.js').read_text()


def picture(page: sync_api.Page, name: str) -> None:
    """Write a picture of the whole page, where pictures are wanted."""
    place = os.environ.get('KEYMW_SCREENSHOTS')
    if place:
        file = pathlib.Path(place) / f'page-{name}.png'
        page.screenshot(path=file, full_page=True)


def test_life_of_a_key_by_keyboard(
    keyboard: Keyboard, demo: Demo, axe: str
) -> None:
    page = keyboard.page
    picture(page, 'sign-in')
    keyboard.sign_in('alice')
    keyboard.press('New key')
    keyboard.type('Name', 'nightly backup')
    keyboard.type('Description (optional)', 'rclone on the file server')
    picture(page, 'create')
    check(page, axe)
    keyboard.press('Create the key')
    keyboard.wait_for('#shown', 'Copy it now')
    secret = page.locator('#shown input').input_value()
    assert signs_in(demo, secret)
    picture(page, 'shown')
    check(page, axe)
    keyboard.press('I have copied it')
    assert secret not in page.content()
    keyboard.press('Rotate nightly backup')
    picture(page, 'rotate')
    keyboard.press('Rotate')
    keyboard.wait_for('#shown', 'has a new secret')
    new = page.locator('#shown input').input_value()
    assert signs_in(demo, new)
    assert not signs_in(demo, secret)
    keyboard.press('I have copied it')
    picture(page, 'table')
    check(page, axe)
    keyboard.press('Disable nightly backup')
    keyboard.wait_for('.state.disabled')
    assert not signs_in(demo, new)
    keyboard.press('Enable nightly backup')
    keyboard.wait_for('.state.active')
    assert signs_in(demo, new)
    keyboard.press('Delete nightly backup')
    keyboard.wait_for('[role=group]', 'Delete the key nightly backup?')
    picture(page, 'delete')
    keyboard.press('Delete nightly backup')
    keyboard.wait_for('#status', 'The key nightly backup is deleted.')
    assert not signs_in(demo, new)
    assert page.evaluate(
        '[...Object.keys(localStorage), document.cookie]'
    ) == ['']


def signs_in(demo: Demo, secret: str) -> bool:
    """Whether a key gets a token."""
    identity = {'methods': ['api_key'], 'api_key': {'secret': secret}}
    body = {'auth': {'identity': identity}}
    status = demo.ask('POST', '/v3/auth/tokens', body, token='none')[0]
    return bool(status == 201)


def check(page: sync_api.Page, axe: str) -> None:
    """No violation that axe finds, in light and dark, wide and narrow."""
    # The script is evaluated, as a debugger does: the policy stays.
    page.evaluate(axe)
    for scheme in ('light', 'dark'):
        page.emulate_media(color_scheme=scheme)
        for width, height in (NARROW, WIDE):
            page.set_viewport_size({'width': width, 'height': height})
            wide = page.evaluate('document.documentElement.scrollWidth')
            assert wide <= width
            assert violations(page) == []
    page.emulate_media(color_scheme='light')


def violations(page: sync_api.Page) -> list[Any]:
    """What axe finds on the page as it is."""
    tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
    more = ['best-practice']
    options = {'runOnly': {'type': 'tag', 'values': [*tags, *more]}}
    found = page.evaluate('(options) => axe.run(options)', options)
    return [
        (one['id'], [node['html'] for node in one['nodes']])
        for one in found['violations']
    ]


def test_name_with_markup_is_text(keyboard: Keyboard, axe: str) -> None:
    keyboard.sign_in('alice')
    keyboard.create(MARKUP)
    keyboard.press('I have copied it')
    name = keyboard.page.locator('tbody th bdi').first
    assert name.inner_text() == MARKUP
    assert keyboard.page.locator('img').count() == 0
    check(keyboard.page, axe)
    keyboard.press(f'Delete {MARKUP}')
    keyboard.press(f'Delete {MARKUP}')
    keyboard.wait_for('.note')


def test_key_that_a_second_tab_deleted(keyboard: Keyboard) -> None:
    keyboard.sign_in('alice')
    keyboard.create('shared')
    keyboard.press('I have copied it')
    other = keyboard.page.context.new_page()
    other.goto(keyboard.page.url)
    second = Keyboard(other)
    second.sign_in('alice')
    second.press('Delete shared')
    second.press('Delete shared')
    second.wait_for('.note')
    keyboard.press('Disable shared')
    keyboard.wait_for('#problem', 'was deleted elsewhere')


def test_credential_is_shown_by_a_click_and_replaced(
    keyboard: Keyboard, axe: str
) -> None:
    keyboard.sign_in('alice')
    keyboard.press('Replace the key')
    keyboard.press('Yes, replace it')
    keyboard.wait_for('#credential input')
    field = keyboard.page.locator('#credential input')
    key = field.input_value()
    assert re.fullmatch('[0-9a-f]{32}', key)
    picture(keyboard.page, 'credential')
    check(keyboard.page, axe)
    keyboard.press('Hide the key')
    assert key not in keyboard.page.content()
    keyboard.press('Show the key')
    keyboard.wait_for('#credential input')
    assert field.input_value() == key


def test_administrator_sees_all_keys(keyboard: Keyboard, axe: str) -> None:
    keyboard.sign_in('admin')
    keyboard.wait_for('#overview-count')
    for name in ('first', 'second'):
        keyboard.create(name)
        keyboard.press('I have copied it')
    keyboard.press('Show')
    keyboard.wait_for('#overview-count', '2 keys')
    picture(keyboard.page, 'overview')
    keyboard.page.set_viewport_size({'width': 320, 'height': 800})
    picture(keyboard.page, 'narrow')
    keyboard.page.set_viewport_size({'width': 1280, 'height': 900})
    keyboard.page.emulate_media(color_scheme='dark')
    picture(keyboard.page, 'dark')
    check(keyboard.page, axe)
    keyboard.go('Ends')
    keyboard.page.keyboard.press('w')
    keyboard.press('Show')
    keyboard.wait_for('#overview-count', 'No key fits.')


def test_sign_in_is_accessible(keyboard: Keyboard, axe: str) -> None:
    check(keyboard.page, axe)
    keyboard.press('Sign in')
    keyboard.wait_for('#problem', 'Fill in every field.')
    check(keyboard.page, axe)


def test_plain_user_sees_no_overview(keyboard: Keyboard) -> None:
    keyboard.sign_in('alice')
    sync_api.expect(keyboard.page.locator('#overview')).to_be_hidden()


@pytest.mark.parametrize(
    ('status', 'wait', 'words'),
    [
        (413, None, 'too long'),
        (413, '30', 'Try again in 30 seconds.'),
        (429, '7', 'too many requests. Try again in 7 seconds.'),
        (503, '240', 'cannot answer now; nothing was changed. Try again in 4'),
    ],
)
def test_form_is_kept_when_the_service_refuses(
    keyboard: Keyboard, status: int, wait: str | None, words: str
) -> None:
    keyboard.sign_in('alice')
    headers = {'Retry-After': wait} if wait else {}
    refuse(keyboard.page, status, headers)
    keyboard.press('New key')
    keyboard.type('Name', 'kept')
    keyboard.press('Create the key')
    keyboard.wait_for('#create-problem', words)
    assert keyboard.page.locator('#key-name').input_value() == 'kept'


def refuse(page: sync_api.Page, status: int, headers: dict[str, str]) -> None:
    """Let every request about API keys fail, as a proxy would."""
    page.route(
        '**/api_keys*',
        lambda route: route.fulfill(status=status, headers=headers, body=''),
    )


def test_session_that_is_over_keeps_the_form(keyboard: Keyboard) -> None:
    keyboard.sign_in('alice')
    keyboard.press('New key')
    keyboard.type('Name', 'kept')
    refuse(keyboard.page, 401, {})
    keyboard.press('Create the key')
    keyboard.wait_for('#problem', 'Your session is over. Sign in again.')
    keyboard.page.unroute_all()
    keyboard.sign_in('alice')
    assert keyboard.page.locator('#key-name').input_value() == 'kept'


def test_server_that_is_away_is_said_in_words(keyboard: Keyboard) -> None:
    keyboard.page.route('**/v3/**', lambda route: route.abort())
    keyboard.type('User name', 'alice')
    keyboard.type('Password', 'demo')
    keyboard.page.keyboard.press('Enter')
    keyboard.wait_for('#problem', 'The server cannot be reached.')


def test_token_can_be_pasted(keyboard: Keyboard, demo: Demo) -> None:
    token = demo.sign_in('alice', 'demo')
    keyboard.go('a password')
    keyboard.page.keyboard.press('ArrowDown')
    keyboard.type('Token', token)
    keyboard.page.keyboard.press('Enter')
    keyboard.wait_for('#user', 'alice')
    assert token not in keyboard.page.content()
    assert token not in keyboard.page.url


def test_clock_of_the_browser_does_not_decide(
    keyboard: Keyboard,
) -> None:
    keyboard.page.clock.install(time='2020-01-01T00:00:00Z')
    keyboard.page.reload()
    keyboard.sign_in('alice')
    keyboard.create('ninety days')
    keyboard.press('I have copied it')
    keyboard.wait_for('tbody', '20')
    text = keyboard.page.locator('tbody').inner_text()
    assert '2020' not in text
    keyboard.press('Delete ninety days')
    keyboard.press('Delete ninety days')
    keyboard.wait_for('.note')


def test_page_without_scripts_says_so(
    demo: Demo, browser: sync_api.Browser
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f'{demo.url}/keys/')
    assert 'needs JavaScript' in page.inner_text('main')
    context.close()
