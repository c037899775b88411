// Which changes the streams hold now, so that only what they lack is written back.

import { generationOf, subjectOf } from '../changes.ts';
import type { Change } from '../records.ts';
import { parseLine } from './change-codec.ts';
import type { MasterConnections } from './connections.ts';
import type { KeySpace } from './key-space.ts';

/** Subject of a change -> the highest generation, or number of a secret, that a line of it has. */
export type KnownLines = ReadonlyMap<string, number>;

const linesPerRead = 1000;

/** Whether the streams hold a change, or one of the same subject that says more. */
export const isKnownLine = (lines: KnownLines, change: Change): boolean =>
  (lines.get(subjectOf(change)) ?? -1) >= generationOf(change);

/** Reads the streams of these shards whole, in pieces. Rejects with the library's error. */
export const readKnownLines = async (
  connections: MasterConnections,
  keys: KeySpace,
  shards: Iterable<number>,
): Promise<KnownLines> => {
  const lines = new Map<string, number>();
  for (const shard of shards) {
    const stream = keys.changes(shard);
    for (let from = '-'; ;) {
      const read = await connections.on(stream, (client) =>
        client.xrange(stream, from, '+', 'COUNT', linesPerRead),
      );
      for (const [, words] of read) {
        const change = parseLine(words);
        if (change === undefined || isKnownLine(lines, change)) continue;
        lines.set(subjectOf(change), generationOf(change));
      }
      const last = read.at(-1)?.[0];
      if (last === undefined || read.length < linesPerRead) break;
      from = `(${last}`;
    }
  }
  return lines;
};
