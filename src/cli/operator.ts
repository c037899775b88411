// The operator at the command line: acts without an identity, and is written down all the same.

import { randomUUID } from 'node:crypto';
import { type AuditAction, createAudit } from '../lifecycle/audit.ts';
import type { AuditParty } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';

/** Carries out a command, and writes it into the store's audit before the command ends. */
export const withAudit = async <T>(
  deps: { readonly store: TokenStore; readonly now: () => number },
  action: AuditAction,
  subject: Partial<AuditParty>,
  work: () => Promise<T>,
  /** Who was made, where that is known only afterwards. */
  subjectOf?: (outcome: T) => Partial<AuditParty>,
): Promise<T> => {
  const audit = createAudit({ ...deps, log: undefined, exchangeSampling: 1 });
  const outcome = await work();
  const origin = { clientAddress: 'cli', requestId: randomUUID() };
  audit.record({
    action,
    identity: undefined,
    origin,
    subject: { ...subject, ...subjectOf?.(outcome) },
    outcome,
  });
  await audit.close();
  return outcome;
};
