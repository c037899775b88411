// An API token as astra's clients read it: a resource of exactly these keys. The secret is in the answer that makes it,
// and nowhere else.

import type { ApiTokenRecord } from '../../store/records.ts';
import { uuidOfUser } from '../../identity/vendor-ids.ts';

export const tokenType = 'application/astra-token';
export const tokenVersion = '1.0';

export type AstraToken = ReturnType<typeof astraTokenOf>;

type Shown = Pick<ApiTokenRecord, 'id' | 'name' | 'orgId' | 'userId' | 'labels' | 'createdAtMs'>;

/** Who made a token is in the audit alone: `createdBy` is its owner. Nothing of it changes after it was made. */
export const astraTokenOf = (token: Shown) => {
  const userID = uuidOfUser(token.orgId, token.userId);
  const timestamp = new Date(token.createdAtMs).toISOString();
  return {
    type: tokenType,
    version: tokenVersion,
    id: token.id,
    name: token.name,
    userID,
    metadata: {
      labels: token.labels.map(({ name, value }) => ({ name, value })),
      creationTimestamp: timestamp,
      modificationTimestamp: timestamp,
      createdBy: userID,
    },
  };
};

/** The same with the secret, where the vendor has it. */
export const withSecret = ({ metadata, ...token }: AstraToken, secret: string): object => ({
  ...token,
  token: secret,
  metadata,
});
