// The sessions of the console. The cookie says whose session it is and until when; what its user may do is read from the
// store at each request, and what has ended meanwhile the change feed says, as for an access token.

import { z } from 'zod';
import { doubtOf } from '../../decision/authorize.ts';
import type { Identity } from '../../decision/identity.ts';
import { denial, isDenial, isOutage, isRefusal, type Outage, type Refusal } from '../../decision/outcome.ts';
import { ownSession } from '../../identity/authenticators.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import { isCommandError } from '../../lifecycle/command-error.ts';
import { sessionIdentity } from '../../lifecycle/issue.ts';
import { findActiveOwner } from '../../lifecycle/owner.ts';
import type { RequestHead, SurfaceRequest } from '../answer.ts';
import type { FindActor } from '../management/endpoints.ts';
import type { SurfaceDeps } from '../surface.ts';
import { createSealedCookie } from './sealed-cookie.ts';

const generation = z.int().min(0);

/** What the cookie holds. Times are milliseconds since the epoch. */
const content = z.strictObject({
  org: z.string(),
  user: z.string(),
  id: z.string(),
  /** In which it began: it ends when either has grown. */
  generation: z.strictObject({ org: generation, user: generation }),
  /** Orgs in which the same provider vouches for the user; its own org among them. */
  orgs: z.array(z.string()),
  idleExpiresAtMs: z.number(),
  expiresAtMs: z.number(),
});
export type SessionContent = z.output<typeof content>;

/** A session that is in force. */
export interface ConsoleSession extends SessionContent {
  readonly identity: Identity;
  /** The change feed is heard, so that nothing has ended it. */
  readonly isCertain: boolean;
}

export interface BegunSession {
  readonly session: ConsoleSession;
  /** The line that gives it to the browser. */
  readonly cookie: string;
}

export interface ConsoleSessions {
  /** Of the request's cookie. Denials: there is none, or it has ended. */
  find(request: RequestHead): Promise<ConsoleSession | Refusal>;
  readonly findActor: FindActor;
  /** A session that begins now. `before`: what it goes on with. */
  begin(
    identity: Identity,
    before: {
      readonly orgs: readonly string[];
      readonly expiresAtMs?: number;
    },
  ): Promise<BegunSession | Outage>;
  /** The line that prolongs the session of a request; undefined where that is not due. */
  renewal(request: SurfaceRequest): Promise<string | undefined>;
  readonly erasure: string;
}

/** A session is prolonged by a request, but not by each. */
const renewEveryMs = (idleTimeoutMs: number): number => Math.min(60_000, idleTimeoutMs / 4);

/** A page that asks by a timer says so: nobody need sit before it. */
const backgroundHeader = 'tollgate-background';

export const createConsoleSessions = (deps: SurfaceDeps): ConsoleSessions => {
  const { settings, now } = deps;
  const { idleTimeoutMs, sessionLifetimeMs } = settings.surfaces.console;
  const cookie = createSealedCookie(settings, {
    name: '__Host-tollgate-console',
    label: 'console session v1',
    sameSite: 'Strict',
    parse: (value) => content.safeParse(value).data,
  });
  const found = new WeakMap<RequestHead, Promise<ConsoleSession | Refusal>>();

  const open = async (request: RequestHead): Promise<ConsoleSession | Refusal> => {
    const held = await cookie.read(request);
    if (isOutage(held)) return held;
    return held === undefined ? denial('credential_missing') : judge(deps, held);
  };
  const find = (request: RequestHead): Promise<ConsoleSession | Refusal> => {
    const known = found.get(request) ?? open(request);
    found.set(request, known);
    return known;
  };
  const write = (session: SessionContent): Promise<string | Outage> =>
    cookie.write(session, Math.min(session.idleExpiresAtMs, session.expiresAtMs) - now());

  return {
    find,
    erasure: cookie.erasure,
    findActor: async (request, access) => {
      const session = await find(request);
      if (!isRefusal(session)) return actorOf(session.identity, request);
      if (access !== 'leaving' || !isDenial(session)) return session;
      const held = await cookie.read(request);
      if (held === undefined || isOutage(held)) return held ?? session;
      return { ...actorOf(leavingIdentity(held, deps), request), hasEnded: true };
    },
    begin: async (identity, before) => {
      const { org, user, sessionId, generation: begunIn } = identity;
      if (sessionId === undefined || begunIn === undefined) throw new Error('a session without an id');
      const nowMs = now();
      const held: SessionContent = {
        org: org.id,
        user: user.id,
        id: sessionId,
        generation: begunIn,
        orgs: [...before.orgs],
        idleExpiresAtMs: nowMs + idleTimeoutMs,
        expiresAtMs: before.expiresAtMs ?? nowMs + sessionLifetimeMs,
      };
      const line = await write(held);
      return isOutage(line)
        ? line
        : { session: { ...held, identity: identityOf(held, identity), isCertain: true }, cookie: line };
    },
    renewal: async (request) => {
      if (request.headerLines(backgroundHeader).length > 0) return undefined;
      const session = await find(request);
      // A cookie may live no longer than its end is remembered: where that may have been missed, none is given.
      if (isRefusal(session) || !session.isCertain) return undefined;
      const nowMs = now();
      const leftMs = session.idleExpiresAtMs - nowMs;
      // More is left than there can be where the setting has been lowered.
      if (leftMs <= idleTimeoutMs && leftMs > idleTimeoutMs - renewEveryMs(idleTimeoutMs)) return undefined;
      const { identity: _identity, isCertain: _isCertain, ...held } = session;
      const line = await write({ ...held, idleExpiresAtMs: nowMs + idleTimeoutMs });
      return isOutage(line) ? undefined : line;
    },
  };
};

/** What a cookie is worth now. */
const judge = async (deps: SurfaceDeps, held: SessionContent): Promise<ConsoleSession | Refusal> => {
  const { store, identifier, settings } = deps;
  const nowMs = deps.now();
  if (nowMs >= Math.min(held.idleExpiresAtMs, held.expiresAtMs)) return denial('token_expired', held.id);
  const owner = await findActiveOwner(store, held.org, held.user);
  if (isOutage(owner)) return owner;
  if (isCommandError(owner)) return denial('session_ended', owner.message);
  const { org, user } = owner;
  if (org.generation > held.generation.org || user.generation > held.generation.user)
    return denial('session_ended', held.id);
  const identity = identityOf(
    held,
    sessionIdentity(owner, deps, { sessionKind: 'interactive', sessionId: held.id }),
  );
  const standing = identifier.standing(identity, nowMs);
  const serveWhenUnknown = settings.feed.whenStale === 'serve';
  return (
    // A person signed in: no API token says from where.
    doubtOf({
      identity,
      standing,
      clientAddress: undefined,
      proxies: settings.proxyAddresses,
      nowMs,
      serveWhenUnknown,
    }) ?? {
      ...held,
      identity,
      isCertain: standing === 'live',
    }
  );
};

/** As the session has it: from when it began, and until it ends. */
const identityOf = (held: SessionContent, identity: Identity): Identity => ({
  ...identity,
  generation: held.generation,
  expiresAtMs: Math.min(held.idleExpiresAtMs, held.expiresAtMs),
});

const actorOf = (identity: Identity, { clientAddress, requestId }: RequestHead): Actor => ({
  identity,
  clientAddress,
  requestId,
  via: 'console',
});

/** Of a session that has ended: enough to end it once more, and to do nothing else. */
const leavingIdentity = (held: SessionContent, { settings }: Pick<SurfaceDeps, 'settings'>): Identity => ({
  authenticator: ownSession,
  sessionKind: 'interactive',
  issuer: settings.issuer,
  org: { id: held.org, name: held.org },
  user: { id: held.user, name: held.user, roles: [] },
  scopes: new Set(),
  tokenId: undefined,
  secretNumber: undefined,
  sessionId: held.id,
  generation: held.generation,
  issuedAtMs: 0,
  expiresAtMs: held.expiresAtMs,
});
