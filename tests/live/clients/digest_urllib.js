// urllib from npm, with its digestAuth.

const { askAll, headers, load } = require('./asked');

load('urllib').then(({ request }) =>
  askAll((...key) => async (method, url, content) => {
    const digestAuth = key.join(':');
    const options = { content, dataType: 'text', digestAuth, headers, method };
    const answer = await request(url, options);
    return [answer.status, answer.data];
  }),
);
