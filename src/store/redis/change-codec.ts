// A line of the change stream <-> a Change. Words, not JSON, because scripts add the generation they just counted.
// The words are a wire format that replicas of two versions share: add to it, never rename.

import { DamagedRecord } from '../record-reader.ts';
import { type Change, readChange } from '../records.ts';

/** Property of a change -> its word, in the order in which lines have them: scripts add what comes after `at`. */
const words: ReadonlyMap<string, string> = new Map([
  ['kind', 'kind'],
  ['tokenId', 'token'],
  ['sessionId', 'session'],
  ['orgId', 'org'],
  ['userId', 'user'],
  ['atMs', 'at'],
  ['secretNumber', 'number'],
  ['digest', 'digest'],
  ['previousUntilMs', 'previousUntil'],
  ['endsAtMs', 'ends'],
  ['generation', 'generation'],
  ['tokenGenerationMin', 'tokenGenerationMin'],
  ['state', 'state'],
]);
const numbers = new Set([
  'atMs',
  'secretNumber',
  'previousUntilMs',
  'endsAtMs',
  'generation',
  'tokenGenerationMin',
]);

/** Every word and its value in turn. */
export const lineOf = (change: Change): string[] => {
  const values = new Map<string, string | number | undefined>(Object.entries(change));
  return [...words].flatMap(([property, word]) => {
    const value = values.get(property);
    return value === undefined ? [] : [word, `${value}`];
  });
};

/** The line of a user or an org without its generation, which the script counts. */
export const accountLine = (orgId: string, userId: string | undefined, atMs: number): string[] =>
  userId === undefined
    ? ['kind', 'org', 'org', orgId, 'at', `${atMs}`]
    : ['kind', 'user', 'org', orgId, 'user', userId, 'at', `${atMs}`];

/** Names and their values in turn -> values by name. */
export const pairsOf = (words: readonly string[]): ReadonlyMap<string, string> =>
  new Map(words.flatMap((name, at) => (at % 2 === 0 ? [[name, words[at + 1] ?? ''] as const] : [])));

/** Undefined for a line this version does not know. */
export const parseLine = (line: readonly string[]): Change | undefined => {
  const values = pairsOf(line);
  try {
    const properties = [...words].map(([property, word]) => [property, valueOf(property, values.get(word))]);
    return readChange(Object.fromEntries(properties), 'a line of the change feed');
  } catch (error) {
    if (error instanceof DamagedRecord) return undefined;
    throw error;
  }
};

const states = new Set<string | undefined>(['active', 'disabled', 'deleted']);

/** What is no number where one belongs, and a state of a later version, is as absent. */
const valueOf = (property: string, text: string | undefined): string | number | undefined => {
  if (property === 'state') return states.has(text) ? text : undefined;
  if (text === undefined || !numbers.has(property)) return text;
  const number = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(number) ? number : undefined;
};
