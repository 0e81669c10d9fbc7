// A secret that was just made: shown once, with ready commands.

import { session, urlOf } from './api.js';
import { button, byId, copier, make, named } from './dom.js';

const place = byId('shown');

export function show(key, verb) {
  place.replaceChildren(
    make('h2', { id: 'shown-title' }, 'The key ', named(key.name), ` ${verb}`),
    make('p', { class: 'warning' }, 'Copy it now: it is not shown again.'),
    make('div', { class: 'copy' },
      make('input', {
        class: 'secret', readonly: true, value: key.secret,
        'aria-label': 'Secret of the key',
      }),
      copier(key.secret, 'Key')),
    ready('Use it with curl', curl(key), 'Command'),
    ready('Use it with openstack and SDKs: clouds.yaml', clouds(key), 'File'),
    button('I have copied it', () => {
      clear();
      byId('keys-title').focus();
    }),
  );
  place.hidden = false;
  place.focus();
}

export function clear() {
  place.replaceChildren();
  place.hidden = true;
}

function ready(title, text, what) {
  return make('details', {}, make('summary', {}, title),
    make('div', {}, make('pre', { tabindex: 0, 'aria-label': title }, text),
      copier(text, what)));
}

function curl(key) {
  const identity = { methods: ['api_key'], api_key: { secret: key.secret } };
  return `curl -i ${urlOf('v3/auth/tokens')} \\\n`
    + "  -H 'Content-Type: application/json' \\\n"
    + `  -d '${JSON.stringify({ auth: { identity } })}'`;
}

// A string of JSON is a string of YAML.
function clouds(key) {
  const { name, domain } = session.user;
  const scope = key.project_id
    ? `\n      project_id: ${JSON.stringify(key.project_id)}` : '';
  return `clouds:
  keymw:
    auth_type: v3apikey
    auth:
      auth_url: ${JSON.stringify(urlOf('v3'))}
      username: ${JSON.stringify(name)}
      user_domain_id: ${JSON.stringify(domain.id)}${scope}
      api_key: ${JSON.stringify(key.secret)}`;
}
