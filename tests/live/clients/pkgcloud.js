// pkgcloud's clients for Rackspace, compute and storage.

const { promisify } = require('util');

const given = JSON.parse(require('fs').readFileSync(0));
const pkgcloud = require(require.resolve('pkgcloud', { paths: [process.argv[2]] }));

const options = {
  provider: 'rackspace',
  username: given.name,
  apiKey: given.key,
  authUrl: given.url,
  region: 'RegionOne',
};

function asker(client) {
  return (name) => promisify(client[name].bind(client))();
}

async function signInAndList() {
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

signInAndList()
  .catch((error) => ({ refused: error.failCode, status: error.statusCode }))
  .then((told) => console.log(JSON.stringify(told)));
