// An OAuth server with one client, which issues refresh tokens and rotates
// them; with the argument "default" it does both as its own settings have it. It
// prints its address and lives until its standard input ends.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'tokend',
      client_secret: 'canary-client-secret',
      redirect_uris: ['http://127.0.0.1:8411/oauth'],
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      application_type: 'native',
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
    }],
    cookies: { keys: ['one'] },
    features: { deviceFlow: { enabled: true }, revocation: { enabled: true } },
    ...(process.argv[2] === 'default' ? {} : {
      issueRefreshToken: async () => true,
      pkce: { required: () => true },
      rotateRefreshToken: true,
    }),
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
process.stdin.on('end', () => process.exit()).resume();
