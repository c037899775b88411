// Judges who signs tokens: our own issuer URL, the others whose tokens are accepted, and how these are asked about tokens.

import { accountIdGrammar } from '../decision/identity.ts';
import { ownScopePrefix } from '../decision/scope.ts';
import { claimPath } from '../tokens/claim-reader.ts';
import { isLoopbackUrl } from '../tokens/outgoing-proxy.ts';
import { algorithmOf } from '../tokens/signature.ts';
import { readPrivateKey } from '../tokens/signing-key.ts';
import { below, check, isPlainHttp } from './check.ts';
import type { Report } from './settings-issue.ts';
import { issuerOf } from './resolve-settings.ts';
import type { FileFields } from './schema.ts';

type Issuer = FileFields['issuers'][number];

export const issuerCheck = check(
  ['issuer', 'issuers', 'listen', 'tls'],
  ({ issuer, issuers, listen, tls }, problem, warning) => {
    const own = issuer ?? issuerOf(listen, tls !== undefined);
    if (isPlainHttp(own))
      warning(
        ['issuer'],
        `${own} is plain http, so tokens and keys can be read and changed on the way; write an https URL`,
      );
    if (issuer === undefined && listen.kind === 'tcp' && !isLoopbackUrl(own))
      warning(
        ['issuer'],
        'is not written; write the URL callers use, or the tokens will name the listen address',
      );
    const seen = new Map<string, number>([
      [own, -1],
      [`${own}/`, -1],
    ]);
    for (const [index, other] of issuers.entries()) {
      const path = ['issuers', index];
      const same = seen.get(other.issuer);
      if (same !== undefined)
        problem(
          [...path, 'issuer'],
          same < 0 ? 'is Tollgate itself; remove it' : `is also issuers[${same}]; keep one`,
        );
      seen.set(other.issuer, index);
      for (const judge of [checkKeysUrl, checkIntrospection, checkReach, checkMapping])
        judge(other, below(path, problem), below(path, warning));
    }
    checkTokenPrefixes(issuers, problem);
  },
);

/** Where an issuer's keys come from: `jwks`, or the metadata below its own URL. */
const checkKeysUrl = ({ issuer, jwks, introspection }: Issuer, problem: Report, warning: Report): void => {
  if (introspection !== undefined) return;
  if (isPlainHttp(jwks ?? issuer))
    warning(
      [jwks === undefined ? 'issuer' : 'jwks'],
      'is plain http: whoever is on the way can sign tokens; write an https URL',
    );
  if (jwks === undefined && issuer.includes('?'))
    problem(['issuer'], 'has a ?query, so its metadata cannot be found; write the URL of its keys in `jwks`');
  const [base] = issuer.split('/.well-known/');
  if (base !== issuer)
    warning(['issuer'], `is the URL of a document, which no \`iss\` claim holds; write ${base}`);
  if (jwks?.includes('/.well-known/openid-configuration') === true)
    warning(['jwks'], "is the issuer's metadata, not its keys; remove it: `issuer` alone finds them");
};

/** What proves to an issuer who asks about its tokens. */
const checkIntrospection = ({ jwks, introspection }: Issuer, problem: Report, warning: Report): void => {
  if (introspection === undefined) return;
  const { url, method, clientSecret, key, keyId } = introspection;
  const report = (name: string, message: string): void => problem(['introspection', name], message);
  if (jwks !== undefined)
    problem(
      ['jwks'],
      'means nothing beside introspection, where the issuer judges each of its tokens itself; keep one of them',
    );
  const needed = method === 'private_key_jwt' ? 'key' : 'clientSecret';
  for (const [name, given] of Object.entries({ key, clientSecret }))
    if (name === needed && given === undefined)
      report(name, `is missing, and method: ${method} needs it; write it, or another method`);
    else if (name !== needed && given !== undefined)
      report(name, `means nothing with method: ${method}; remove it, or write another method`);
  if (keyId !== undefined && method !== 'private_key_jwt')
    report('keyId', `means nothing with method: ${method}; remove it`);
  const privateKey = key === undefined ? undefined : readPrivateKey(key);
  if (privateKey !== undefined && algorithmOf(privateKey) === undefined)
    report('key', 'cannot sign; write a P-256, RSA (2048 bits or more) or Ed25519 key');
  if (isPlainHttp(url))
    warning(
      ['introspection', 'url'],
      'is plain http: whoever is on the way sees tokens, and can make any of them good; write an https URL',
    );
};

const checkReach = ({ fixedOrg, orgs, scopePrefix }: Issuer, problem: Report, warning: Report): void => {
  if (fixedOrg !== undefined && orgs !== undefined)
    problem(['orgs'], 'means nothing beside fixedOrg; keep one of them');
  if (fixedOrg === undefined && orgs === undefined)
    warning([], 'may name any org, and so any user of any org; write its orgs: [acme], or fixedOrg: acme');
  if (scopePrefix?.startsWith(ownScopePrefix) === true)
    problem(
      ['scopePrefix'],
      `must not begin with ${ownScopePrefix}, for such scopes are never taken from outside; write e.g. external/`,
    );
};

/** What a mapping names and no token can hold, or no org can be. */
const checkMapping = ({ claims, fixedOrg, orgs = [] }: Issuer, _problem: Report, warning: Report): void => {
  for (const [field, name] of Object.entries(claims)) {
    const fault = name === undefined ? undefined : faultOfClaim(field, name);
    if (fault !== undefined) warning(['claims', field], fault);
  }
  for (const id of [fixedOrg ?? [], orgs].flat())
    if (!accountIdGrammar.test(id))
      warning(
        [fixedOrg === undefined ? 'orgs' : 'fixedOrg'],
        `${JSON.stringify(id)} can be the id of no org, so its tokens are refused; write the id that \`tollgate org list\` shows`,
      );
};

/** Claims that are times in every token (RFC 7519, OpenID Connect Core section 2). */
const timeClaims = new Set(['exp', 'iat', 'nbf', 'auth_time']);

const faultOfClaim = (field: string, name: string): string | undefined => {
  if (timeClaims.has(name)) return `is a time in every token; write the name of another claim`;
  if (field === 'org' && name === 'iss')
    return 'is a URL in every token, which no org id is; write fixedOrg instead';
  if (name.includes('://')) return undefined;
  if (claimPath(name).includes(''))
    return 'has nothing before or after a dot; write e.g. realm_access.roles, and \\. for a dot within a name';
  return /\\(?!\.)/.test(name) ? 'has a backslash that is not before a dot; remove it' : undefined;
};

/** An opaque token must have one issuer that is asked about it. */
const checkTokenPrefixes = (issuers: readonly Issuer[], problem: Report): void => {
  const asked = issuers.flatMap(({ introspection }, index) =>
    introspection === undefined ? [] : [{ index, prefix: introspection.tokenPrefix ?? '' }],
  );
  for (const [position, { index, prefix }] of asked.entries()) {
    const other = asked
      .slice(0, position)
      .find((earlier) =>
        prefix === '' || earlier.prefix === ''
          ? prefix === earlier.prefix
          : prefix.startsWith(earlier.prefix) || earlier.prefix.startsWith(prefix),
      );
    if (other !== undefined)
      problem(
        ['issuers', index, 'introspection', 'tokenPrefix'],
        prefix === ''
          ? `is missing here and in issuers[${other.index}], so nobody could tell whose an opaque token is; write how the tokens of one of them begin`
          : `begins like that of issuers[${other.index}], so nobody could tell whose such a token is; write prefixes that differ`,
      );
  }
};
