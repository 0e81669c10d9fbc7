// The RAX-KSKEY key of the user: shown by a click, replaced by another.

import { send, session, wordsOf } from './api.js';
import { button, byId, complain, copier, make, once, quiet, say } from './dom.js';

const ROOT = 'RAX-KSKEY:apiKeyCredentials';

const path = () => `v2.0/users/${encodeURIComponent(session.user.id)}`
  + `/OS-KSADM/credentials/${ROOT}`;

export function reset() {
  fill(make('p', {}, 'The key is hidden.'),
    button('Show the key', (event) => once(event.target, show)),
    button('Replace the key', askReplace));
}

function fill(text, ...controls) {
  byId('credential').replaceChildren(text,
    make('div', { class: 'buttons' }, ...controls));
}

async function show() {
  quiet();
  try {
    shown((await send('GET', path())).body[ROOT].apiKey, 'Your key is shown.');
  } catch (failure) {
    if (failure.status === 404) none();
    else complain(wordsOf(failure));
  }
}

function none() {
  fill(make('p', {}, 'You have no such key.'),
    button('Make one', (event) => once(event.target, replace)));
  say('You have no such key.');
  byId('credential').querySelector('button').focus();
}

function shown(key, text) {
  const field = make('input', {
    class: 'secret', readonly: true, value: key,
    'aria-label': 'Key for old clients',
  });
  fill(make('div', { class: 'copy' }, field, copier(key, 'Key')),
    button('Hide the key', () => { reset(); focusFirst(); }),
    button('Replace the key', askReplace));
  say(text);
  field.focus();
}

const focusFirst = () => byId('credential').querySelector('button').focus();

function askReplace() {
  quiet();
  fill(make('p', { class: 'warning' },
    'Replace your key for old clients? Clients that have the present key '
    + 'cannot sign in any more.'),
  button('Yes, replace it', (event) => once(event.target, replace),
    { class: 'danger' }),
  button('Keep it', () => { reset(); focusFirst(); }));
  focusFirst();
}

async function replace() {
  quiet();
  try {
    const answer = await send('POST', `${path()}/RAX-AUTH/reset`);
    shown(answer.body[ROOT].apiKey, 'This is your new key.');
  } catch (failure) {
    complain(wordsOf(failure));
  }
}
