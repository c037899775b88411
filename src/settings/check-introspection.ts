// Judges how issuers are asked about tokens: what proves who asks, and which issuer an opaque token belongs to.

import { isLoopbackUrl } from '../tokens/outgoing-proxy.ts';
import { algorithmOf } from '../tokens/signature.ts';
import { readPrivateKey } from '../tokens/signing-key.ts';
import type { Report } from './parse-fields.ts';
import type { FileFields } from './schema.ts';

type Issuer = FileFields['issuers'][number];

export const checkIntrospection = (
  { jwks, introspection }: Issuer,
  issuerPath: readonly (string | number)[],
  problem: Report,
  warning: Report,
): void => {
  if (introspection === undefined) return;
  const { url, method, clientSecret, key, keyId } = introspection;
  const path = [...issuerPath, 'introspection'];
  if (jwks !== undefined)
    problem(
      [...issuerPath, 'jwks'],
      'means nothing beside introspection, where the issuer judges each of its tokens itself; keep one of them',
    );
  const needed = method === 'private_key_jwt' ? 'key' : 'clientSecret';
  const given = { key, clientSecret };
  for (const name of ['key', 'clientSecret'] as const)
    if (name === needed && given[name] === undefined)
      problem([...path, name], `is missing, and method: ${method} needs it; write it, or another method`);
    else if (name !== needed && given[name] !== undefined)
      problem([...path, name], `means nothing with method: ${method}; remove it, or write another method`);
  if (keyId !== undefined && method !== 'private_key_jwt')
    problem([...path, 'keyId'], `means nothing with method: ${method}; remove it`);
  const privateKey = key === undefined ? undefined : readPrivateKey(key);
  if (privateKey !== undefined && algorithmOf(privateKey) === undefined)
    problem([...path, 'key'], 'cannot sign; write a P-256, RSA (2048 bits or more) or Ed25519 key');
  if (url.startsWith('http:') && !isLoopbackUrl(url))
    warning(
      [...path, 'url'],
      'is plain http: whoever is on the way sees tokens, and can make any of them good; write an https URL',
    );
};

/** An opaque token must have one issuer that is asked about it. */
export const checkTokenPrefixes = (issuers: readonly Issuer[], problem: Report): void => {
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
