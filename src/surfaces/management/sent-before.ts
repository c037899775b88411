// Which commands this replica was given with which idempotency keys, where the store cannot tell: a command with a key that
// was used for another one is refused. Bounded: what was sent longest ago is forgotten. Holds digests alone.

import { hash } from 'node:crypto';

export interface SentBefore {
  /** Whether the key was used for another command in the same place. */
  isAnother(place: readonly string[], command: object): boolean;
  /** The command was carried out. */
  note(place: readonly string[], command: object): void;
}

const keysMax = 10_000;

/** `place`: who sent the key, and where to. */
export const createSentBefore = (): SentBefore => {
  const commands = new Map<string, string>();
  return {
    isAnother: (place, command) => {
      const known = commands.get(digestOf(place));
      return known !== undefined && known !== digestOf(command);
    },
    note: (place, command) => {
      const key = digestOf(place);
      commands.delete(key);
      commands.set(key, digestOf(command));
      const [oldest] = commands.keys();
      if (commands.size > keysMax && oldest !== undefined) commands.delete(oldest);
    },
  };
};

const digestOf = (value: object): string => hash('sha256', JSON.stringify(value), 'base64url');
