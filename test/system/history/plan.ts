// The plan of a run, made from a seed alone: which operations in which order, and which faults when. Which credential an
// operation takes is a fraction of the pool there is by then, so the same seed gives the same plan on every machine.

import { type Random, randomFrom } from './random.ts';

const weights = {
  create: 14,
  exchange: 12,
  use: 42,
  'revoke-token': 3,
  'revoke-secret': 1.5,
  'revoke-session': 2,
  /** Known to every replica, revoked, then asked of every replica until it is refused. */
  'revoke-watched': 5,
  'revoke-user': 0.8,
  'revoke-org': 0.3,
  regenerate: 3,
  'regenerate-overlap': 3,
  narrow: 2,
  widen: 2.5,
  disable: 1,
  enable: 2.5,
} as const;

export type IntentKind = keyof typeof weights;

export interface Intent {
  readonly kind: IntentKind;
  /** 0 to 1: where in the list of replicas, accounts and credentials. */
  readonly replica: number;
  readonly account: number;
  readonly pick: number;
  /** Of credentials: those believed good, or any, so that the dead ones are tried again and again. */
  readonly among: 'live' | 'any';
  readonly needs: 'read' | 'write';
  readonly scopes: 'all' | 'read';
  /** After an unknown outcome the same command again, with the same idempotency key. */
  readonly retries: boolean;
  /** What a client does before: nothing, for so long. */
  readonly pauseMs: number;
}

export interface FaultIntent {
  readonly kind: string;
  /** It begins when this many operations have begun. */
  readonly at: number;
  /** 0 to 1: which replica, node or process. */
  readonly pick: number;
  readonly lastsMs: number;
}

export interface Plan {
  readonly intents: readonly Intent[];
  readonly faults: readonly FaultIntent[];
}

export interface PlanOptions {
  readonly seed: string;
  readonly operations: number;
  readonly faultKinds: readonly string[];
  readonly faults: number;
}

export const makePlan = ({ seed, operations, faultKinds, faults }: PlanOptions): Plan => {
  const random = randomFrom(seed);
  const intents = Array.from({ length: operations }, () => makeIntent(random));
  const share = operations / (faults + 1);
  return {
    intents,
    faults: Array.from({ length: faults }, (_, index) => ({
      // Every kind comes before one comes again.
      kind: faultKinds[index % faultKinds.length] ?? '',
      at: Math.floor(share * (index + 0.3 + 0.6 * random.next())),
      pick: random.next(),
      lastsMs: 300 + random.below(2_700),
    })),
  };
};

const makeIntent = (random: Random): Intent => ({
  kind: random.weighted(weights),
  replica: random.next(),
  account: random.next(),
  pick: random.next(),
  among: random.next() < 0.75 ? 'live' : 'any',
  needs: random.next() < 0.6 ? 'read' : 'write',
  scopes: random.next() < 0.7 ? 'all' : 'read',
  retries: random.next() < 0.6,
  pauseMs: random.below(25),
});
