// What a surface needs where people sign in and manage API tokens: the same for every dialect that does. Types only.

import type { Identifier } from '../identity/identifier.ts';
import type { CommandLimit } from '../identity/command-limit.ts';
import type { SessionLimit } from '../identity/session-limit.ts';
import type { SignInLimit } from '../identity/sign-in-limit.ts';
import type { Audit } from '../lifecycle/audit.ts';
import type { PasswordHashes } from '../lifecycle/password-hash.ts';
import type { Settings } from '../settings/settings.ts';
import type { TokenStore } from '../store/token-store.ts';
import type { KeyRing } from '../tokens/key-ring.ts';

export interface SignInSurfaceDeps {
  readonly settings: Pick<
    Settings,
    'issuer' | 'audience' | 'credential' | 'surfaces' | 'tokens' | 'keys' | 'feed'
  >;
  readonly store: TokenStore;
  readonly identifier: Pick<Identifier, 'identify' | 'standing' | 'verify' | 'mayBeApiToken'>;
  readonly keys: Pick<KeyRing, 'signingKey'>;
  readonly passwords: PasswordHashes;
  readonly signInLimit: SignInLimit;
  /** Undefined: any number of sessions of an API token. */
  readonly sessionLimit?: SessionLimit | undefined;
  /** Undefined: an account may give any number of commands. */
  readonly commandLimit?: CommandLimit | undefined;
  /** Where commands are written down; undefined: nowhere. */
  readonly audit?: Audit | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}
