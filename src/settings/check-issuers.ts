// Judges who signs tokens: our own issuer URL, and the others whose tokens are accepted.

import { accountIdGrammar } from '../decision/identity.ts';
import { ownScopePrefix } from '../decision/scope.ts';
import { claimPath } from '../tokens/claim-reader.ts';
import { isLoopbackUrl } from '../tokens/outgoing-proxy.ts';
import { checkIntrospection, checkTokenPrefixes } from './check-introspection.ts';
import type { Report } from './parse-fields.ts';
import { issuerOf } from './resolve-settings.ts';
import type { FileFields } from './schema.ts';

export const checkIssuers = (
  { issuer, issuers, listen, tls }: Pick<FileFields, 'issuer' | 'issuers' | 'listen' | 'tls'>,
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
  const seen = new Map<string, number>([
    [own, -1],
    [`${own}/`, -1],
  ]);
  for (const [index, other] of issuers.entries()) {
    const same = seen.get(other.issuer);
    if (same !== undefined)
      problem(
        ['issuers', index, 'issuer'],
        same < 0 ? 'is Tollgate itself; remove it' : `is also issuers[${same}]; keep one`,
      );
    seen.set(other.issuer, index);
    if (other.introspection === undefined) checkKeysUrl(other, ['issuers', index], problem, warning);
    else checkIntrospection(other, ['issuers', index], problem, warning);
    checkReach(other, ['issuers', index], problem, warning);
    checkMapping(other, ['issuers', index], warning);
  }
  checkTokenPrefixes(issuers, problem);
};

type Issuer = FileFields['issuers'][number];

/** Where an issuer's keys come from: `jwks`, or the metadata below its own URL. */
const checkKeysUrl = (
  { issuer, jwks }: Issuer,
  path: readonly (string | number)[],
  problem: Report,
  warning: Report,
): void => {
  const [key, url] = jwks === undefined ? ['issuer', issuer] : ['jwks', jwks];
  if (url.startsWith('http:') && !isLoopbackUrl(url))
    warning([...path, key], 'is plain http: whoever is on the way can sign tokens; write an https URL');
  if (jwks === undefined && issuer.includes('?'))
    problem(
      [...path, 'issuer'],
      'has a ?query, so its metadata cannot be found; write the URL of its keys in `jwks`',
    );
  const [base] = issuer.split('/.well-known/');
  if (base !== issuer)
    warning([...path, 'issuer'], `is the URL of a document, which no \`iss\` claim holds; write ${base}`);
  if (jwks?.includes('/.well-known/openid-configuration') === true)
    warning(
      [...path, 'jwks'],
      "is the issuer's metadata, not its keys; remove it: `issuer` alone finds them",
    );
};

/** Which orgs and scopes an issuer may name. */
const checkReach = (
  { fixedOrg, orgs, scopePrefix }: Issuer,
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

/** Claims that are times in every token (RFC 7519, OpenID Connect Core section 2). */
const timeClaims = new Set(['exp', 'iat', 'nbf', 'auth_time']);

/** What a mapping names and no token can hold, or no org can be. */
const checkMapping = (
  { claims, fixedOrg, orgs = [] }: FileFields['issuers'][number],
  path: readonly (string | number)[],
  warning: Report,
): void => {
  for (const [field, name] of Object.entries(claims)) {
    const fault = name === undefined ? undefined : faultOfClaim(field, name);
    if (fault !== undefined) warning([...path, 'claims', field], fault);
  }
  for (const id of [fixedOrg ?? [], orgs].flat())
    if (!accountIdGrammar.test(id))
      warning(
        [...path, fixedOrg === undefined ? 'orgs' : 'fixedOrg'],
        `${JSON.stringify(id)} can be the id of no org, so its tokens are refused; write the id that \`tollgate org list\` shows`,
      );
};

const faultOfClaim = (field: string, name: string): string | undefined => {
  if (timeClaims.has(name)) return `is a time in every token; write the name of another claim`;
  if (field === 'org' && name === 'iss')
    return 'is a URL in every token, which no org id is; write fixedOrg instead';
  if (name.includes('://')) return undefined;
  if (claimPath(name).includes(''))
    return 'has nothing before or after a dot; write e.g. realm_access.roles, and \\. for a dot within a name';
  return /\\(?!\.)/.test(name) ? 'has a backslash that is not before a dot; remove it' : undefined;
};
