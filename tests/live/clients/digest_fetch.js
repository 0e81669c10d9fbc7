// digest-fetch, with one client for all it asks.

const { askAll, headers, load } = require('./asked');

load('digest-fetch').then(({ default: DigestFetch }) =>
  askAll((publicKey, privateKey) => {
    const client = new DigestFetch(publicKey, privateKey);
    return async (method, url, body) => {
      const answer = await client.fetch(url, { body, headers, method });
      return [answer.status, await answer.text()];
    };
  }),
);
