// What finds out who is calling: signing keys, verifiers of access tokens, the identifier with its cache. Made from settings
// upon the foundation; a reload makes it again from what it was, and each part lives on while what it was made from is the
// same. Serves no request by itself.

import { setTimeout as delay } from 'node:timers/promises';
import { type Outage, outage } from '../decision/outcome.ts';
import { type CacheCounts, newCacheCounts } from '../identity/cache-reading.ts';
import {
  type CountingIdentifier,
  createIdentifier,
  type IdentifierDependencies,
} from '../identity/create-identifier.ts';
import { createUnknownTokenLimit, type UnknownTokenLimit } from '../identity/unknown-token-limit.ts';
import { algorithmsOf, SigningKeys } from '../lifecycle/signing-keys.ts';
import { summarizeError } from '../observe/describe-error.ts';
import type { Log } from '../observe/log.ts';
import type { Settings } from '../settings/settings.ts';
import type { KeyRing } from '../tokens/key-ring.ts';
import type { KeysFault } from '../tokens/issuer-keys.ts';
import { type AccessTokenVerifiers, createAccessTokenVerifiers } from '../tokens/verify-access-token.ts';
import type { Foundation } from './foundation.ts';
import { keep, type Kept } from './keep.ts';
import { signersOf } from './signers.ts';

export interface Identification {
  readonly signingKeys: Kept<SigningKeys>;
  readonly accessTokens: Kept<AccessTokenVerifiers>;
  readonly unknownTokenLimit: Kept<UnknownTokenLimit>;
  readonly identifier: Kept<CountingIdentifier>;
  /** Of all identifiers since the start. */
  readonly counts: CacheCounts;
}

export interface IdentificationDeps {
  readonly foundation: Pick<Foundation, 'store' | 'clock' | 'feedState' | 'lastUsed'>;
  readonly log: Log;
  /** Called when a signing key has been revoked: the caches that are in force must be dropped. */
  readonly onKeyRevoked: () => void;
}

/** Asks nobody for anything yet: see `startIdentification`. */
export const createIdentification = (
  settings: Settings,
  deps: IdentificationDeps,
  before?: Identification,
): Identification => {
  const { issuer, audience, identity, issuers, keys, tokens, upstreams, cache, feed, credential } = settings;
  const { unknownTokensPerMinute } = settings.limits;
  const unknownTokenLimit = keep(before?.unknownTokenLimit, unknownTokensPerMinute, [], () =>
    createUnknownTokenLimit(unknownTokensPerMinute),
  );
  // Each part is given no other settings than those by which it is kept: what it rests on cannot change unseen.
  const ofKeys = { keys, tokens, identity, store: settings.store, algorithms: algorithmsOf(settings) };
  const signingKeys = keep(before?.signingKeys, ofKeys, [], () =>
    openKeys(ofKeys, deps, before?.signingKeys.part.revoked),
  );
  const { ring } = signingKeys.part;
  const ofTokens = { issuer, audience, issuers, tokens };
  const accessTokens = keep(before?.accessTokens, ofTokens, [ring], () =>
    openVerifiers(ofTokens, ring, deps.log, before?.accessTokens.part.trusted),
  );
  const counts = before?.counts ?? newCacheCounts();
  const below = {
    signingKeys: signingKeys.part,
    accessTokens: accessTokens.part,
    unknownTokenLimit: unknownTokenLimit.part,
  };
  // Identities are cached with what is rendered from them.
  const ofIdentities = { ...ofTokens, identity, upstreams, cache, feed, credential };
  const identifier = keep(before?.identifier, ofIdentities, Object.values(below), () =>
    openIdentifier(ofIdentities, below, deps, counts),
  );
  return { signingKeys, accessTokens, unknownTokenLimit, identifier, counts };
};

// The closures that a part keeps are made in functions of their own, which do not see `before`: else each generation of
// parts would hold all before it in memory.

const openKeys = (
  settings: Pick<Settings, 'keys' | 'tokens' | 'identity' | 'store'> & {
    readonly algorithms: ReturnType<typeof algorithmsOf>;
  },
  { foundation, log, onKeyRevoked }: IdentificationDeps,
  revoked: ReadonlySet<string> | undefined,
): SigningKeys => {
  const { store, clock } = foundation;
  const { algorithms } = settings;
  return new SigningKeys({
    store,
    settings,
    now: clock.now,
    log,
    algorithms,
    onRevoked: onKeyRevoked,
    revoked,
  });
};

const openVerifiers = (
  { issuer, audience, issuers, tokens }: Pick<Settings, 'issuer' | 'audience' | 'issuers' | 'tokens'>,
  keyRing: KeyRing,
  log: Log,
  known: AccessTokenVerifiers['trusted'] | undefined,
): AccessTokenVerifiers =>
  createAccessTokenVerifiers(
    {
      issuer,
      audience,
      keyRing,
      externalIssuers: issuers.filter(({ introspection }) => introspection === undefined),
      clockLeewayMs: tokens.clockLeewayMs,
      tokenAgeMsMax: tokens.accessTokenLifetimeMs,
      onIssuerFault: (name, fault) => logIssuerFault(log, name, fault),
    },
    known,
  );

const openIdentifier = (
  settings: IdentifierDependencies['settings'] & Parameters<typeof signersOf>[0],
  below: Pick<IdentifierDependencies, 'accessTokens' | 'unknownTokenLimit'> & {
    readonly signingKeys: SigningKeys;
  },
  { foundation, log }: IdentificationDeps,
  counts: CacheCounts,
): CountingIdentifier => {
  const { store, feedState, lastUsed } = foundation;
  const { signingKeys, accessTokens, unknownTokenLimit } = below;
  return createIdentifier({
    store,
    settings,
    feedState,
    unknownTokenLimit,
    accessTokens,
    isKeyRevoked: (kid) => signingKeys.isRevoked(kid),
    noteUse: (tokenId, nowMs) => lastUsed.note(tokenId, nowMs),
    onIssuerFault: (name, fault) => logIntrospectionFault(log, name, fault),
    counts,
    ...signersOf(settings, signingKeys.ring),
  });
};

/** How long a reload may wait for keys. */
const keysMsMax = 10_000;

/**
 * Reads the signing keys and warms the issuers, where `before` has not done so; what cannot be had now is tried again by
 * itself. An Outage when this replica could not sign.
 */
export const startIdentification = async (
  { signingKeys, accessTokens }: Identification,
  nowMs: number,
  before?: Identification,
): ReturnType<SigningKeys['start']> => {
  const keys = before?.signingKeys === signingKeys ? ready : signingKeys.part.start();
  const warmed = before?.accessTokens === accessTokens ? ready : accessTokens.part.warm(nowMs);
  const late = delay(keysMsMax, undefined, { ref: false });
  // The first tokens of a new issuer are then as quick as later ones; one that is slow is not waited for.
  await Promise.race([Promise.all([keys, warmed]), late]);
  return (
    (await Promise.race([keys, late])) ??
    outage('keys_unavailable', new Error('the store did not answer in time'))
  );
};

const ready = Promise.resolve('ready' as const);

const logIssuerFault = (log: Log, issuer: string, fault: KeysFault | undefined): void => {
  if (fault === undefined) log.info(`the keys of the issuer ${issuer} can be had again`);
  else log.warn(adviceOn(issuer, fault));
};

const logIntrospectionFault = (log: Log, issuer: string, fault: Outage | undefined): void => {
  if (fault === undefined) log.info(`the issuer ${issuer} answers questions about its tokens again`);
  else
    log.warn(
      `the issuer ${issuer} cannot be asked about its tokens: ${summarizeError(fault.cause)}. They are answered 503 until it ` +
        'can; check `introspection` of it, and the way there from this machine (HTTPS_PROXY, NO_PROXY).',
    );
};

/** One line, for an issuer that is down or set up wrongly. */
const adviceOn = (issuer: string, { cause, hasKeys }: KeysFault): string =>
  `the keys of the issuer ${issuer} cannot be had: ${summarizeError(cause)}. ` +
  (hasKeys
    ? 'Its known keys serve for its `staleKeysMax`, then its tokens are answered 503; '
    : 'Its tokens are answered 503 until they can; ') +
  'check `issuer` and `jwks` of it, and the way there from this machine (HTTPS_PROXY, NO_PROXY).';

/** Lets go of the parts that `next` has not taken over. */
export const retireIdentification = (old: Identification, next: Identification | undefined): void => {
  if (old.signingKeys !== next?.signingKeys) old.signingKeys.part.close();
  if (old.identifier !== next?.identifier) old.identifier.part.retire();
};
