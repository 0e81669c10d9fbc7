// Signing in: a token by password or pasted, for the chosen project.

import { Failure, send, session } from './api.js';

const AUTH = 'v3/auth/tokens';

// Who signs in again has the same project as before.
let former = {};

export async function byPassword(name, domain, password) {
  const user = { name, domain: { name: domain }, password };
  const identity = { methods: ['password'], password: { user } };
  await use(await login(identity, 'unscoped'));
}

export async function byToken(token) {
  // No header can hold it.
  if (/[^\x21-\x7e]/.test(token)) throw new Failure(401, 'No such token.');
  const answer = await send('GET', AUTH, null, {
    token, headers: { 'X-Subject-Token': token },
  });
  await use({ token, told: answer.body.token });
}

export async function chooseProject(id) {
  const identity = { methods: ['token'], token: { id: session.token } };
  const made = await login(identity, { project: { id } });
  adopt(made);
}

export async function projects() {
  return (await send('GET', 'v3/auth/projects')).body.projects
    .sort((a, b) => a.name.localeCompare(b.name));
}

export function forget() {
  Object.assign(session, { token: null, user: null, project: null, roles: [] });
}

async function login(identity, scope) {
  const answer = await send('POST', AUTH, { auth: { identity, scope } },
    { token: null });
  return {
    token: answer.headers.get('X-Subject-Token'), told: answer.body.token,
  };
}

async function use(made) {
  adopt(made);
  if (session.project) return;
  const found = await projects();
  const before = found.find((one) => one.id === former.project);
  const wanted = former.user === made.told.user.id && before || found[0];
  if (wanted) await chooseProject(wanted.id);
}

function adopt({ token, told }) {
  if (told.project) former = { user: told.user.id, project: told.project.id };
  Object.assign(session, {
    token,
    user: told.user,
    project: told.project || null,
    roles: told.roles || [],
  });
}
