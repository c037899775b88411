// Who the OAuth client of a request is: a configured confidential client by Basic or form (RFC 6749 §2.3.1), or a public
// one. Secrets are compared by digest in constant time, and an unknown client costs as much as a known one. What a
// refused client is told is each surface's matter.

import { hash, timingSafeEqual } from 'node:crypto';
import type { OauthClientSettings } from '../settings/settings.ts';
import { decode } from './body.ts';

export type OauthClient =
  /** `id`: what it calls itself; believed by nobody. */
  | { readonly kind: 'public'; readonly id: string | undefined }
  | {
      readonly kind: 'confidential';
      readonly id: string;
      readonly account: OauthClientSettings['account'];
    };

export interface ClientFault {
  readonly kind: 'client_fault';
  /** `ambiguous`: the request contradicts itself; `refused`: no such client, or not its secret. */
  readonly fault: 'ambiguous' | 'refused';
  /** It used the Authorization header. */
  readonly isBasic: boolean;
  readonly message: string;
}

export interface ClientCredentials {
  readonly authorization: string | undefined;
  /** `client_id` and `client_secret` of the form. */
  readonly formId: string | undefined;
  readonly formSecret: string | undefined;
}

/**
 * Authenticates the client if it presents credentials. `public` when it presents none, unless it names a configured
 * client, which must authenticate (RFC 6749 §3.2.1). An empty secret counts as none (§2.3.1).
 */
export const findClient = (
  clients: readonly OauthClientSettings[],
  { authorization, formId, formSecret }: ClientCredentials,
): OauthClient | ClientFault => {
  const basic = readBasic(authorization);
  if (basic === 'malformed') return refused(true, 'the Basic credentials cannot be read');
  const isBasic = basic !== undefined;
  if (isBasic && formSecret !== undefined)
    return ambiguous('Authenticate the client in one way only: Basic or the form (RFC 6749 section 2.3).');
  if (isBasic && formId !== undefined && formId !== basic.id)
    return ambiguous('client_id is not the client of the Authorization header.');
  const id = basic?.id ?? formId;
  const secrets = (basic?.secrets ?? [formSecret ?? '']).filter((secret) => secret !== '');
  if (secrets.length === 0) {
    const isConfidential = clients.some((client) => client.id === id);
    return isConfidential ? refused(isBasic, 'the client sent no secret') : { kind: 'public', id };
  }
  const client = secrets.map((secret) => match(clients, id, secret)).find((found) => found !== undefined);
  return client === undefined
    ? refused(isBasic, 'the client is unknown or its secret is wrong')
    : { kind: 'confidential', id: client.id, account: client.account };
};

export const isClientFault = (value: object): value is ClientFault =>
  'kind' in value && value.kind === 'client_fault';

export const basicChallenge = 'Basic realm="tollgate", charset="UTF-8"';

const ambiguous = (message: string): ClientFault => ({
  kind: 'client_fault',
  fault: 'ambiguous',
  isBasic: true,
  message,
});

const refused = (isBasic: boolean, message: string): ClientFault => ({
  kind: 'client_fault',
  fault: 'refused',
  isBasic,
  message,
});

const readBasic = (
  authorization: string | undefined,
): { readonly id: string; readonly secrets: readonly string[] } | 'malformed' | undefined => {
  const basic = /^basic +(.*)$/i.exec(authorization ?? '');
  if (basic === null) return undefined;
  const encoded = (basic[1] ?? '').trim();
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return 'malformed';
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) return 'malformed';
  // RFC 6749 §2.3.1 encodes both as form values first; curl and others do not, so the bare secret counts too.
  const bare = text.slice(colon + 1);
  return { id: decode(text.slice(0, colon)) ?? text.slice(0, colon), secrets: [decode(bare) ?? bare, bare] };
};

const match = (
  clients: readonly OauthClientSettings[],
  id: string | undefined,
  secret: string,
): OauthClientSettings | undefined => {
  const presented = hash('sha256', secret, 'buffer');
  let found: OauthClientSettings | undefined;
  for (const client of clients) {
    const isSecret = timingSafeEqual(presented, hash('sha256', client.secret, 'buffer'));
    if (client.id === id && isSecret) found = client;
  }
  return found;
};
