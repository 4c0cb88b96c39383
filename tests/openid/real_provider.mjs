// A real provider of OpenID Connect: the certified `oidc-provider`, with people who sign in with any password.
// Arguments: the folder of Node's modules, a port, and JSON: {client, people: {login: claims}}.
import { pathToFileURL } from 'node:url';

const [modules, port, settings] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`));
const { client, people } = JSON.parse(settings);

const provider = new Provider(`http://localhost:${port}`, {
  clients: [client],
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'preferred_username', 'groups'],
  },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  cookies: { keys: ['for tests'] },
});
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
