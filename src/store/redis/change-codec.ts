// A line of the change stream <-> a Change. Words, not JSON, because scripts add the generation they just counted.
// The field names are a wire format that replicas of two versions share: add to it, never rename.

import type { Change } from '../records.ts';

/** The words of a line, without the generation (scripts add it) unless the change has one already. */
export const lineOf = (change: Change): string[] => {
  const at = ['at', `${change.atMs}`];
  switch (change.kind) {
    case 'token':
      return ['kind', 'token', 'token', change.tokenId, ...at];
    case 'secret': {
      const { tokenId, secretNumber, digest, previousUntilMs } = change;
      const words = [
        'kind',
        'secret',
        'token',
        tokenId,
        ...at,
        'number',
        `${secretNumber}`,
        'digest',
        digest,
      ];
      return previousUntilMs === undefined ? words : [...words, 'previousUntil', `${previousUntilMs}`];
    }
    case 'session':
      return ['kind', 'session', 'session', change.sessionId, ...at];
    case 'user':
      return ['kind', 'user', 'org', change.orgId, 'user', change.userId, ...at, ...generationOf(change)];
    case 'org':
      return ['kind', 'org', 'org', change.orgId, ...at, ...generationOf(change)];
    case 'keys':
      return ['kind', 'keys', ...at];
  }
};

type AccountChange = Extract<Change, { readonly generation: number }>;

const generationOf = (change: AccountChange): string[] => [
  'generation',
  `${change.generation}`,
  ...(change.tokenGenerationMin === undefined ? [] : ['tokenGenerationMin', `${change.tokenGenerationMin}`]),
  ...(change.state === undefined ? [] : ['state', change.state]),
];

/** The line of a user or an org whose generation the script will count. */
export const accountLine = (orgId: string, userId: string | undefined, atMs: number): string[] =>
  userId === undefined
    ? ['kind', 'org', 'org', orgId, 'at', `${atMs}`]
    : ['kind', 'user', 'org', orgId, 'user', userId, 'at', `${atMs}`];

/** Undefined for a line this version does not know. */
export const parseLine = (words: readonly string[]): Change | undefined => {
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < words.length; i += 2) fields.set(words[i] ?? '', words[i + 1] ?? '');
  const atMs = integer(fields.get('at'));
  if (atMs === undefined) return undefined;
  const orgId = fields.get('org');
  const userId = fields.get('user');
  switch (fields.get('kind') ?? '') {
    case 'token':
      return whole(fields.get('token'), (tokenId) => ({ kind: 'token', tokenId, atMs }));
    case 'secret':
      return whole(fields.get('token'), (tokenId) =>
        whole(integer(fields.get('number')), (secretNumber) =>
          whole(fields.get('digest'), (digest) => ({
            kind: 'secret',
            tokenId,
            secretNumber,
            digest,
            ...previousUntil(fields),
            atMs,
          })),
        ),
      );
    case 'session':
      return whole(fields.get('session'), (sessionId) => ({ kind: 'session', sessionId, atMs }));
    case 'user':
      return whole(orgId, (orgId) =>
        whole(userId, (userId) =>
          whole(standing(fields), (facts) => ({ kind: 'user', orgId, userId, ...facts, atMs })),
        ),
      );
    case 'org':
      return whole(orgId, (orgId) =>
        whole(standing(fields), (facts) => ({ kind: 'org', orgId, ...facts, atMs })),
      );
    case 'keys':
      return { kind: 'keys', atMs };
    default:
      return undefined;
  }
};

const whole = <T>(part: T | undefined, make: (part: T) => Change | undefined): Change | undefined =>
  part === undefined ? undefined : make(part);

const previousUntil = (fields: ReadonlyMap<string, string>): { previousUntilMs?: number } => {
  const previousUntilMs = integer(fields.get('previousUntil'));
  return previousUntilMs === undefined ? {} : { previousUntilMs };
};

const standing = (
  fields: ReadonlyMap<string, string>,
): Pick<AccountChange, 'generation' | 'tokenGenerationMin' | 'state'> | undefined => {
  const generation = integer(fields.get('generation'));
  if (generation === undefined) return undefined;
  const state = fields.get('state');
  const tokenGenerationMin = integer(fields.get('tokenGenerationMin'));
  return {
    generation,
    ...(tokenGenerationMin === undefined ? {} : { tokenGenerationMin }),
    ...(state === 'active' || state === 'disabled' ? { state } : {}),
  };
};

const integer = (text: string | undefined): number | undefined => {
  if (text === undefined || !/^\d{1,15}$/.test(text)) return undefined;
  return Number(text);
};
