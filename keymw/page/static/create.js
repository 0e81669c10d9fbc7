// The form for a new key. What was typed stays until the key is made.

import { session, wordsOf } from './api.js';
import { byId, complain, make, once, quiet } from './dom.js';
import { endOf, inDays, zone } from './state.js';

const form = byId('create');
const opener = byId('new-key');
const MEMBERS = {
  name: ['key-name', 'Name'],
  description: ['key-description', 'Description'],
  expires_at: ['ends', 'Ends'],
  allowed_cidrs: ['networks', 'Networks'],
};

export function begin(create) {
  byId('zone').textContent = zone();
  opener.addEventListener('click', () => open(form.hidden));
  byId('create-cancel').addEventListener('click', () => open(false));
  byId('ends').addEventListener('change', (event) => {
    byId('end-date-field').hidden = event.target.value !== 'date';
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    once(event.submitter || form, () => submit(create));
  });
}

function open(wanted) {
  quiet();
  form.hidden = !wanted;
  opener.setAttribute('aria-expanded', String(wanted));
  (wanted ? byId('key-name') : opener).focus();
}

export function clear() {
  empty();
  rolesOf = undefined;
}

function empty() {
  form.reset();
  byId('end-date-field').hidden = true;
  complain('', byId('create-problem'));
  form.hidden = true;
  opener.setAttribute('aria-expanded', 'false');
}

// The project whose roles the form shows.
let rolesOf;

// One check box for each role that the user has on the project. What was
// chosen for this project stays.
export function roles() {
  const project = session.project && session.project.id;
  const chosen = project === rolesOf
    ? new Set(checked().map((box) => box.value)) : null;
  rolesOf = project;
  const place = session.project ? session.project.name : 'no project';
  byId('role-project').textContent = place;
  const reader = session.roles.some((role) => role.name === 'reader');
  byId('roles').replaceChildren(...session.roles.map((role) =>
    make('label', {}, make('input', {
      type: 'checkbox', name: 'role', value: role.id,
      checked: chosen ? chosen.has(role.id)
        : !reader || role.name === 'reader',
    }), role.name)));
}

const checked = () => [...form.querySelectorAll('[name="role"]:checked')];

async function submit(create) {
  quiet();
  complain('', byId('create-problem'));
  for (const field of form.querySelectorAll('[aria-invalid]')) {
    field.removeAttribute('aria-invalid');
  }
  const wrong = mistake();
  if (wrong) {
    point(wrong);
    return;
  }
  try {
    await create(body());
    empty();
  } catch (failure) {
    // Everything stays in the form, also while the user signs in again.
    if (failure.status !== 401) point(refusal(failure));
  }
}

// Says what is wrong, and leads to the field where it can be mended.
function point({ field, text }) {
  byId('create-problem').textContent = text;
  if (!field) return;
  field.setAttribute('aria-invalid', 'true');
  field.focus();
}

// The server names a member of its API: "api_key.name: it is …".
function refusal(failure) {
  const words = wordsOf(failure);
  if (words.includes('Duplicate entry')) {
    return {
      field: byId('key-name'),
      text: 'You have another key with this name. Choose a different one.',
    };
  }
  const [, member, rest] = words.match(/^api_key\.(\w+)[^:]*: (.*)$/) || [];
  const [id, label] = MEMBERS[member] || [];
  return id ? { field: byId(id), text: `${label}: ${rest}` } : { text: words };
}

function mistake() {
  if (!session.project) {
    return {
      field: byId('project'),
      text: byId('project').options.length ? 'Choose a project first.'
        : 'A key is for a project, and you have a role on none: ask an '
          + 'administrator for one.',
    };
  }
  if (!byId('key-name').value.trim()) {
    return { field: byId('key-name'), text: 'Give the key a name.' };
  }
  if (!checked().length && session.roles.length) {
    return {
      field: form.querySelector('[name="role"]'),
      text: 'Choose at least one role.',
    };
  }
  if (byId('ends').value === 'date' && !byId('end-date').value) {
    return { field: byId('end-date'), text: 'Choose the date of the end.' };
  }
  return null;
}

function body() {
  const networks = byId('networks').value.split(/[\s,]+/).filter(Boolean);
  return {
    name: byId('key-name').value.trim(),
    description: byId('key-description').value.trim(),
    project_id: session.project.id,
    roles: checked().map((box) => ({ id: box.value })),
    ...(networks.length && { allowed_cidrs: networks }),
    ...end(),
  };
}

function end() {
  const choice = byId('ends').value;
  if (choice === 'never') return {};
  return {
    expires_at: choice === 'date'
      ? endOf(byId('end-date').value) : inDays(Number(choice)),
  };
}
