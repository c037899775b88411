// An OpenID provider where people sign in: oidc-provider as it is published. Whoever comes is the person that the test names;
// nobody is asked for a password or for consent.

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';
import type { Test } from 'tap';
import { listenRestartably, type Restartable } from './restartable-server.ts';

export interface SignInProvider extends Pick<Restartable, 'stop' | 'start'> {
  readonly issuer: string;
  /** The claims of whoever signs in next; `sub` at least. */
  person: Readonly<Record<string, unknown>> & { readonly sub: string };
  /** Goes where the provider leads to, from `location` on, until that is another place; gives that. */
  visit(location: string): Promise<string>;
}

export const clientId = 'tollgate';
export const clientSecret = 'the secret of Tollgate at the provider';

/** `redirectUri`: of the console. Ends with the test. */
export const startSignInProvider = async (t: Test, redirectUri: string): Promise<SignInProvider> => {
  let person: SignInProvider['person'] = { sub: 'ann' };
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/interaction/') === true)
      return void provider.interactionFinished(request, response, { login: { accountId: person.sub } });
    provider.callback()(request, response);
  });
  const { port, stop, start } = await listenRestartably(t, server);
  const issuer = `http://127.0.0.1:${port}`;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const provider: Provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'ES256' }] },
    cookies: { keys: ['of this test'] },
    claims: { openid: ['sub'], profile: ['name', 'org', 'email', 'email_verified'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` },
    findAccount: (_: unknown, sub: string) => ({ accountId: sub, claims: () => person }),
    loadExistingGrant: async ({
      oidc,
    }: {
      readonly oidc: { readonly session: { readonly accountId: string } };
    }) => {
      const grant = new provider.Grant({ clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope('openid profile');
      await grant.save();
      return grant;
    },
  });
  const visit = async (location: string): Promise<string> => {
    const jar = new Map<string, string>();
    let at = location;
    while (at.startsWith(issuer)) {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await fetch(at, { redirect: 'manual', headers: { cookie } });
      for (const line of answer.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        jar.set(name, value);
      }
      const next = answer.headers.get('location');
      if (next === null) throw new Error(`${answer.status} at ${at}: ${await answer.text()}`);
      at = new URL(next, at).href;
    }
    return at;
  };
  return {
    issuer,
    stop,
    start,
    visit,
    get person() {
      return person;
    },
    set person(next) {
      person = next;
    },
  };
};
