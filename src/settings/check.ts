// A check of settings against each other, as a value. Checks report problems (the process must not start) and warnings
// (it may).

import { isLoopbackUrl } from '../tokens/outgoing-proxy.ts';
import type { Report } from './settings-issue.ts';
import type { FileFields } from './schema.ts';

/** Judges some of the groups, when none of these has a fault: what it would say of a group that is half read may be false. */
export interface Check {
  readonly groups: readonly (keyof FileFields)[];
  readonly judge: (fields: FileFields, problem: Report, warning: Report) => void;
}

export const check = <Name extends keyof FileFields>(
  groups: readonly Name[],
  judge: (fields: Pick<FileFields, Name>, problem: Report, warning: Report) => void,
): Check => ({ groups, judge });

export const below =
  (path: readonly (string | number)[], report: Report): Report =>
  (rest, message) =>
    report([...path, ...rest], message);

/** Whether others on the network can read and change what is sent there. */
export const isPlainHttp = (url: string): boolean => url.startsWith('http:') && !isLoopbackUrl(url);
