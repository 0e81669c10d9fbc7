// pkgcloud's clients for Rackspace, compute and storage.

const { promisify } = require('util');

const logins = JSON.parse(require('fs').readFileSync(0));
const pkgcloud = require(require.resolve('pkgcloud', { paths: [process.argv[2]] }));

function asker(client) {
  return (name) => promisify(client[name].bind(client))();
}

async function signInAndList(given) {
  const options = {
    provider: 'rackspace',
    username: given.name,
    apiKey: given.key,
    authUrl: given.url,
    region: 'RegionOne',
  };
  const storage = pkgcloud.storage.createClient(options);
  const compute = pkgcloud.compute.createClient(options);
  const listed = [
    await asker(storage)('getContainers'),
    await asker(compute)('getServers'),
    await asker(compute)('getFlavors'),
    await asker(compute)('getImages'),
  ];
  return { token: storage._identity.token.id, listed };
}

async function main() {
  const told = [];
  for (const given of logins) {
    const refusal = (e) => ({ refused: e.failCode, status: e.statusCode });
    told.push(await signInAndList(given).catch(refusal));
  }
  console.log(JSON.stringify(told));
}

main();
