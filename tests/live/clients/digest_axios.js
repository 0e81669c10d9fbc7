// @mhoc/axios-digest-auth: its Digest uri is the path without the query.

const { askAll, given, headers, load } = require('./asked');

load('@mhoc/axios-digest-auth').then(({ default: module }) => {
  const Client = module.default ?? module;
  const client = new Client({
    username: given.public_key,
    password: given.private_key,
  });
  return askAll(async (method, url, data) => {
    const request = { data, headers, method, url };
    // As text; a status of 400 and above is thrown.
    request.transformResponse = (text) => text;
    const answer = await client.request(request).catch((e) => e.response);
    return [answer.status, answer.data];
  });
});
