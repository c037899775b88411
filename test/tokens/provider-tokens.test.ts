// Tokens as the providers issue them, with the settings that docs/identity-providers.md has for each.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { loadSettings } from '../../src/settings/load-settings.ts';
import { issueLine } from '../../src/settings/settings-issue.ts';
import type { IssuerSettings } from '../../src/settings/settings.ts';
import { createAccessTokenVerifier } from '../support/access-tokens.ts';
import { startJwksServer } from './jwks-server.ts';
import { forge, keyPairs, nowMs, nowSeconds, ownKeys, verifierOptions } from './samples.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/identity-providers.md'), 'utf8');
const block = /^```yaml\n(issuers:[\s\S]*?)^```$/m.exec(page)?.[1] ?? '';

/** The issuers of the page, as `tollgate validate` reads them. */
const documented = (): readonly IssuerSettings[] => {
  const loaded = loadSettings({ file: undefined, env: {}, flags: parse(block) });
  if (!loaded.ok) throw new Error(loaded.problems.map(issueLine).join('\n'));
  t.strictSame(loaded.warnings.map(issueLine), [], 'the page draws no warning');
  return loaded.settings.issuers;
};
const issuers = documented();

interface ProviderToken {
  readonly header: Readonly<Record<string, string>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

const { kid } = ownKeys.RS256;
const times = { iat: nowSeconds - 60, exp: nowSeconds + 3_540 };

/** What the documented settings make of a token. */
const verified = async (t: Test, { header, claims }: ProviderToken): Promise<unknown> => {
  const settings = issuers.find(({ issuer }) => issuer === claims['iss']);
  t.ok(settings, `${String(claims['iss'])} is on the page`);
  if (settings === undefined) return undefined;
  const server = await startJwksServer(t, [ownKeys.RS256.publicJwk]);
  const verify = createAccessTokenVerifier({
    ...verifierOptions,
    externalIssuers: [{ ...settings, jwksUrl: server.url }],
  });
  const token = forge(
    JSON.stringify({ alg: 'RS256', kid, ...header }),
    JSON.stringify({ ...times, ...claims }),
    keyPairs.RS256.privateKey,
  );
  return verify(token, nowMs);
};

t.test('Auth0: a final slash, two audiences, URLs as names, no jti', async (t) => {
  const claims = {
    'https://example.com/roles': ['editor'],
    'https://example.com/email': 'ann@example.com',
    iss: 'https://acme.eu.auth0.com/',
    sub: 'auth0|64f0a1b2c3d4e5f6a7b8c9d0',
    aud: ['https://api.example.com', 'https://acme.eu.auth0.com/userinfo'],
    scope: 'openid profile email things:read',
    azp: 'wJ8xQm5sLk2nTz7yVb4cRd1fGh6pXe3u',
    permissions: ['things:read', 'things:write'],
  };
  t.match(await verified(t, { header: { typ: 'JWT' }, claims }), {
    org: { id: 'acme' },
    user: { id: 'auth0|64f0a1b2c3d4e5f6a7b8c9d0', name: 'ann@example.com', roles: ['editor'] },
    scopes: new Set(['things:read', 'things:write']),
    sessionId: /^https:\/\/acme\.eu\.auth0\.com\/ sha256:/,
  });
});

t.test('Cognito: no aud but client_id, no typ; an ID token of the same client is refused', async (t) => {
  const iss = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI';
  const claims = {
    sub: 'c3a4b862-9041-70d4-1f6e-8a0f2f4f1b2c',
    'cognito:groups': ['editor'],
    iss,
    version: 2,
    client_id: '7lhlkkfbfb4q5kpp90urffao',
    origin_jti: 'b1c6f7c0-1c92-4a2c-9b6c-4c1f1f0d2f4e',
    event_id: '6d3c9ce5-24a9-4d7e-93f3-67f3a3c4b1de',
    token_use: 'access',
    scope: 'api/things.read openid',
    auth_time: nowSeconds - 60,
    jti: '0f1a5f8c-4a3e-4a6b-9a38-3a4a3c2d1e0f',
    username: 'ann',
  };
  t.match(await verified(t, { header: {}, claims }), {
    org: { id: 'acme' },
    user: { id: claims.sub, name: 'ann', roles: ['editor'] },
    scopes: new Set(['api/things.read', 'openid']),
    sessionId: `${iss} ${claims.jti}`,
  });
  const { client_id: aud, ...others } = claims;
  const idToken = { ...others, aud, token_use: 'id', 'cognito:username': 'ann', email_verified: true };
  t.match(await verified(t, { header: {}, claims: idToken }), { evidence: /claim client_id/ });
});

t.test('Keycloak: roles of a client, deep in an object', async (t) => {
  const claims = {
    jti: 'onrtac:6a0f2f4f-1b2c-4a2c-9b6c-c3a4b8629041',
    iss: 'https://login.example.com/realms/acme',
    aud: ['api', 'account'],
    sub: 'f:1d4f4b0a:ann',
    typ: 'Bearer',
    azp: 'web',
    sid: '0a53f0e8-a0b5-4f1f-8d3c-2b1a4c3f0b7e',
    acr: '1',
    'allowed-origins': ['https://web.example.com'],
    realm_access: { roles: ['default-roles-acme', 'offline_access'] },
    resource_access: { api: { roles: ['editor'] }, account: { roles: ['view-profile'] } },
    scope: 'openid  profile email ',
    email_verified: true,
    name: '',
    preferred_username: 'ann',
  };
  t.match(await verified(t, { header: { typ: 'JWT' }, claims }), {
    org: { id: 'acme' },
    user: { id: 'f:1d4f4b0a:ann', name: 'ann', roles: ['editor'] },
    scopes: new Set(['openid', 'profile', 'email']),
  });
  t.match(
    await verified(t, { header: { typ: 'JWT' }, claims: { ...claims, resource_access: undefined } }),
    { user: { roles: [] } },
    'a user without roles of the client',
  );
});

t.test('Entra ID: scp in one text, oid as the user, a tenant as the org', async (t) => {
  const tid = '8f4f7a4e-1d4f-4b0a-9a53-0a0f3f3e6c11';
  const claims = {
    aud: '4c3f0b7e-6a53-4f0e-8a0b-5f1f6d3c2b1a',
    iss: `https://login.microsoftonline.com/${tid}/v2.0`,
    nbf: nowSeconds - 60,
    aio: 'AWQAm/8XAAAA',
    azp: '9c6c4c1f-1f0d-4f4e-b1c6-f7c01c924a2c',
    azpacr: '1',
    name: 'Ann Example',
    oid: '2c4a9b6c-93f3-4d7e-a3c4-b1de6d3c9ce5',
    preferred_username: 'ann@example.com',
    rh: '0.AAAA',
    roles: ['editor'],
    scp: 'things.read things.write',
    sub: 'hL0pXk3',
    tid,
    uti: 'x1',
    ver: '2.0',
  };
  t.match(await verified(t, { header: { typ: 'JWT' }, claims }), {
    org: { id: tid },
    user: { id: claims.oid, name: 'ann@example.com', roles: ['editor'] },
    scopes: new Set(['things.read', 'things.write']),
  });
});

t.test('Okta: scp as a list, the login as the subject', async (t) => {
  const claims = {
    ver: 1,
    jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE',
    iss: 'https://acme.okta.com/oauth2/default',
    aud: 'api://default',
    cid: '0oa1gk8p1vXk3Yz2N0h8',
    uid: '00u1gjy2tzQ3Vd5uQ0h8',
    scp: ['things.read', 'offline_access'],
    auth_time: nowSeconds - 60,
    sub: 'ann@example.com',
    groups: ['Everyone', 'editor'],
  };
  t.match(await verified(t, { header: {}, claims }), {
    org: { id: 'acme' },
    user: { id: 'ann@example.com', name: 'ann@example.com', roles: ['Everyone', 'editor'] },
    scopes: new Set(['things.read', 'offline_access']),
  });
});

t.test('Google: the domain of a company as the org; a private account has none and is refused', async (t) => {
  const { hd, ...claims } = {
    iss: 'https://accounts.google.com',
    azp: '1234567890-abc.apps.googleusercontent.com',
    aud: '1234567890-abc.apps.googleusercontent.com',
    sub: '110169484474386276334',
    hd: 'example.com',
    email: 'ann@example.com',
    email_verified: true,
    at_hash: 'HK6E_P6Dh8Y93mRNtsDB1Q',
  };
  t.match(await verified(t, { header: { typ: 'JWT' }, claims: { ...claims, hd } }), {
    org: { id: 'example.com' },
    user: { id: '110169484474386276334', name: 'ann@example.com' },
    scopes: new Set(),
  });
  t.match(await verified(t, { header: { typ: 'JWT' }, claims }), { evidence: 'claim hd' });
});

t.test('GitHub Actions: the owner of the repository as the org; another owner is refused', async (t) => {
  const claims = {
    jti: 'b1c6f7c0-1c92-4a2c-9b6c-4c1f1f0d2f4e',
    sub: 'repo:acme/app:ref:refs/heads/main',
    aud: 'https://api.example.com',
    ref: 'refs/heads/main',
    sha: '3b2f0d1c4a5e6f7089abcdef0123456789abcdef',
    repository: 'acme/app',
    repository_owner: 'acme',
    repository_owner_id: '1342004',
    run_id: '6123456789',
    run_attempt: '1',
    actor: 'ann',
    workflow: 'deploy',
    head_ref: '',
    base_ref: '',
    event_name: 'push',
    ref_protected: 'true',
    ref_type: 'branch',
    job_workflow_ref: 'acme/app/.github/workflows/deploy.yml@refs/heads/main',
    runner_environment: 'github-hosted',
    iss: 'https://token.actions.githubusercontent.com',
    nbf: nowSeconds - 660,
    iat: nowSeconds - 60,
    exp: nowSeconds + 240,
  };
  const header = { typ: 'JWT', x5t: 'eBZ_cn3sXYAd0ch4THBKHIgOwOE' };
  t.match(await verified(t, { header, claims }), {
    org: { id: 'acme' },
    user: { id: 'repo:acme/app:ref:refs/heads/main', name: 'deploy' },
  });
  const others = { ...claims, repository_owner: 'mallory', sub: 'repo:mallory/app:ref:refs/heads/main' };
  t.match(await verified(t, { header, claims: others }), { evidence: 'claim repository_owner' });
});

t.test('Kubernetes: the namespace as the org, from an object with a dot in its name', async (t) => {
  const claims = {
    aud: ['https://api.example.com'],
    exp: nowSeconds + 3_540,
    iat: nowSeconds - 60,
    iss: 'https://kubernetes.default.svc.cluster.local',
    jti: 'c3a4b862-9041-40d4-8f6e-8a0f2f4f1b2c',
    'kubernetes.io': {
      namespace: 'payments',
      node: { name: 'worker-1', uid: '6d3c9ce5-24a9-4d7e-93f3-67f3a3c4b1de' },
      pod: { name: 'biller-7d9f', uid: '0f1a5f8c-4a3e-4a6b-9a38-3a4a3c2d1e0f' },
      serviceaccount: { name: 'biller', uid: '9c6c4c1f-1f0d-4f4e-b1c6-f7c01c924a2c' },
      warnafter: nowSeconds + 3_547,
    },
    nbf: nowSeconds - 60,
    sub: 'system:serviceaccount:payments:biller',
  };
  t.match(await verified(t, { header: {}, claims }), {
    org: { id: 'payments' },
    user: { id: 'system:serviceaccount:payments:biller', name: 'biller' },
    scopes: new Set(),
  });
});

t.test('every provider of the page has a token here', async (t) => {
  t.equal(issuers.length, 8);
});
