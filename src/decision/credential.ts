// The credential of a request. No I/O.

import type { CredentialKind } from './identity.ts';

/** What the caller presented. `value` is secret: never logged, never a cache key. */
export interface Credential {
  readonly kind: CredentialKind;
  readonly value: string;
}
