// Requests to the API, one level above the page.

const root = new URL('..', new URL('.', location.href));

// The token is in this object alone: never in a cookie, a storage or a URL.
export const session = {
  token: null, user: null, project: null, roles: [],
};

// Milliseconds that the clock of the server is ahead of the browser's.
let ahead = 0;
let onEnd = () => {};

export const now = () => Date.now() + ahead;
export const whenOver = (action) => { onEnd = action; };
export const urlOf = (path) => new URL(path, root).href;

// A failed request: words for people, and the status for programs. Where it
// is unsure, no answer of the service came: a change may have been made.
export class Failure extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
    this.unsure = [0, 502, 504].includes(status);
  }
}

const LEFT = -1;
const UNREADABLE = 'The answer cannot be read: it was cut short, or something '
  + 'else than the server sent it.';

// What to tell people of anything that was thrown.
export function wordsOf(failure) {
  if (failure instanceof Failure) return failure.message;
  console.error(failure);
  return UNREADABLE;
}

export async function send(method, path, body = null, more = {}) {
  const { headers = {}, token = session.token } = more;
  const asker = session.user;
  let response;
  try {
    response = await fetch(urlOf(path), {
      method,
      headers: {
        Accept: 'application/json',
        ...(body && { 'Content-Type': 'application/json' }),
        ...(token && { 'X-Auth-Token': token }),
        ...headers,
      },
      body: body && JSON.stringify(body),
      cache: 'no-store',
      credentials: 'omit',
    });
  } catch {
    stay(asker);
    throw new Failure(0, 'The server cannot be reached. Check the network and '
      + `try again.${doubt(method)}`);
  }
  const date = Date.parse(response.headers.get('Date'));
  if (date) ahead = date - Date.now();
  // No text: the answer was cut short.
  const text = await response.text().catch(() => undefined);
  stay(asker);
  if (!response.ok) throw failure(response, text, method, token);
  return { body: content(text), headers: response.headers };
}

// The answer to a user who has left is not for the one who is here now: it
// ends in a failure without words.
function stay(asker) {
  const here = session.user || {};
  if (asker && asker.id !== here.id) throw new Failure(LEFT, '');
}

function content(text) {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    throw new Failure(0, UNREADABLE);
  }
}

// Said of a change to which no answer came.
const doubt = (method) => (session.token && method !== 'GET'
  ? ' Look first: what you asked for may have been done.' : '');

function failure(response, text, method, token) {
  const { status } = response;
  if (status === 401 && token && token === session.token) {
    onEnd();
    return new Failure(401, 'Your session is over. Sign in again.');
  }
  return new Failure(status, words(response, text, method));
}

function words(response, text, method) {
  const wait = response.headers.get('Retry-After');
  const later = `Try again ${delay(wait)}.`;
  switch (response.status) {
    case 413:
      return wait
        ? `There were too many requests. ${later}`
        : 'The server refused this as too long. Shorten it and try again.';
    case 429:
      return `There were too many requests. ${later}`;
    case 502:
    case 504:
      return `The service did not answer. ${later}${doubt(method)}`;
    case 503:
      return `The service cannot answer now; nothing was changed. ${later}`;
    default:
      return told(response, text);
  }
}

function delay(wait) {
  const date = Date.parse(wait);
  const seconds = Number(wait) || (date ? (date - now()) / 1000 : 0);
  if (!(seconds > 0)) return 'in a moment';
  if (seconds < 100) return `in ${Math.ceil(seconds)} seconds`;
  if (seconds < 6000) return `in ${Math.ceil(seconds / 60)} minutes`;
  return `in ${Math.ceil(seconds / 3600)} hours`;
}

// The message of the server: {"error": {"message"}} or {"name": {"message"}}.
function told(response, text) {
  try {
    const found = Object.values(JSON.parse(text))[0];
    if (found && found.message) return String(found.message);
  } catch {
    // Not JSON: the status has to do.
  }
  return `The server answered with the status ${response.status}.`;
}
