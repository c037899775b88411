// Judges settings against each other. Reports problems (the process must not start) and warnings (it may).

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { ownScopePrefix } from '../decision/scope.ts';
import { algorithmOf } from '../tokens/signature.ts';
import { checkHeaders } from './check-headers.ts';
import { checkListeners } from './check-listeners.ts';
import type { Report } from './check-routes.ts';
import { isLoopbackUrl } from './network-readers.ts';
import { parseKey } from './pem.ts';
import { issuerOf } from './resolve-settings.ts';
import { name } from './route-fields.ts';
import type { FileFields } from './schema.ts';

export const checkSettings = (fields: FileFields, problem: Report, warning: Report): void => {
  checkListeners(fields, problem);
  checkTls(fields, problem, warning);
  checkUpstreams(fields, problem);
  checkStore(fields, problem);
  checkHeaders(fields, problem);
  checkIssuers(fields, problem, warning);
  checkClients(fields, problem);
  checkKeys(fields, problem);
  checkTimes(fields, problem, warning);
};

const checkTls = ({ tls }: FileFields, problem: Report, warning: Report): void => {
  if (tls === undefined) return;
  const certificate = new X509Certificate(tls.cert);
  if (!certificate.checkPrivateKey(createPrivateKey(tls.key)))
    problem(
      ['tls', 'key'],
      "does not belong to the certificate in tls.cert; write the path of that certificate's key",
    );
  if (certificate.validToDate.getTime() < Date.now())
    warning(
      ['tls', 'cert'],
      `expired on ${certificate.validToDate.toISOString().slice(0, 10)}; callers will refuse it`,
    );
};

const checkUpstreams = ({ upstreams }: FileFields, problem: Report): void => {
  for (const key of Object.keys(upstreams)) {
    if (key === 'default') problem(['upstreams', key], '`default` is the one in `upstream`; write it there');
    else if (!name.read(key).ok)
      problem(['upstreams', key], `${JSON.stringify(key)} is not a name; write ${name.expects}`);
  }
};

const checkStore = ({ store }: FileFields, problem: Report): void => {
  const { url } = store;
  if (url.kind === 'sqlite') {
    for (const key of ['username', 'password', 'ca'] as const)
      if (store[key] !== undefined)
        problem(
          ['store', key],
          'is for Redis, and the store is a SQLite file; remove it, or write store.url: redis://HOST:6379',
        );
    return;
  }
  if (url.password !== undefined && store.password !== undefined)
    problem(['store', 'password'], 'stands in the URL too; keep one of them');
  if (url.username !== undefined && store.username !== undefined)
    problem(['store', 'username'], 'stands in the URL too; keep one of them');
  if (store.ca !== undefined && !url.tls)
    problem(['store', 'ca'], 'means nothing without TLS; write rediss:// in store.url');
};

const checkIssuers = (
  { issuer, issuers, listen, tls }: FileFields,
  problem: Report,
  warning: Report,
): void => {
  const own = issuer ?? issuerOf(listen, tls !== undefined);
  if (own.startsWith('http:') && !isLoopbackUrl(own))
    warning(
      ['issuer'],
      `${own} is plain http, so tokens and keys can be read and changed on the way; write an https URL`,
    );
  if (issuer === undefined && listen.kind === 'tcp' && !isLoopbackUrl(own))
    warning(
      ['issuer'],
      'is not written; write the URL callers use, or the tokens will name the listen address',
    );
  const seen = new Map<string, number>([[own, -1]]);
  for (const [index, other] of issuers.entries()) {
    const same = seen.get(other.issuer);
    if (same !== undefined)
      problem(
        ['issuers', index, 'issuer'],
        same < 0 ? 'is Tollgate itself; remove it' : `is also issuers[${same}]; keep one`,
      );
    seen.set(other.issuer, index);
    if (other.jwks.startsWith('http:') && !isLoopbackUrl(other.jwks))
      warning(
        ['issuers', index, 'jwks'],
        'is plain http: whoever is on the way can sign tokens; write an https URL',
      );
    checkReach(other, ['issuers', index], problem, warning);
  }
};

/** Which orgs and scopes an issuer may name. */
const checkReach = (
  { fixedOrg, orgs, scopePrefix }: FileFields['issuers'][number],
  path: readonly (string | number)[],
  problem: Report,
  warning: Report,
): void => {
  if (fixedOrg !== undefined && orgs !== undefined)
    problem([...path, 'orgs'], 'means nothing beside fixedOrg; keep one of them');
  if (fixedOrg === undefined && orgs === undefined)
    warning(path, 'may name any org, and so any user of any org; write its orgs: [acme], or fixedOrg: acme');
  if (scopePrefix?.startsWith(ownScopePrefix) === true)
    problem(
      [...path, 'scopePrefix'],
      `must not begin with ${ownScopePrefix}, for such scopes are never taken from outside; write e.g. external/`,
    );
};

const checkClients = ({ oauth }: FileFields, problem: Report): void => {
  for (const [index, { org, user }] of oauth.clients.entries())
    if ((org === undefined) !== (user === undefined))
      problem(
        ['oauth', 'clients', index],
        'has only one of `org` and `user`; a client stands for a user of an org, so write both',
      );
};

const checkKeys = ({ keys, store, tokens, surfaces }: FileFields, problem: Report): void => {
  if (keys.signingKeys.length === 0) {
    if (
      store.url.kind === 'redis' &&
      keys.encryptionKey === undefined &&
      keys.encryptionKeyFile === undefined
    )
      problem(
        ['keys', 'encryptionKey'],
        'is needed with Redis, to seal the signing keys kept there; make one with `openssl rand -base64 32`, and set ' +
          'TOLLGATE_KEYS_ENCRYPTION_KEY, or keys.encryptionKeyFile to a file with it (the same on every replica)',
      );
    return;
  }
  const hasSealingKey =
    store.url.kind === 'sqlite' || keys.encryptionKey !== undefined || keys.encryptionKeyFile !== undefined;
  const algorithms = keys.signingKeys.map((pem) => {
    const key = parseKey(pem);
    return key === undefined ? undefined : algorithmOf(key);
  });
  if (!algorithms.includes(tokens.algorithm))
    problem(
      ['keys', 'signingKeys'],
      `holds no ${tokens.algorithm} key, but tokens.algorithm asks for one; add one, or set tokens.algorithm: ${algorithms[0] ?? 'ES256'}`,
    );
  for (const name of ['csp', 'navigator'] as const)
    if (surfaces[name].enabled && !algorithms.includes('RS256') && !hasSealingKey)
      problem(
        ['keys', 'signingKeys'],
        `holds no RS256 key, which surfaces.${name} signs with; add one, or give a sealing key in keys.encryptionKey and one is made in the store`,
      );
};

const checkTimes = (
  { identity, cache, tokens, limits }: FileFields,
  problem: Report,
  warning: Report,
): void => {
  if (limits.headersTimeout > limits.requestTimeout)
    warning(
      ['limits', 'requestTimeout'],
      'is shorter than limits.headersTimeout, so it ends requests first and headersTimeout means nothing; write a longer one, or a shorter headersTimeout',
    );
  if (identity.jwtLifetime < 2 * cache.identityTtl)
    problem(
      ['identity', 'jwtLifetime'],
      'must be at least twice cache.identityTtl, or the API would see expired JWTs; write 5m, or lower cache.identityTtl',
    );
  if (tokens.apiTokenLifetime !== undefined && tokens.apiTokenLifetime < tokens.accessTokenLifetime)
    problem(
      ['tokens', 'apiTokenLifetime'],
      'is shorter than tokens.accessTokenLifetime; write a longer one, or never',
    );
};
