// @mhoc/axios-digest-auth: its Digest uri is the path without the query.

const { askAll, headers, load } = require('./asked');

load('@mhoc/axios-digest-auth').then(({ default: module }) => {
  const Client = module.default ?? module;
  return askAll((username, password) => {
    const client = new Client({ username, password });
    return async (method, url, data) => {
      const request = { data, headers, method, url };
      // As text; a status of 400 and above is thrown.
      request.transformResponse = (text) => text;
      const answer = await client.request(request).catch((e) => e.response);
      return [answer.status, answer.data];
    };
  });
});
