// Sign in, see who one is, act in another org, sign out: what the browser does with the session's cookie. It never sees an
// access token.

import { z } from 'zod';
import {
  type Denial,
  denial,
  isOutage,
  isRefusal,
  type Outage,
  type Refusal,
} from '../../decision/outcome.ts';
import { type CommandError, isCommandError, isFailure } from '../../lifecycle/command-error.ts';
import { findActiveOwner } from '../../lifecycle/owner.ts';
import { createBeginSession, createSignOut } from '../../lifecycle/sign-in.ts';
import { createBeginVouchedSession } from '../../lifecycle/vouched-session.ts';
import { type Answer, denied, type Endpoint, success, type SurfaceRequest } from '../answer.ts';
import { type Dialect, endpoint } from '../endpoint.ts';
import { malformed, type ProblemFacts } from '../management/management-problem.ts';
import { readInput } from '../management/read-input.ts';
import { showSession } from '../management/session-operations.ts';
import { noQuery, timeOf } from '../management/shapes.ts';
import type { SurfaceDeps } from '../surface.ts';
import type { ConsoleSession, ConsoleSessions } from './console-sessions.ts';

/** Of the pages' one catalogue of messages. */
const languages = ['en', 'fr', 'es', 'ru'] as const;

type Failure = ProblemFacts | Refusal | CommandError;

const id = z.string().min(1).max(128);
const signInBody = z.strictObject({ org: id, user: id, password: z.string().min(1).max(1024) });
const orgBody = z.strictObject({ org: id });

export interface SessionEndpointsDeps {
  readonly surface: SurfaceDeps;
  readonly sessions: ConsoleSessions;
  readonly dialect: Dialect<ProblemFacts>;
}

/** `providers`: where one may sign in beside the password. */
export const sessionEndpoints = (deps: SessionEndpointsDeps, providers: readonly object[]) => ({
  options: { GET: () => success(200, { password: true, providers, languages }, undefined) },
  session: {
    GET: endpoint(deps.dialect, (request) => see(deps, request)),
    POST: signInEndpoint(deps),
    DELETE: signOutEndpoint(deps),
  },
  org: { PUT: orgEndpoint(deps) },
});

const see = async (deps: SessionEndpointsDeps, request: SurfaceRequest): Promise<Answer | Refusal> => {
  const session = await deps.sessions.find(request);
  return isRefusal(session) ? session : answerOf(deps, 200, session);
};

const signInEndpoint = (deps: SessionEndpointsDeps): Endpoint => {
  const { surface, sessions, dialect } = deps;
  const begin = createBeginSession({ ...surface, limit: surface.signInLimit });
  return endpoint(dialect, async (request): Promise<Answer | Failure> => {
    const body = bodyOf(request, signInBody);
    if ('code' in body) return body;
    const { clientAddress, requestId } = request;
    const identity = await begin({
      orgId: body.org,
      userId: body.user,
      password: body.password,
      origin: { clientAddress, requestId, via: 'console' },
    });
    if (isRefusal(identity)) return identity;
    const begun = await sessions.begin(identity, { orgs: [identity.org.id] });
    return isOutage(begun) ? begun : answerOf(deps, 201, begun.session, begun.cookie);
  });
};

/** The session of another org goes on in place of this one, which ends. */
const orgEndpoint = (deps: SessionEndpointsDeps): Endpoint => {
  const { surface, sessions, dialect } = deps;
  const begin = createBeginVouchedSession(surface);
  const signOut = createSignOut(surface);
  return endpoint(dialect, async (request): Promise<Answer | Failure> => {
    const body = bodyOf(request, orgBody);
    if ('code' in body) return body;
    const session = await sessions.find(request);
    if (isRefusal(session)) return session;
    if (body.org === session.org) return answerOf(deps, 200, session);
    const actor = await sessions.findActor(request, 'session');
    if (isRefusal(actor)) return actor;
    const refusal = refusalOf(surface, session, body.org);
    if (refusal !== undefined) {
      const subject = { org: body.org, user: session.user };
      const attempt = {
        action: 'session.begin',
        identity: session.identity,
        origin: actor,
        subject,
      } as const;
      surface.audit?.record({ ...attempt, outcome: refusal });
      return refusal;
    }
    const identity = await begin({ orgId: body.org, userId: session.user, origin: actor });
    if (isFailure(identity)) return identity;
    const begun = await sessions.begin(identity, session);
    if (isOutage(begun)) return begun;
    const ended = await signOut(actor);
    return isRefusal(ended) ? ended : answerOf(deps, 200, begun.session, begun.cookie);
  });
};

const refusalOf = (
  { commandLimit }: SurfaceDeps,
  { orgs, identity }: ConsoleSession,
  org: string,
): Denial | undefined => {
  if (!orgs.includes(org)) return denial('tenant_mismatch', org.slice(0, 128));
  // Each time costs writes that every replica sees.
  return commandLimit?.(identity, 'other') === false ? denial('rate_limited') : undefined;
};

const signOutEndpoint = ({ surface, sessions, dialect }: SessionEndpointsDeps): Endpoint => {
  const signOut = createSignOut(surface);
  return endpoint(dialect, async (request): Promise<Answer | Failure> => {
    const actor = await sessions.findActor(request, 'leaving');
    // Of a cookie that is not ours, or of none, there is nothing to end.
    if (isOutage(actor)) return actor;
    const outcome = isRefusal(actor) ? 'nothing' : await signOut(actor);
    if (isRefusal(outcome)) return outcome;
    const identity = isRefusal(actor) ? undefined : actor.identity;
    return { ...success(204, undefined, identity), cookies: [sessions.erasure] };
  });
};

const answerOf = async (
  { surface }: SessionEndpointsDeps,
  status: 200 | 201,
  session: ConsoleSession,
  cookie?: string,
): Promise<Answer | Outage> => {
  const orgs = await orgsOf(surface, session);
  if (isOutage(orgs)) return orgs;
  const body = {
    session: showSession(session.identity),
    orgs,
    idleExpiresAt: timeOf(Math.min(session.idleExpiresAtMs, session.expiresAtMs)),
    expiresAt: timeOf(session.expiresAtMs),
  };
  const answer = success(status, body, session.identity);
  return cookie === undefined ? answer : { ...answer, cookies: [cookie] };
};

/** Those in which the user is there and active. */
const orgsOf = async (
  { store }: SurfaceDeps,
  { orgs, user, identity }: ConsoleSession,
): Promise<readonly { readonly id: string; readonly name: string }[] | Outage> => {
  const { org } = identity;
  const shown = [{ id: org.id, name: org.name }];
  for (const other of orgs.filter((each) => each !== org.id)) {
    const owner = await findActiveOwner(store, other, user);
    if (isOutage(owner)) return owner;
    if (!isCommandError(owner)) shown.push({ id: owner.org.id, name: owner.org.name });
  }
  return shown;
};

export const bodyOf = <Schema extends z.ZodType<object>>(
  request: SurfaceRequest,
  body: Schema,
): z.output<Schema> | ProblemFacts => {
  const read = readInput(request, { query: noQuery, body, takesIdempotencyKey: false });
  if (!('fault' in read)) return read.body;
  return read.fault === 'media_type'
    ? { code: 'media_type_refused', note: denied('request_malformed', 'the body is no JSON') }
    : malformed(read.detail, read.errors, undefined);
};
