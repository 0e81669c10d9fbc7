// urllib from npm, with its digestAuth.

const { askAll, given, headers, load } = require('./asked');

load('urllib').then(({ request }) =>
  askAll(async (method, url, content) => {
    const digestAuth = `${given.public_key}:${given.private_key}`;
    const options = { content, dataType: 'text', digestAuth, headers, method };
    const answer = await request(url, options);
    return [answer.status, answer.data];
  }),
);
