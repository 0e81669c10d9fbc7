// digest-fetch, with one client for all it asks.

const { askAll, given, headers, load } = require('./asked');

load('digest-fetch').then(({ default: DigestFetch }) => {
  const client = new DigestFetch(given.public_key, given.private_key);
  return askAll(async (method, url, body) => {
    const answer = await client.fetch(url, { body, headers, method });
    return [answer.status, await answer.text()];
  });
});
