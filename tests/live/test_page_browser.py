"""The page in a real browser, by keyboard, on the demo.

KEYMW_SCREENSHOTS names a folder for pictures; doc/static has those of the
documentation.
"""

from collections.abc import Callable
from collections.abc import Iterator
import json
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
# The requests about API keys, of a user or of all.
KEYS = '**/api_keys*'
OLD_KEY = '**/OS-KSADM/credentials/**'
_NAME = """(at) => {
  const labels = [...(at.labels || [])].map((one) => one.innerText);
  const name = at.getAttribute('aria-label') || labels.join(' ')
    || at.innerText;
  return (name || '').trim();
}"""
_IS_THERE = f"""(name) => [...document.querySelectorAll(
  'a, button, input, select, textarea, summary')].some((one) =>
    one.checkVisibility() && ({_NAME})(one) === name)"""
_HAS_FOCUS = f'(name) => ({_NAME})(document.activeElement) === name'
# What width and colours decide; all the rest is the same in each.
_AXE = """async ([tags, looks]) => {
  const chosen = looks
    ? { type: 'rule', values: ['color-contrast', 'target-size'] }
    : { type: 'tag', values: tags };
  const { violations } = await axe.run({ runOnly: chosen });
  return violations.map((one) =>
    [one.id, ...one.nodes.map((node) => node.html)]);
}"""
_TAGS = [
    'wcag2a',
    'wcag2aa',
    'wcag21a',
    'wcag21aa',
    'wcag22aa',
    'best-practice',
]


class Keyboard:
    """The page, used without a mouse."""

    def __init__(self, page: sync_api.Page) -> None:
        self.page = page

    def go(self, name: str) -> None:
        """Press Tab until the control with this name has the focus.

        A control may come with a response of the server.
        """
        self.page.wait_for_function(_IS_THERE, arg=name, timeout=LONGEST)
        for _ in range(100):
            if self.page.evaluate(_HAS_FOCUS, name):
                return
            self.page.keyboard.press('Tab')
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
        secret = self.page.locator('#shown input').input_value()
        self.press('I have copied it')
        return secret

    def delete(self, name: str) -> None:
        """Delete a key."""
        self.press(f'Delete {name}')
        self.wait_for('[role=group]', name)
        self.press(f'Delete {name}')
        self.wait_for('#status', 'is deleted.')


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


Open = Callable[..., sync_api.Page]


@pytest.fixture
def opened(demo: Demo, browser: sync_api.Browser) -> Iterator[Open]:
    """Open the page, whose scripts, policy and dialogs must not complain."""
    contexts, wrong = [], []

    def open_page(**options: Any) -> sync_api.Page:
        width, height = WIDE
        context = browser.new_context(
            viewport={'width': width, 'height': height}, **options
        )
        contexts.append(context)
        page = context.new_page()
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
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def keyboard(opened: Open) -> Keyboard:
    return Keyboard(opened())


@pytest.fixture(scope='module')
def token(demo: Demo) -> str:
    """A token of alice, for tests that are not about signing in."""
    return demo.sign_in('alice', 'demo')


@pytest.fixture
def alice(keyboard: Keyboard, token: str) -> Keyboard:
    """The page, where alice is signed in and sees her keys."""
    enter(keyboard, token)
    keyboard.wait_for('#keys[aria-busy=false] > *')
    return keyboard


def enter(keyboard: Keyboard, token: str) -> None:
    """Sign alice in with a token."""
    keyboard.page.get_by_label('a token').check()
    keyboard.page.locator('#token').fill(token)
    keyboard.page.keyboard.press('Enter')
    keyboard.wait_for('#user', 'alice')


@pytest.fixture(scope='session')
def axe() -> str:
    """The text of axe-core."""
    place = install.node('axe', AXE) / 'node_modules' / 'axe-core'
    return (place / 'axe.min.js').read_text()


def picture(page: sync_api.Page, name: str) -> None:
    """Write a picture of the whole page, where pictures are wanted."""
    place, size = os.environ.get('KEYMW_SCREENSHOTS'), page.viewport_size
    if place and size:
        file = pathlib.Path(place) / f'page-{name}.png'
        page.set_viewport_size({'width': size['width'], 'height': 100})
        page.screenshot(path=file, full_page=True)
        page.set_viewport_size(size)


def check(page: sync_api.Page, axe: str) -> None:
    """No violation that axe finds, in light and dark, wide and narrow."""
    # The script is evaluated, as a debugger does: the policy stays.
    if not page.evaluate('"axe" in window'):
        page.evaluate(axe)
    assert page.evaluate(_AXE, [_TAGS, False]) == []
    for scheme, (width, height) in (('dark', NARROW), ('light', WIDE)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({'width': width, 'height': height})
        assert page.evaluate('document.body.scrollWidth') <= width
        assert page.evaluate(_AXE, [_TAGS, True]) == []


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
    keyboard.press('Use it with curl')
    check(page, axe)
    keyboard.press('I have copied it')
    assert secret not in page.content()
    keyboard.press('Rotate nightly backup')
    picture(page, 'rotate')
    check(page, axe)
    keyboard.press('Rotate')
    keyboard.wait_for('#shown', 'has a new secret')
    new = page.locator('#shown input').input_value()
    assert signs_in(demo, new)
    assert not signs_in(demo, secret)
    keyboard.press('I have copied it')
    picture(page, 'table')
    keyboard.press('Disable nightly backup')
    keyboard.wait_for('.state.disabled')
    assert not signs_in(demo, new)
    keyboard.press('Enable nightly backup')
    keyboard.wait_for('.state.active')
    assert signs_in(demo, new)
    keyboard.press('Delete nightly backup')
    keyboard.wait_for('[role=group]', 'Delete the key nightly backup?')
    picture(page, 'delete')
    check(page, axe)
    keyboard.press('Delete nightly backup')
    keyboard.wait_for('#status', 'The key nightly backup is deleted.')
    assert not signs_in(demo, new)
    check(page, axe)
    assert page.evaluate(
        '[...Object.keys(localStorage), document.cookie]'
    ) == ['']


def signs_in(demo: Demo, secret: str) -> bool:
    """Whether a key gets a token."""
    identity = {'methods': ['api_key'], 'api_key': {'secret': secret}}
    body = {'auth': {'identity': identity}}
    status = demo.ask('POST', '/v3/auth/tokens', body, token='none')[0]
    return bool(status == 201)


def test_name_with_markup_is_text(alice: Keyboard) -> None:
    alice.create(MARKUP)
    name = alice.page.locator('tbody th bdi').first
    assert name.inner_text() == MARKUP
    alice.delete(MARKUP)
    assert alice.page.locator('#status bdi').inner_text() == MARKUP
    assert alice.page.locator('img').count() == 0


def key(name: str, **more: Any) -> dict[str, Any]:
    """A key, as the API shows it."""
    made = {'id': name, 'name': name, 'enabled': True, 'user_id': 'alice'}
    none = ('description', 'expires_at', 'last_used_at', 'last_used_from')
    empty = dict.fromkeys((*none, 'project_id', 'previous'))
    return made | empty | {'roles': [{'name': 'member'}]} | more


def test_table_holds_the_longest_names_and_every_state(
    alice: Keyboard, axe: str
) -> None:
    keys = [
        key('\u202e' + 'W' * 254, last_used_at='2026-01-01T00:00:00Z'),
        key('ended', expires_at='2026-01-01T00:00:00Z'),
        key('disabled', enabled=False),
        key('\u05e9' * 255, expires_at='2099-01-01T00:00:00Z'),
    ]
    body = json.dumps({'api_keys': keys, 'links': {}})
    alice.page.route(KEYS, lambda route: route.fulfill(body=body))
    alice.page.get_by_label('Project').dispatch_event('change')
    alice.wait_for('.state.ended')
    check(alice.page, axe)


def test_key_that_a_second_tab_deleted(alice: Keyboard, token: str) -> None:
    alice.create('shared')
    other = alice.page.context.new_page()
    other.goto(alice.page.url)
    second = Keyboard(other)
    enter(second, token)
    second.delete('shared')
    alice.press('Rotate shared')
    alice.press('Rotate')
    alice.wait_for('#problem', 'The key shared is gone: it was deleted')


def test_credential_is_shown_by_a_click_and_replaced(
    alice: Keyboard, axe: str
) -> None:
    alice.press('Show the key')
    alice.wait_for('#credential', 'You have no such key.')
    check(alice.page, axe)
    alice.press('Make one')
    alice.wait_for('#credential input')
    alice.press('Replace the key')
    check(alice.page, axe)
    alice.press('Yes, replace it')
    alice.wait_for('#status', 'This is your new key.')
    field = alice.page.locator('#credential input')
    key = field.input_value()
    assert re.fullmatch('[0-9a-f]{32}', key)
    picture(alice.page, 'credential')
    check(alice.page, axe)
    alice.press('Hide the key')
    assert key not in alice.page.content()
    alice.press('Show the key')
    alice.wait_for('#credential input')
    assert field.input_value() == key


def test_administrator_sees_all_keys(keyboard: Keyboard, axe: str) -> None:
    keyboard.sign_in('admin')
    keyboard.wait_for('#overview-count')
    for name in ('first', 'second'):
        keyboard.create(name)
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
    keyboard.page.get_by_label('a token').check()
    check(keyboard.page, axe)


def test_list_that_is_on_its_way(
    keyboard: Keyboard, token: str, axe: str
) -> None:
    keyboard.page.route(KEYS, lambda _route: None)
    enter(keyboard, token)
    keyboard.wait_for('#keys', 'Loading the keys…')
    check(keyboard.page, axe)
    sync_api.expect(keyboard.page.locator('#overview')).to_be_hidden()


def test_list_that_comes_late_leaves_what_the_user_does(
    keyboard: Keyboard, token: str
) -> None:
    page = keyboard.page
    enter(keyboard, token)
    keyboard.create('late')
    keyboard.wait_for('#keys[aria-busy=false] > *')
    held: list[sync_api.Route] = []
    page.route(KEYS, lambda route: held.append(route))
    keyboard.press('New key')
    member = page.locator('#roles').get_by_label('member')
    member.check()
    for asks, control in (
        (False, 'Rotate late'),
        (True, 'Delete late'),
        (False, 'Cancel'),
    ):
        page.get_by_label('Project').dispatch_event('change')
        while not held:
            page.wait_for_timeout(10)
        if asks:
            keyboard.press('Delete late')
        keyboard.go(control)
        held.pop().continue_()
        keyboard.wait_for('#keys[aria-busy=false] > *')
        assert page.evaluate(_HAS_FOCUS, control)
        assert member.is_checked()
    page.unroute_all()
    keyboard.press('Delete late')
    keyboard.wait_for('#status', 'is deleted.')


def test_answer_for_who_signed_out_is_not_shown_to_the_next(
    alice: Keyboard,
) -> None:
    page = alice.page
    held: list[sync_api.Route] = []

    def hold_two(route: sync_api.Route) -> None:
        if len(held) < 2:
            held.append(route)
        else:
            route.continue_()

    page.route(OLD_KEY, hold_two)
    page.route(KEYS, hold_two)
    alice.press('New key')
    alice.type('Name', 'of alice')
    alice.press('Create the key')
    alice.press('Show the key')
    while len(held) < 2:
        page.wait_for_timeout(10)
    alice.press('Sign out')
    page.get_by_label('a password').check()
    alice.sign_in('admin')
    for route in held:
        route.continue_()
    alice.create('of admin')
    assert 'of alice' not in page.locator('#signed-in').inner_text()
    assert page.locator('#credential input').count() == 0
    alice.press('Sign out')
    assert 'of admin' not in page.content()


def test_form_is_kept_when_the_service_refuses(
    alice: Keyboard, axe: str
) -> None:
    alice.press('New key')
    alice.type('Name', 'kept')
    for status, wait, words in (
        (413, None, 'too long'),
        (413, '30', 'Try again in 30 seconds.'),
        (429, '7', 'too many requests. Try again in 7 seconds.'),
        (503, '240', 'cannot answer now; nothing was changed. Try again in 4'),
        (503, '7200', 'Try again in 2 hours.'),
        (504, None, 'Look first: what you asked for may have been done.'),
    ):
        headers = {'Retry-After': wait} if wait else {}
        refuse(alice.page, status, headers)
        alice.press('Create the key')
        alice.wait_for('#create-problem', words)
        assert alice.page.locator('#key-name').input_value() == 'kept'
    alice.wait_for('#keys', 'The keys cannot be shown.')
    alice.page.locator('#ends').select_option('on a date')
    check(alice.page, axe)


def refuse(
    page: sync_api.Page,
    status: int,
    headers: dict[str, str] | None = None,
) -> None:
    """Let every request about API keys get this response of a proxy."""
    page.unroute_all()
    page.route(
        KEYS,
        lambda route: route.fulfill(status=status, headers=headers, body=''),
    )


def test_form_leads_to_the_field_that_the_service_refuses(
    alice: Keyboard,
) -> None:
    alice.create('taken')
    alice.press('New key')
    fields = (
        ('Name', 'taken', 'You have another key with this name.'),
        ('Name', 'a\tb', 'Name: it has a control character'),
        ('Networks (optional)', '::1/8', 'Networks: ::1/8 is no network'),
    )
    for label, text, words in fields:
        alice.type('Name', 'other')
        alice.type(label, text)
        alice.press('Create the key')
        alice.wait_for('#create-problem', words)
        assert alice.page.evaluate(_HAS_FOCUS, label)
        assert alice.page.locator(':focus[aria-invalid=true]').count() == 1


@pytest.mark.parametrize('body', ['<h1>Join this network</h1>', '{}'])
def test_response_of_another_server_is_said_in_words(
    keyboard: Keyboard, token: str, body: str
) -> None:
    keyboard.page.route('**/v3/**', lambda route: route.fulfill(body=body))
    keyboard.page.get_by_label('a token').check()
    keyboard.page.locator('#token').fill(token)
    keyboard.page.keyboard.press('Enter')
    keyboard.wait_for('#problem', 'The answer cannot be read')


def test_session_that_is_over_keeps_the_form(
    alice: Keyboard, token: str
) -> None:
    alice.press('New key')
    alice.type('Name', 'kept')
    member = alice.page.locator('#roles').get_by_label('member')
    member.check()
    refuse(alice.page, 401)
    alice.press('Create the key')
    alice.wait_for('#problem', 'Your session is over. Sign in again.')
    alice.page.unroute_all()
    enter(alice, token)
    assert alice.page.locator('#key-name').input_value() == 'kept'
    assert member.is_checked()


def test_server_that_is_away_is_said_in_words(keyboard: Keyboard) -> None:
    keyboard.page.route('**/v3/**', lambda route: route.abort())
    keyboard.type('User name', 'alice')
    keyboard.type('Password', 'demo')
    keyboard.page.keyboard.press('Enter')
    keyboard.wait_for('#problem', 'The server cannot be reached.')


def test_token_can_be_pasted(keyboard: Keyboard, token: str) -> None:
    keyboard.go('a password')
    keyboard.page.keyboard.press('ArrowDown')
    keyboard.type('Token', token)
    keyboard.page.keyboard.press('Enter')
    keyboard.wait_for('#user', 'alice')
    assert token not in keyboard.page.content()
    assert token not in keyboard.page.url


def test_clock_of_the_browser_does_not_decide(
    keyboard: Keyboard, token: str
) -> None:
    keyboard.page.clock.install(time='2020-01-01T00:00:00Z')
    keyboard.page.reload()
    enter(keyboard, token)
    keyboard.create('ninety days')
    keyboard.wait_for('tbody', '20')
    assert '2020' not in keyboard.page.locator('tbody').inner_text()
    keyboard.delete('ninety days')


@pytest.mark.parametrize(
    ('zone', 'end'),
    [
        ('Pacific/Kiritimati', '2099-03-10T09:59:59'),
        ('America/Los_Angeles', '2099-03-11T06:59:59'),
    ],
)
def test_key_ends_with_the_day_where_the_user_is(
    opened: Open, demo: Demo, token: str, zone: str, end: str
) -> None:
    here = Keyboard(opened(timezone_id=zone))
    enter(here, token)
    here.press('New key')
    here.type('Name', zone)
    here.page.get_by_label('Ends').first.select_option('on a date')
    here.page.get_by_label('Date of the end').fill('2099-03-10')
    here.wait_for('#end-date-hint', f'your time zone, {zone}')
    here.press('Create the key')
    here.wait_for(f'tr:has-text("{zone}")', '2099-03-10')
    alice = demo.user_id('alice')
    keys = demo.ask('GET', f'/v3/users/{alice}/api_keys')[2]
    ends = {k['name']: k['expires_at'] for k in json.loads(keys)['api_keys']}
    assert ends[zone].startswith(end)


def test_page_without_scripts_says_so(
    demo: Demo, browser: sync_api.Browser
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f'{demo.url}/keys/')
    assert 'needs JavaScript' in page.inner_text('main')
    context.close()
