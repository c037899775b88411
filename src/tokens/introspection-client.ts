// Asks an issuer about one token (RFC 7662): proves who asks, and parses the answer. Whatever is no introspection response
// is an outage: it says nothing of the token, good or bad. Keeps nothing; the caller bounds how often it is asked.

import { createPrivateKey, randomUUID } from 'node:crypto';
import { isOutage, type Outage, outage } from '../decision/outcome.ts';
import { isJsonObject, member } from '../decision/strict-json.ts';
import { answeredStatus, connectionsTo, fetchJson, type JsonRequest, shownUrl } from './fetch-json.ts';
import { encode } from './sign.ts';
import { algorithmOf, signInput } from './signature.ts';

export interface IntrospectionClientSettings {
  readonly url: string;
  readonly clientId: string;
  /** How Tollgate proves that it is this client; `private_key_jwt` needs a key, the others a secret. */
  readonly method: 'basic' | 'post' | 'private_key_jwt';
  readonly clientSecret?: string | undefined;
  /** PEM. */
  readonly key?: string | undefined;
  /** `kid` of the key, as the issuer knows it; undefined: none is named. */
  readonly keyId?: string | undefined;
  readonly timeoutMs: number;
}

/** A response that says the token is active, with its members; `null` members are left out. Or that it is not. */
export type Introspected = { readonly active: true; readonly members: object } | { readonly active: false };

/** Asks about one token. Never rejects. */
export type AskIssuer = (token: string, nowMs: number) => Promise<Introspected | Outage>;

/** Responses are small; the size also bounds what many at once hold in memory. */
const bytesMax = 64 * 1024;

export const createIntrospectionClient = (
  settings: IntrospectionClientSettings,
  /** `ca`: PEM of a private CA; undefined: the system's. */
  { issuer, ca }: { readonly issuer: string; readonly ca: string | undefined },
): AskIssuer => {
  const { url, method, timeoutMs } = settings;
  const authenticate = authenticationOf(settings, issuer);
  const connections = sharedConnections(url, ca, timeoutMs);
  return async (token, nowMs) => {
    const { form, headers } = authenticate(nowMs);
    const asked = new URLSearchParams({ token, token_type_hint: 'access_token', ...form });
    const body = await fetchJson({ url, ca, form: asked, headers, connections, timeoutMs, bytesMax });
    if (isOutage(body)) return answeredStatus(body) === 401 ? notAccepted(url, method, body) : body;
    return parseResponse(body) ?? noResponse(url);
  };
};

/** Undefined when the proxy of the environment cannot be used: then each question fails, and says so. */
const sharedConnections = (...to: Parameters<typeof connectionsTo>): JsonRequest['connections'] => {
  try {
    return connectionsTo(...to);
  } catch {
    return undefined;
  }
};

/** RFC 7662 section 2.3: 401 is about who asks, and says nothing of the token. */
const notAccepted = (
  url: string,
  method: IntrospectionClientSettings['method'],
  { cause }: Outage,
): Outage => {
  const proof = method === 'private_key_jwt' ? 'key' : 'clientSecret';
  return outage(
    'issuer_unavailable',
    new Error(`${shownUrl(url)} does not accept Tollgate's clientId and ${proof}`, { cause }),
  );
};

const noResponse = (url: string): Outage =>
  outage(
    'issuer_unavailable',
    new Error(
      `${shownUrl(url)} did not answer an introspection response: an object with active true or false`,
    ),
  );

const parseResponse = (body: unknown): Introspected | undefined => {
  const active = member(body, 'active');
  if (active === false) return { active };
  if (active !== true || !isJsonObject(body)) return undefined;
  return { active, members: Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null)) };
};

/** What a request carries to prove who asks. */
interface ClientProof {
  readonly form: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

const authenticationOf = (
  settings: IntrospectionClientSettings,
  issuer: string,
): ((nowMs: number) => ClientProof) => {
  const { method, clientId, clientSecret = '' } = settings;
  switch (method) {
    case 'basic': {
      // RFC 6749 section 2.3.1: each is written as in a form before base64.
      const pair = `${formEncoded(clientId)}:${formEncoded(clientSecret)}`;
      const headers = { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
      return () => ({ form: {}, headers });
    }
    case 'post': {
      const form = { client_id: clientId, client_secret: clientSecret };
      return () => ({ form, headers: {} });
    }
    case 'private_key_jwt': {
      const sign = assertionSigner(settings, issuer);
      return (nowMs) => ({
        form: { client_id: clientId, client_assertion_type: assertionType, client_assertion: sign(nowMs) },
        headers: {},
      });
    }
  }
};

const formEncoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const assertionLifeSeconds = 60;

/** RFC 7523 section 3. `aud` is the issuer alone, so that no other server can use the assertion. */
const assertionSigner = (
  { clientId, key = '', keyId }: IntrospectionClientSettings,
  issuer: string,
): ((nowMs: number) => string) => {
  const privateKey = createPrivateKey(key);
  const algorithm = algorithmOf(privateKey);
  if (algorithm === undefined) throw new TypeError('a client key that the settings should have refused');
  const header = encode({ alg: algorithm, typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) });
  return (nowMs) => {
    const iat = Math.floor(nowMs / 1000);
    const claims = {
      iss: clientId,
      sub: clientId,
      aud: issuer,
      jti: randomUUID(),
      iat,
      exp: iat + assertionLifeSeconds,
    };
    const input = `${header}.${encode(claims)}`;
    return `${input}.${signInput(algorithm, privateKey, input)}`;
  };
};
