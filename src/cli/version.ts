// The version of this Tollgate, as package.json has it.

import { readFileSync } from 'node:fs';

/** `unknown` when package.json names none; throws when it is not there. */
export const readVersion = (): string => {
  const read: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const version = typeof read === 'object' && read !== null && 'version' in read ? read.version : undefined;
  return typeof version === 'string' ? version : 'unknown';
};
