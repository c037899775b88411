// Keeps the key ring of this replica: keys mounted as files, and keys of the store, made when there is none, rotated on
// order, read again when another replica says so. Signing goes on while the store is down; private keys are never logged.

import { isOutage, type Outage, outage } from '../decision/outcome.ts';
import type { Log } from '../observe/log.ts';
import type { Settings } from '../settings/settings.ts';
import type { SigningKeyRecord } from '../store/records.ts';
import type { TokenStore } from '../store/token-store.ts';
import { KeyRing } from '../tokens/key-ring.ts';
import {
  isKeyFault,
  type KeyFault,
  parseSigningKey,
  type SigningAlgorithm,
  type SigningKey,
  type VerificationKey,
} from '../tokens/signing-key.ts';
import { generateStoredKey, openPublicHalf, openStoredKey } from '../tokens/stored-key.ts';
import { type Problem, problem } from './problem.ts';
import { loadSealingKey } from './sealing-key.ts';

export interface SigningKeysOptions {
  readonly store: Pick<TokenStore, 'listKeys' | 'addKey'>;
  readonly settings: Pick<Settings, 'keys' | 'tokens' | 'store' | 'identity'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly log?: Pick<Log, 'info' | 'warn'>;
}

/** What a rotation has set going. Times are milliseconds since the epoch. */
export interface RotatedKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly activeFromMs: number;
  /** When the keys before it are no longer published nor believed. */
  readonly retireOthersAtMs: number;
}

export interface SigningKeys {
  readonly ring: KeyRing;
  /** Reads the keys, making the first of `tokens.algorithm`. After an Outage it goes on trying by itself. */
  start(): Promise<'ready' | Outage>;
  /** Whether this replica can sign now; `keys_unavailable` or the store's outage, with what to do in its cause. */
  state(): 'ready' | Outage;
  /** Reads the keys again: after a `keys` line of the change feed. What is known stays while the store is down. */
  reload(): Promise<void>;
  /** Adds a key that is published at once and signs `publishLeadMs` later; the old ones stay until their tokens are over. */
  rotate(algorithm: SigningAlgorithm): Promise<RotatedKey | Problem | Outage>;
  close(): void;
}

/** A change that the feed did not bring is found this much later. */
const reloadIntervalMs = 60_000;
const retryDelayMs = 250;
const retryDelayMsMax = 5_000;

export const createSigningKeys = (options: SigningKeysOptions): SigningKeys => new StoredSigningKeys(options);

class StoredSigningKeys implements SigningKeys {
  readonly ring = new KeyRing();
  readonly #options: SigningKeysOptions;
  readonly #mounted: readonly SigningKey[];
  #state: 'ready' | Outage = outage('keys_unavailable', new Error('the signing keys have not been read yet'));
  /** As last read, to write them back should the store lose them. */
  #records: readonly SigningKeyRecord[] = [];
  #flight: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #lastWarning: string | undefined;
  #isClosed = false;

  constructor(options: SigningKeysOptions) {
    this.#options = options;
    const parsed = options.settings.keys.signingKeys.map((pem, index) =>
      parseSigningKey(pem, `keys.signingKeys, item ${index + 1},`),
    );
    this.#mounted = parsed.filter((key) => !isKeyFault(key));
    this.ring.replace(this.#mounted);
    const fault = parsed.find(isKeyFault);
    if (fault !== undefined) this.#state = keysUnavailable(fault.message);
    else this.#judge(undefined);
  }
}

const keysUnavailable = (message: string): Outage => outage('keys_unavailable', new Error(message));
