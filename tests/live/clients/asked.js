// What a client with each of some global keys is to ask, and what it is
// answered.

const { pathToFileURL } = require('url');

const given = JSON.parse(require('fs').readFileSync(0));

function load(name) {
  const file = require.resolve(name, { paths: [process.argv[2]] });
  return import(pathToFileURL(file).href);
}

// "ID" in a path is the id in the last answer to a POST.
async function answers(ask) {
  const all = [];
  let id = '0'.repeat(24);
  for (const [method, path, body] of given.calls) {
    const url = given.url + path.replace('ID', id);
    const [status, said] = await ask(method, url, body ?? undefined);
    all.push([status, JSON.parse(said || 'null')]);
    if (method === 'POST' && status === 200) id = all.at(-1)[1].id;
  }
  return all;
}

async function askAll(client) {
  const all = [];
  for (const key of given.keys) all.push(await answers(client(...key)));
  console.log(JSON.stringify(all));
}

module.exports = {
  askAll,
  headers: { 'Content-Type': 'application/json' },
  load,
};
