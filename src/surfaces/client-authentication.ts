// Who the OAuth client of a request is: a configured confidential client by Basic or form (RFC 6749 §2.3.1), or a public
// one. Secrets are compared by digest in constant time, an unknown client costs as much as a known one, and wrong ones
// are counted against their address. How a refused client is answered is each surface's matter.

import { hash, timingSafeEqual } from 'node:crypto';
import type { UnknownTokenLimit } from '../identity/unknown-token-limit.ts';
import type { OauthClientSettings } from '../settings/settings.ts';
import type { SurfaceRequest } from './answer.ts';
import { decode } from './body.ts';

export type OauthClient =
  /** `id`: what it calls itself; not verified. */
  | { readonly kind: 'public'; readonly id: string | undefined }
  | {
      readonly kind: 'confidential';
      readonly id: string;
      readonly account: OauthClientSettings['account'];
    };

export interface ClientFault {
  readonly kind: 'client_fault';
  /** `ambiguous`: the request contradicts itself; `refused`: no such client, or not its secret; `limited`: too many of those. */
  readonly fault: 'ambiguous' | 'refused' | 'limited';
  /** It used the Authorization header. */
  readonly isBasic: boolean;
  readonly message: string;
}

/** The client's parameters: `client_id` and `client_secret`, or what a dialect calls them. */
interface ClientParameters {
  readonly id: string | undefined;
  readonly secret: string | undefined;
}

/**
 * Authenticates the client if it presents credentials. `public` when it presents none, unless it names a configured client,
 * which must authenticate (RFC 6749 §3.2.1). An empty secret counts as none (§2.3.1).
 */
export type FindClient = (
  request: Pick<SurfaceRequest, 'authorization' | 'clientAddress'>,
  parameters: ClientParameters,
) => OauthClient | ClientFault;

/** `secretLimit`: wrong secrets an address may try; undefined: any number. */
export const createFindClient =
  (clients: readonly OauthClientSettings[], secretLimit: UnknownTokenLimit | undefined): FindClient =>
  ({ authorization, clientAddress }, parameters) => {
    const claimed = readClaim(authorization, parameters);
    if (isClientFault(claimed)) return claimed;
    const { id, secrets, isBasic } = claimed;
    if (secrets.length === 0) {
      const isConfidential = clients.some((client) => client.id === id);
      return isConfidential
        ? clientFault('refused', isBasic, 'the client sent no secret')
        : { kind: 'public', id };
    }
    if (secretLimit?.isBlocked(clientAddress) === true && !secretLimit.takeTurn(clientAddress))
      return clientFault('limited', isBasic, 'too many wrong client secrets');
    const client = secrets.map((secret) => match(clients, id, secret)).find((found) => found !== undefined);
    if (client !== undefined) return { kind: 'confidential', id: client.id, account: client.account };
    secretLimit?.penalize(clientAddress);
    return clientFault('refused', isBasic, 'the client is unknown or its secret is wrong');
  };

interface Claim {
  readonly id: string | undefined;
  /** Ways to read the one secret; none when there is none. */
  readonly secrets: readonly string[];
  readonly isBasic: boolean;
}

const readClaim = (
  authorization: string | undefined,
  { id, secret }: ClientParameters,
): Claim | ClientFault => {
  const basic = readBasic(authorization);
  if (basic === 'malformed') return clientFault('refused', true, 'the Basic credentials cannot be read');
  if (basic === undefined) return { id, secrets: secret === undefined ? [] : [secret], isBasic: false };
  if (secret !== undefined)
    return clientFault(
      'ambiguous',
      true,
      'Authenticate the client in one way only: Basic or the form (RFC 6749 section 2.3).',
    );
  const { user, password } = basic;
  // RFC 6749 §2.3.1 encodes both as form values first; curl and others do not, so the bare secret counts too.
  const name = decode(user) ?? user;
  if (id !== undefined && id !== name)
    return clientFault('ambiguous', true, 'client_id is not the client of the Authorization header.');
  const secrets = [decode(password) ?? password, password].filter((each) => each !== '');
  return { id: name, secrets, isBasic: true };
};

export const isClientFault = (value: object): value is ClientFault =>
  'kind' in value && value.kind === 'client_fault';

export const basicChallenge = 'Basic realm="tollgate", charset="UTF-8"';

const clientFault = (fault: ClientFault['fault'], isBasic: boolean, message: string): ClientFault => ({
  kind: 'client_fault',
  fault,
  isBasic,
  message,
});

/** The parts of `Authorization: Basic` (RFC 7617, in UTF-8); undefined when there is none. */
export const readBasic = (
  authorization: string | undefined,
): { readonly user: string; readonly password: string } | 'malformed' | undefined => {
  const basic = /^basic +(.*)$/i.exec(authorization ?? '');
  if (basic === null) return undefined;
  const encoded = (basic[1] ?? '').trim();
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return 'malformed';
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) return 'malformed';
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
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
