// The keys of all users, for administrators.

import { send, session, wordsOf } from './api.js';
import { byId, make, named, once, quiet } from './dom.js';
import { ends, inDays, lastUse, roleNames, stateOf } from './state.js';
import { row, small, state, table } from './table.js';

const HEADINGS = ['Name', 'User', 'Roles', 'Project', 'Ends', 'Last used',
  'State'];

export function begin() {
  byId('filters').addEventListener('submit', (event) => {
    event.preventDefault();
    once(event.submitter || byId('filters'), async () => {
      quiet();
      await load();
    });
  });
}

export function clear() {
  byId('overview-count').textContent = '';
  byId('overview').replaceChildren();
}

// As in keys.js: only the list that was asked for last is drawn.
let last = 0;

export async function load() {
  last += 1;
  const mine = last;
  const place = byId('overview');
  place.setAttribute('aria-busy', 'true');
  try {
    const { token } = session;
    const answer = await send('GET', `v3/api_keys?${query()}`);
    if (token === session.token && mine === last) draw(answer.body);
  } catch (failure) {
    if (mine !== last) return;
    place.replaceChildren(make('p', {},
      `The keys of all users cannot be shown. ${wordsOf(failure)}`));
  } finally {
    if (mine === last) place.setAttribute('aria-busy', 'false');
  }
}

function query() {
  const wanted = new URLSearchParams({ limit: '200' });
  const unused = Number(byId('unused').value);
  const ending = Number(byId('ending').value);
  if (unused) wanted.set('unused_since', inDays(-unused));
  if (ending) wanted.set('expires_before', inDays(ending));
  if (byId('enabled').value) wanted.set('enabled', byId('enabled').value);
  return wanted;
}

function draw({ api_keys: keys, links }) {
  const more = links && links.next ? ' There are more than these.' : '';
  const count = `${keys.length} ${keys.length === 1 ? 'key' : 'keys'}`;
  const text = keys.length ? `${count}.${more}` : 'No key fits.';
  byId('overview-count').textContent = text;
  byId('overview').replaceChildren(...(keys.length
    ? [table('All keys', HEADINGS, keys.map(line))] : []));
}

const line = (key) => row(HEADINGS, [
  [named(key.name), small(key.id)], small(key.user_id), roleNames(key),
  key.project_id ? small(key.project_id) : 'any', ends(key), lastUse(key), state(stateOf(key)),
]);
