// The operations on sessions: sign in with a password, see who one is, sign out. A session made from an API token may be
// seen and ended here, but it never becomes an interactive one.

import { z } from 'zod';
import type { Identity } from '../../decision/identity.ts';
import { isRefusal } from '../../decision/outcome.ts';
import { isFailure } from '../../lifecycle/command-error.ts';
import type { SignIn, SignOut } from '../../lifecycle/sign-in.ts';
import type { ManagementPaths } from '../../settings/surfaces/management.ts';
import { example } from './examples.ts';
import { fault, leavingOperation, type Operation, openOperation, operation, reply } from './operation.ts';
import { noBody } from './read-input.ts';
import { idText, named, noQuery, time, timeOf, timeOrNever } from './shapes.ts';

export interface SessionOperationsDeps {
  readonly signIn: SignIn;
  readonly signOut: SignOut;
  readonly paths: ManagementPaths;
}

const session = named(
  'Session',
  z.strictObject({
    kind: z.enum(['interactive', 'api_token']).meta({
      description:
        '`interactive`: a person signed in. `api_token`: it rests on an API token, and may manage nothing.',
    }),
    org: z.strictObject({ id: z.string(), name: z.string() }),
    user: z.strictObject({ id: z.string(), name: z.string(), roles: z.array(z.string()) }),
    scopes: z.array(z.string()).meta({ description: 'What it may do now.' }),
    issuer: z.string().meta({ description: 'Who issued the access token.' }),
    apiTokenId: z.string().nullable().meta({ description: 'The API token it rests on; null: on none.' }),
    expiresAt: timeOrNever('Null: an API token that never expires.'),
  }),
);

const signedIn = named(
  'SignedIn',
  z.strictObject({
    accessToken: z.string().meta({ description: 'A JWT, for `Authorization: Bearer`.' }),
    tokenType: z.literal('Bearer'),
    expiresAt: time('When to sign in again.'),
    session,
  }),
);

const signInBody = named(
  'SignIn',
  z.strictObject({
    org: idText('Id of the organization.'),
    user: idText('Id of the user.'),
    password: z.string().min(1).max(1024).meta({ format: 'password', writeOnly: true }),
  }),
);

export const sessionOperations = (deps: SessionOperationsDeps): readonly Operation[] => [
  signInOperation(deps),
  seeOperation(deps),
  signOutOperation(deps),
];

const signInOperation = ({ signIn, paths }: SessionOperationsDeps): Operation =>
  openOperation({
    id: 'signIn',
    method: 'POST',
    path: paths.sessions,
    tag: 'Sessions',
    summary: 'Sign in with a password',
    description:
      'Begins a session of a person. An unknown user, a wrong password and a disabled account are one answer. Tries are limited for each account and address. An access token of an identity provider that this server accepts needs no sign-in: send it as it is.',
    query: noQuery,
    body: signInBody,
    success: {
      status: 201,
      description: 'The session, with its access token.',
      body: signedIn,
      headers: { Location: 'Where the session can be seen, with its access token.' },
    },
    problems: ['sign_in_refused', 'access_token_too_large'],
    example: { body: { org: example.org, user: example.user, password: example.password } },
    run: async ({ request, body }) => {
      const issued = await signIn({
        orgId: body.org,
        userId: body.user,
        password: body.password,
        validityMs: undefined,
        clientId: undefined,
        origin: request,
      });
      if (isFailure(issued)) return issued;
      const { accessToken, expiresAtMs } = issued;
      const identity = { ...issued.identity, expiresAtMs };
      return reply(
        {
          accessToken,
          tokenType: 'Bearer',
          expiresAt: timeOf(expiresAtMs),
          session: showSession(identity),
        },
        { headers: { location: paths.currentSession }, identity },
      );
    },
  });

const seeOperation = ({ paths }: SessionOperationsDeps): Operation =>
  operation({
    id: 'getCurrentSession',
    method: 'GET',
    path: paths.currentSession,
    tag: 'Sessions',
    summary: 'See the session one is in',
    description: 'Who the credential stands for, and what it may do now. Any credential may ask.',
    query: noQuery,
    body: noBody,
    success: { status: 200, description: 'The session.', body: session },
    problems: [],
    example: {},
    run: async (_, { identity }) => reply(showSession(identity)),
  });

const signOutOperation = ({ signOut, paths }: SessionOperationsDeps): Operation =>
  leavingOperation({
    id: 'signOut',
    method: 'DELETE',
    path: paths.currentSession,
    tag: 'Sessions',
    summary: 'Sign out',
    description:
      'Ends the session of the access token this is sent with, on every replica. An API token behind it lives on. Repeating it is safe, also once the session has ended.',
    query: noQuery,
    body: noBody,
    success: { status: 204, description: 'It has ended.', body: undefined },
    problems: ['session_missing'],
    example: {},
    run: async (_, actor) => {
      const outcome = await signOut(actor);
      if (outcome === 'nothing') return fault('session_missing');
      return isRefusal(outcome) ? outcome : reply(undefined);
    },
  });

/** Also of the console. */
export const showSession = (identity: Identity): z.output<typeof session> => ({
  kind: identity.sessionKind,
  org: { id: identity.org.id, name: identity.org.name },
  user: { id: identity.user.id, name: identity.user.name, roles: [...identity.user.roles] },
  scopes: [...identity.scopes].sort(),
  issuer: identity.issuer,
  apiTokenId: identity.tokenId ?? null,
  expiresAt: identity.expiresAtMs === Infinity ? null : timeOf(identity.expiresAtMs),
});
