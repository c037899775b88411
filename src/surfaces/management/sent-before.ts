// Which commands this replica was given with which idempotency keys, where the store cannot tell: a command with a key that
// was used for another one is refused. Bounded: what was sent longest ago is forgotten. Holds digests alone.

import { hash } from 'node:crypto';

export interface SentBefore {
  /** Whether the key was used for another command by the same user, for the same token. */
  isAnother(use: readonly string[], command: object): boolean;
  /** The command was carried out. */
  note(use: readonly string[], command: object): void;
}

const keysMax = 10_000;

/** `use`: who sent which key, and for what. */
export const createSentBefore = (): SentBefore => {
  const commands = new Map<string, string>();
  return {
    isAnother: (use, command) => {
      const known = commands.get(digestOf(use));
      return known !== undefined && known !== digestOf(command);
    },
    note: (use, command) => {
      const key = digestOf(use);
      commands.delete(key);
      commands.set(key, digestOf(command));
      const [oldest] = commands.keys();
      if (commands.size > keysMax && oldest !== undefined) commands.delete(oldest);
    },
  };
};

const digestOf = (value: object): string => hash('sha256', JSON.stringify(value), 'base64url');
