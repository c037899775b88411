// What finds out who is calling: signing keys, verifiers of access tokens, the identifier with its cache. Made from settings
// upon the foundation; a reload makes it again from what it was (keep.ts). Serves no request by itself.

import { setTimeout as delay } from 'node:timers/promises';
import { type Outage, outage } from '../decision/outcome.ts';
import { CachingIdentifier, type IdentifierDependencies } from '../identity/caching-identifier.ts';
import type { CacheCounts } from '../identity/identity-cache.ts';
import { createUnknownTokenLimit, type UnknownTokenLimit } from '../identity/unknown-token-limit.ts';
import { algorithmsOf, SigningKeys } from '../lifecycle/signing-keys.ts';
import { summarizeError } from '../observe/describe-error.ts';
import type { Log } from '../observe/log.ts';
import type { Settings } from '../settings/settings.ts';
import type { KeysFault } from '../tokens/issuer-keys.ts';
import { type AccessTokenVerifiers, createAccessTokenVerifiers } from '../tokens/verify-access-token.ts';
import type { Foundation } from './foundation.ts';
import { keep } from './keep.ts';
import { signersOf } from './signers.ts';

export interface Identification {
  readonly signingKeys: SigningKeys;
  readonly accessTokens: AccessTokenVerifiers;
  readonly unknownTokenLimit: UnknownTokenLimit;
  readonly identifier: CachingIdentifier;
}

export interface IdentificationDeps {
  readonly foundation: Pick<Foundation, 'store' | 'clock' | 'feedState' | 'lastUsed' | 'tallies'>;
  readonly log: Log;
  /** Of all identifiers since the start. */
  readonly counts: CacheCounts;
  /** Called when a signing key has been revoked: the caches that are in force must be dropped. */
  readonly onKeyRevoked: () => void;
}

/**
 * Asks nobody for anything yet: see `startIdentification`. Each part is given no other settings than those by which it is kept:
 * what it rests on cannot change unseen. No closure that a part keeps is made here, where it would hold `before` in memory.
 */
export const createIdentification = (
  settings: Settings,
  deps: IdentificationDeps,
  before?: Identification,
): Identification => {
  const { issuer, audience, identity, issuers, keys, tokens, upstreams, cache, feed, credential } = settings;
  const { foundation, log, onKeyRevoked: onRevoked } = deps;
  const { unknownTokensPerMinute } = settings.limits;
  const unknownTokenLimit = keep(before?.unknownTokenLimit, unknownTokensPerMinute, [], () =>
    createUnknownTokenLimit(unknownTokensPerMinute, undefined, deps.foundation.tallies),
  );
  const algorithms = algorithmsOf(settings);
  const ofKeys = { keys, tokens, identity, store: settings.store };
  const signingKeys = keep(before?.signingKeys, { ...ofKeys, algorithms }, [], () => {
    const { store, clock } = foundation;
    const revoked = before?.signingKeys.revoked;
    return new SigningKeys({ store, settings: ofKeys, now: clock.now, log, algorithms, onRevoked, revoked });
  });
  const { ring } = signingKeys;
  const ofTokens = { issuer, audience, issuers, tokens };
  const accessTokens = keep(before?.accessTokens, ofTokens, [ring], () =>
    createAccessTokenVerifiers(
      {
        issuer,
        audience,
        keyRing: ring,
        externalIssuers: issuers.filter(({ introspection }) => introspection === undefined),
        clockLeewayMs: tokens.clockLeewayMs,
        tokenAgeMsMax: tokens.accessTokenLifetimeMs,
        onIssuerFault: issuerFaultLogger(log),
      },
      before?.accessTokens.trusted,
    ),
  );
  const below = { signingKeys, accessTokens, unknownTokenLimit };
  // Identities are cached with what is rendered from them.
  const ofIdentities = { ...ofTokens, identity, upstreams, cache, feed, credential };
  const identifier = keep(before?.identifier, ofIdentities, Object.values(below), () =>
    openIdentifier(ofIdentities, below, deps),
  );
  return { ...below, identifier };
};

const openIdentifier = (
  settings: IdentifierDependencies['settings'] & Parameters<typeof signersOf>[0],
  { signingKeys, accessTokens, unknownTokenLimit }: Omit<Identification, 'identifier'>,
  { foundation, log, counts }: IdentificationDeps,
): CachingIdentifier => {
  const { store, feedState, lastUsed } = foundation;
  return new CachingIdentifier({
    store,
    settings,
    feedState,
    unknownTokenLimit,
    accessTokens,
    isKeyRevoked: (kid) => signingKeys.isRevoked(kid),
    noteUse: (tokenId, nowMs) => lastUsed.note(tokenId, nowMs),
    onIssuerFault: introspectionFaultLogger(log),
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
  const keys = before?.signingKeys === signingKeys ? ready : signingKeys.start();
  const warmed = before?.accessTokens === accessTokens ? ready : accessTokens.warm(nowMs);
  const late = delay(keysMsMax, undefined, { ref: false });
  // The first tokens of a new issuer are then as quick as later ones; one that is slow is not waited for.
  await Promise.race([Promise.all([keys, warmed]), late]);
  return (
    (await Promise.race([keys, late])) ??
    outage('keys_unavailable', new Error('the store did not answer in time'))
  );
};

const ready = Promise.resolve('ready' as const);

/** One line, for an issuer that is down or set up wrongly. */
const issuerFaultLogger =
  (log: Log) =>
  (issuer: string, fault: KeysFault | undefined): void => {
    if (fault === undefined) return log.info(`the keys of the issuer ${issuer} can be had again`);
    const consequence = fault.hasKeys
      ? 'Its known keys serve for its `staleKeysMax`, then its tokens are answered 503'
      : 'Its tokens are answered 503 until they can';
    log.warn(
      `the keys of the issuer ${issuer} cannot be had: ${summarizeError(fault.cause)}. ${consequence}; check \`issuer\` and \`jwks\` ${wayThere}`,
    );
  };

const introspectionFaultLogger =
  (log: Log) =>
  (issuer: string, fault: Outage | undefined): void => {
    if (fault === undefined) return log.info(`the issuer ${issuer} answers questions about its tokens again`);
    log.warn(
      `the issuer ${issuer} cannot be asked about its tokens: ${summarizeError(fault.cause)}. They are answered 503 until it can; check \`introspection\` ${wayThere}`,
    );
  };

const wayThere = 'of it, and the way there from this machine (HTTPS_PROXY, NO_PROXY).';

/** Lets go of the parts that `next` has not taken over. */
export const retireIdentification = (old: Identification, next: Identification | undefined): void => {
  if (old.signingKeys !== next?.signingKeys) old.signingKeys.close();
  if (old.identifier !== next?.identifier) old.identifier.retire();
};
