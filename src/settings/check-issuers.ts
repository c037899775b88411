// Judges who signs tokens: our own issuer URL, and the others whose tokens are accepted.

import { ownScopePrefix } from '../decision/scope.ts';
import { isLoopbackUrl } from '../tokens/outgoing-proxy.ts';
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
