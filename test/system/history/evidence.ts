// What a history proves about one moment: how long a replica may lag, whether a credential is good for certain, what an
// account's roles and state may be. Pure: no I/O, no clock.

import { possibleRoles, possibleStates, type PossibleValues } from './account-state.ts';
import type { AccountName, AccountState, Credential, History, Operation, RoleSet } from './history.ts';
import { type Lifetime, lifetimeOf } from './lifetime.ts';

/** What an operation says of a credential: it was accepted, or refused. */
export interface Verdict {
  readonly operation: Operation;
  readonly credential: Credential;
  readonly needs: 'read' | 'write';
  readonly refused: { readonly status: number; readonly reason: string | undefined } | undefined;
}

/** Reasons of a replica that knows a credential to be dead for good. */
const deadForGood = ['token_revoked', 'session_ended'];

export class Evidence {
  readonly history: History;
  readonly verdicts: readonly Verdict[];
  readonly #lifetimes = new Map<string, Lifetime>();
  readonly #burials = new Map<string, Verdict[]>();
  readonly #roles: PossibleValues<RoleSet>;
  readonly #states: PossibleValues<AccountState>;

  constructor(history: History) {
    this.history = history;
    this.#roles = possibleRoles(history);
    this.#states = possibleStates(history);
    for (const credential of history.credentials.values()) {
      this.#lifetimes.set(credential.id, lifetimeOf(history, credential));
      this.#burials.set(credential.id, []);
    }
    this.verdicts = history.operations.flatMap((operation) => verdictsOf(history, operation));
    for (const verdict of this.verdicts)
      if (deadForGood.includes(verdict.refused?.reason ?? ''))
        this.#burials.get(verdict.credential.id)?.push(verdict);
  }

  lifetime(credential: Credential): Lifetime {
    const lifetime = this.#lifetimes.get(credential.id);
    if (lifetime === undefined) throw new Error(`${credential.id} is no credential of this history`);
    return lifetime;
  }

  /** Refusals of the credential as dead for good that were answered before an operation began. */
  burials({ operation, credential }: Verdict): readonly Verdict[] {
    const known = this.#burials.get(credential.id) ?? [];
    return known.filter((other) => other.operation.completedMs < operation.invokedMs);
  }

  /**
   * How long a replica may go on as before after something that was acknowledged at `sinceMs`: the longer bound counts where
   * a fault that may cut it off, or the recovery from one, falls between then and `untilMs`.
   */
  boundMs(replica: string, sinceMs: number, untilMs: number): number {
    const { healthyMs, cutOffMs, settleMs } = this.history.bounds;
    const wasCutOff = this.history.faults.some(
      ({ replicas, beganMs, healedMs }) =>
        replicas.includes(replica) && beganMs <= untilMs && healedMs + settleMs >= sinceMs,
    );
    return wasCutOff ? cutOffMs : healthyMs;
  }

  /** The roles that the replica may have gone by in an operation. */
  roles(account: AccountName, operation: Operation): ReadonlySet<RoleSet> {
    return this.#roles(account, ...this.#window(operation));
  }

  states(account: AccountName, operation: Operation): ReadonlySet<AccountState> {
    return this.#states(account, ...this.#window(operation));
  }

  /** Nothing that was begun before the answer came can have ended or suspended the credential. */
  isGoodForCertain(credential: Credential, operation: Operation): boolean {
    return (
      credential.bornByMs <= operation.invokedMs &&
      this.lifetime(credential).mayDieFromMs > operation.completedMs &&
      !this.states(credential.account, operation).has('disabled')
    );
  }

  isInOutage({ invokedMs, completedMs }: Operation): boolean {
    const { faults, bounds } = this.history;
    return faults.some(
      ({ beganMs, healedMs }) => beganMs <= completedMs && healedMs + bounds.settleMs >= invokedMs,
    );
  }

  /** Whether a fault has emptied the store before the end of the operation: what is unknown then is lost, not denied. */
  wasEmptied({ completedMs }: Operation): boolean {
    return this.history.faults.some(({ losesRecords, beganMs }) => losesRecords && beganMs <= completedMs);
  }

  #window({ replica, invokedMs, completedMs }: Operation): [fromMs: number, toMs: number] {
    const bound = this.boundMs(replica, invokedMs - this.history.bounds.cutOffMs, completedMs);
    return [invokedMs - bound, completedMs];
  }
}

/** Of the credential that was used, or of the administrator's session in which a command was given. */
const verdictsOf = ({ credentials }: History, operation: Operation): Verdict[] => {
  const { outcome, actor } = operation;
  const used = operation.kind === 'use' || operation.kind === 'exchange' ? operation.credential : '';
  const credential = credentials.get(actor ?? used);
  if (credential === undefined) return [];
  const needs = operation.kind === 'use' ? operation.needs : 'read';
  if (outcome.kind === 'ok') return [{ operation, credential, needs, refused: undefined }];
  if (outcome.kind !== 'refused') return [];
  // With 404, 409 and 422 the administrator was believed, and the command refused.
  const isBelieved = actor !== undefined && outcome.status !== 401 && outcome.status !== 403;
  return [{ operation, credential, needs, refused: isBelieved ? undefined : outcome }];
};
