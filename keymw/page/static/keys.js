// The keys of the user: the table, and what its buttons do.

import { send, session, wordsOf } from './api.js';
import { begin as beginCreate, clear as clearForm, roles } from './create.js';
import { button, byId, complain, make, named, once, quiet, say } from './dom.js';
import { show as showSecret, clear as clearSecret } from './secret.js';
import { ends, lastUse, minute, roleNames, stateOf } from './state.js';
import { row, small, state, table } from './table.js';

const HEADINGS = ['Name', 'Roles', 'Project', 'Ends', 'Last used', 'State',
  'Actions'];
const GRACES = [[0, 'at once'], [3600, 'in an hour'], [86400, 'in a day'],
  [604800, 'in 7 days']];

let found = [];
// What a row asks, in the place of its buttons: { id, group }.
let question = null;

export { roles };

const path = (key) => {
  const root = `v3/users/${encodeURIComponent(session.user.id)}/api_keys`;
  return key ? `${root}/${encodeURIComponent(key.id)}` : root;
};

export function begin() {
  beginCreate(async (body) => {
    try {
      const made = (await send('POST', path(), { api_key: body })).body.api_key;
      showSecret(made, 'was made');
      // The list takes its time; the key is in it already.
      found = [...found, made];
      draw();
    } catch (failure) {
      if (failure.unsure) load();
      throw failure;
    }
    // Not awaited: the form closes now, not when the list has come.
    load();
  });
}

// A list that was asked for earlier may come later: only the last is drawn.
let last = 0;

export function clear() {
  clearForm();
  clearSecret();
  found = [];
  question = null;
  last += 1;
  byId('keys').replaceChildren();
}

export async function load() {
  last += 1;
  const mine = last;
  const place = byId('keys');
  place.setAttribute('aria-busy', 'true');
  if (!place.childElementCount) place.append(make('p', {}, 'Loading the keys…'));
  try {
    const { token } = session;
    const keys = await all();
    // Who signed in meanwhile has other keys.
    if (token !== session.token || mine !== last) return;
    found = keys;
    draw();
  } catch (failure) {
    if (mine !== last) return;
    place.replaceChildren(make('p', {}, unavailable(failure)),
      button('Try again', (event) => once(event.target, load)));
  } finally {
    if (mine === last) place.setAttribute('aria-busy', 'false');
  }
}

async function all() {
  let answer = (await send('GET', path())).body;
  const keys = [...answer.api_keys];
  while (answer.links && answer.links.next) {
    const { search } = new URL(answer.links.next);
    answer = (await send('GET', path() + search)).body;
    keys.push(...answer.api_keys);
  }
  return keys;
}

function unavailable(failure) {
  if (failure.status === 404 || failure.status === 501) {
    return 'This server has no API keys of this kind.';
  }
  return `The keys cannot be shown. ${wordsOf(failure)}`;
}

function draw() {
  const place = byId('keys');
  const held = place.contains(document.activeElement)
    ? document.activeElement : null;
  place.replaceChildren(found.length
    ? table('Your keys', HEADINGS, found.map(line))
    : make('p', { class: 'note' },
      'You have no keys yet. Make one with “New key”.'));
  if (held) keepFocus(held);
}

// A list may come while a row is in use: its control, or the one in its place
// with the same name, has the focus again; where there is none, the title.
function keepFocus(held) {
  const name = held.getAttribute('aria-label');
  const same = held.isConnected ? held
    : [...byId('keys').querySelectorAll('button')].find((one) =>
      name && one.getAttribute('aria-label') === name);
  (same || byId('keys-title')).focus();
}

function line(key) {
  const previous = key.previous && key.previous.expires_at
    ? small(`The former secret works until ${minute(key.previous.expires_at)}.`)
    : null;
  return row(HEADINGS, [
    [named(key.name), key.description ? small(key.description) : null],
    roleNames(key),
    project(key),
    ends(key),
    lastUse(key),
    [state(stateOf(key)), previous],
    question && question.id === key.id ? question.group : actions(key),
  ], { 'data-id': key.id });
}

function project(key) {
  if (!key.project_id) return 'any';
  const option = [...byId('project').options]
    .find((one) => one.value === key.project_id);
  return option ? named(option.text) : key.project_id;
}

function actions(key) {
  const label = (verb) => ({ 'aria-label': `${verb} ${key.name}` });
  const live = stateOf(key) !== 'ended';
  return make('div', { class: 'buttons' },
    live && key.enabled
      ? button('Rotate', () => askRotate(key), label('Rotate')) : null,
    live ? toggle(key, label) : null,
    button('Delete', () => askDelete(key),
      { class: 'danger', ...label('Delete') }));
}

function toggle(key, label) {
  const verb = key.enabled ? 'Disable' : 'Enable';
  const change = () => act(key, async () => {
    await send('PATCH', path(key), { api_key: { enabled: !key.enabled } });
    return ['The key ', named(key.name),
      ` is ${key.enabled ? 'disabled' : 'enabled'}.`];
  });
  return button(verb, (event) => once(event.target, change), label(verb));
}

// Does one thing to a key, says so, and draws the table anew.
async function act(key, action) {
  quiet();
  try {
    const text = await action();
    answered(key);
    await load();
    if (!question) focusOn(key);
    say(text);
  } catch (failure) {
    await explain(key, failure);
  }
}

// Closes the question of this row; that of another one stays open.
function answered(key) {
  if (question && question.id === key.id) question = null;
}

async function explain(key, failure) {
  if (failure.unsure) answered(key);
  if (failure.status === 404) {
    await load();
    complain(['The key ', named(key.name),
      ' is gone: it was deleted elsewhere.']);
    return;
  }
  if (failure.unsure) await load();
  complain(wordsOf(failure));
}

const rowOf = (key) =>
  [...byId('keys').querySelectorAll('tr')].find((one) =>
    one.dataset.id === key.id);

function focusOn(key) {
  const line = rowOf(key);
  (line ? line.querySelector('button') : byId('keys-title')).focus();
}

// A question in the place of the buttons of a row.
function ask(key, text, ...controls) {
  quiet();
  const id = `ask-${key.id}`;
  const cancel = button('Cancel', () => {
    question = null;
    draw();
    focusOn(key);
  });
  const group = make('div', { role: 'group', 'aria-labelledby': id },
    make('p', { id }, ...text),
    make('div', { class: 'buttons' }, ...controls, cancel));
  question = { id: key.id, group };
  draw();
  controls[0].focus();
}

function askDelete(key) {
  const remove = () => act(key, async () => {
    await send('DELETE', path(key));
    return ['The key ', named(key.name), ' is deleted.'];
  });
  ask(key, ['Delete the key ', named(key.name), '? What uses it stops '
    + 'working, and its tokens end.'],
  button(['Delete ', named(key.name)], (event) => once(event.target, remove),
    { class: 'danger' }));
}

function askRotate(key) {
  const grace = make('select', { 'aria-label': 'The former secret ends' },
    ...GRACES.map(([seconds, text]) =>
      make('option', { value: seconds }, text)));
  const rotate = async () => {
    quiet();
    try {
      const body = { grace: Number(grace.value) };
      const made = (await send('POST', `${path(key)}/rotate`, body)).body;
      answered(key);
      await load();
      showSecret(made.api_key, 'has a new secret');
    } catch (failure) {
      await explain(key, failure);
    }
  };
  ask(key, ['Give the key ', named(key.name), ' a new secret? The former '
    + 'one ends:'],
  grace, button('Rotate', (event) => once(event.target, rotate),
    { class: 'first' }));
}
