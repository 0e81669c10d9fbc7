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

// A failed request: words for people, and the status for programs.
export class Failure extends Error {
  constructor(status, words, retryAfter = null) {
    super(words);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

export async function send(method, path, body = null, more = {}) {
  const { headers = {}, token = session.token } = more;
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
    throw new Failure(0,
      'The server cannot be reached. Check the network and try again.');
  }
  const date = Date.parse(response.headers.get('Date'));
  if (date) ahead = date - Date.now();
  if (!response.ok) throw await failure(response, token);
  const text = await response.text();
  return { body: text ? JSON.parse(text) : null, headers: response.headers };
}

async function failure(response, token) {
  const { status } = response;
  const wait = response.headers.get('Retry-After');
  if (status === 401 && token && token === session.token) {
    onEnd();
    return new Failure(401, 'Your session is over. Sign in again.');
  }
  return new Failure(status, await words(response, wait), wait);
}

async function words(response, wait) {
  const later = `Try again ${delay(wait)}.`;
  switch (response.status) {
    case 413:
      return wait
        ? `There were too many requests. ${later}`
        : 'The server refused this as too long. Shorten it and try again.';
    case 429:
      return `There were too many requests. ${later}`;
    case 502:
    case 503:
    case 504:
      return `The service cannot answer now; nothing was changed. ${later}`;
    default:
      return await told(response);
  }
}

function delay(wait) {
  const date = Date.parse(wait);
  const seconds = Number(wait) || (date ? (date - now()) / 1000 : 0);
  if (!(seconds > 0)) return 'in a moment';
  if (seconds < 100) return `in ${Math.ceil(seconds)} seconds`;
  return `in ${Math.ceil(seconds / 60)} minutes`;
}

// The message of the server: {"error": {"message"}} or {"name": {"message"}}.
async function told(response) {
  try {
    const found = Object.values(await response.json())[0];
    if (found && found.message) return String(found.message);
  } catch {
    // Not JSON: the status has to do.
  }
  return `The server answered with the status ${response.status}.`;
}
