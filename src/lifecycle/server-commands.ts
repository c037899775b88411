// The commands of the operator about the server itself: its signing keys, and how it does.

import type { Outage, Refusal } from '../decision/outcome.ts';
import { mayOperate } from '../decision/rights.ts';
import type { ServerStatus } from '../observe/metrics.ts';
import type { Settings } from '../settings/settings.ts';
import type { TokenStore } from '../store/token-store.ts';
import type { SigningAlgorithm } from '../tokens/signature.ts';
import type { Actor } from './actor.ts';
import type { AuditAction } from './audit.ts';
import type { CommandError } from './command-error.ts';
import { type ListedKey, listSigningKeys } from './listed-keys.ts';
import type { RotatedKey, SigningKeys } from './signing-keys.ts';
import { withRight, type WithRightDeps } from './with-right.ts';

export interface ServerCommandsDeps extends WithRightDeps {
  readonly store: Pick<TokenStore, 'findOrg' | 'findUser' | 'listKeys'>;
  readonly settings: Pick<Settings, 'keys' | 'tokens'>;
  readonly signingKeys: Pick<SigningKeys, 'rotate'>;
  readonly status: () => ServerStatus;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export type ServerCommands = ReturnType<typeof createServerCommands>;

/** Refused as `mayOperate` says, and `rate_limited` after too many commands. */
export const createServerCommands = (deps: ServerCommandsDeps) => {
  const { store, settings, signingKeys, status, now } = deps;
  const asOperator = <T extends object>(
    actor: Actor,
    action: AuditAction,
    work: () => Promise<T | CommandError | Outage>,
  ): Promise<T | CommandError | Refusal> =>
    withRight<T>(deps, { actor, action, subject: () => ({}), may: mayOperate, work });
  return {
    listKeys: (actor: Actor) =>
      asOperator<readonly ListedKey[]>(actor, 'key.list', () => listSigningKeys(store, settings.keys, now())),

    /** Undefined: `tokens.algorithm`. The new key is published now, and signs once every replica knows it. */
    rotateKey: (actor: Actor, algorithm: SigningAlgorithm = settings.tokens.algorithm) =>
      asOperator<RotatedKey>(actor, 'key.rotate', () => signingKeys.rotate(algorithm)),

    readStatus: (actor: Actor) => asOperator<ServerStatus>(actor, 'status.see', async () => status()),
  };
};
