// The page: who is signed in, and which parts are there.

import { session, whenOver, wordsOf } from './api.js';
import { byId, complain, make, named, once, quiet, say } from './dom.js';
import * as credential from './credential.js';
import * as keys from './keys.js';
import * as overview from './overview.js';
import * as signIn from './sign-in.js';

const form = byId('sign-in-form');
let lastUser = null;

function showSignIn() {
  byId('who').hidden = true;
  byId('signed-in').hidden = true;
  byId('sign-in').hidden = false;
  byId('password').value = '';
  byId('token').value = '';
  credential.reset();
  // Who signs in now does not wait for the requests of who left.
  for (const control of document.querySelectorAll('[aria-disabled]')) {
    control.removeAttribute('aria-disabled');
  }
}

async function showKeys() {
  if (lastUser !== session.user.id) {
    keys.clear();
    overview.clear();
  }
  lastUser = session.user.id;
  byId('user').textContent = session.user.name;
  byId('sign-in').hidden = true;
  byId('who').hidden = false;
  byId('signed-in').hidden = false;
  byId('keys-title').focus();
  // Before the first wait: the form can be opened at once.
  keys.roles();
  await fillProjects();
  await load();
}

async function fillProjects() {
  const found = await signIn.projects();
  byId('project').replaceChildren(...found.map((project) =>
    make('option', { value: project.id }, project.name)));
  if (session.project) byId('project').value = session.project.id;
}

async function load() {
  const isAdmin = session.roles.some((role) => role.name === 'admin');
  byId('overview-section').hidden = !isAdmin;
  await keys.load();
  if (isAdmin) await overview.load();
}

form.addEventListener('change', (event) => {
  if (event.target.name !== 'way') return;
  byId('by-password').hidden = event.target.value !== 'password';
  byId('by-token').hidden = event.target.value !== 'token';
});

form.addEventListener('submit', (event) => {
  event.preventDefault();
  once(event.submitter || form, async () => {
    quiet();
    const way = new FormData(form).get('way');
    const needed = way === 'token' ? ['token'] : ['name', 'domain', 'password'];
    if (!filled(needed)) return;
    say('Signing in…');
    try {
      if (way === 'token') await signIn.byToken(byId('token').value.trim());
      else {
        await signIn.byPassword(byId('name').value, byId('domain').value,
          byId('password').value);
      }
      byId('password').value = '';
      byId('token').value = '';
      say('');
      // A slow list must not hold up another sign-in.
      showKeys().catch((failure) => complain(wordsOf(failure)));
    } catch (failure) {
      say('');
      complain(failure.status === 401
        ? 'These are not right, or have ended. Check them and try again.'
        : wordsOf(failure));
    }
  });
});

function filled(ids) {
  const empty = ids.map(byId).filter((field) => !field.value.trim());
  for (const id of ids) byId(id).removeAttribute('aria-invalid');
  for (const field of empty) field.setAttribute('aria-invalid', 'true');
  if (!empty.length) return true;
  complain('Fill in every field.');
  empty[0].focus();
  return false;
}

byId('project').addEventListener('change', async (event) => {
  quiet();
  try {
    await signIn.chooseProject(event.target.value);
    say(['The project is now ', named(session.project.name), '.']);
  } catch (failure) {
    complain(wordsOf(failure));
    if (session.project) event.target.value = session.project.id;
    return;
  }
  keys.roles();
  await load();
});

byId('sign-out').addEventListener('click', () => {
  quiet();
  keys.clear();
  overview.clear();
  lastUser = null;
  signIn.forget();
  showSignIn();
  say('You are signed out.');
  byId('name').focus();
});

whenOver(() => {
  // Forms stay as they are, for the same user.
  signIn.forget();
  showSignIn();
  complain('Your session is over. Sign in again.');
});

keys.begin();
overview.begin();
showSignIn();
