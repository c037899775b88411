// `tollgate key`: the keys that sign access tokens and identity JWTs. No private half is ever printed.

import { isOutage } from '../decision/outcome.ts';
import type { AuditAction } from '../lifecycle/audit.ts';
import { isFailure } from '../lifecycle/command-error.ts';
import { type ListedKey, listSigningKeys } from '../lifecycle/listed-keys.ts';
import { SigningKeys } from '../lifecycle/signing-keys.ts';
import { isRevokedKey } from '../lifecycle/stored-signing-keys.ts';
import type { Settings } from '../settings/settings.ts';
import { isRetired } from '../tokens/key-ring.ts';
import { signingAlgorithms } from '../tokens/signature.ts';
import { group } from './command.ts';
import { isoTime, lifetime, listing, pairs, time } from './output.ts';
import { argument, choice, flag } from './parameters.ts';
import { type Session, storeCommand, withAudit } from './store-command.ts';

const keyList = storeCommand({
  name: 'list',
  description: 'every key, and which one signs',
  takes: {},
  run: (_, { store, settings, now }) => listSigningKeys(store, settings.keys, now()),
  json: (keys) =>
    keys.map(({ kid, algorithm, state, origin, createdAtMs, activeFromMs, retireAtMs }) => ({
      kid,
      algorithm,
      state,
      origin,
      createdAt: isoTime(createdAtMs),
      activeFrom: isoTime(activeFromMs),
      retireAt: isoTime(retireAtMs),
    })),
  print: (keys, { output }) =>
    listing(
      output,
      ['KID', 'ALGORITHM', 'STATE', 'ORIGIN', 'SIGNS FROM', 'PUBLISHED UNTIL'],
      keys.map((key) => [key.kid, key.algorithm, key.state, key.origin, signsFrom(key), publishedUntil(key)]),
      'There is no key yet. The first is made when `tollgate serve` starts.',
    ),
});

const signsFrom = ({ origin, activeFromMs }: ListedKey): string => {
  if (origin === 'file') return 'always';
  return activeFromMs === 0 ? 'since it was made' : time(activeFromMs);
};

const publishedUntil = (key: ListedKey): string => {
  if (isRevokedKey(key)) return 'never again';
  return key.retireAtMs === undefined ? 'the next rotation' : time(key.retireAtMs);
};

const keyRotate = storeCommand({
  name: 'rotate',
  description: 'publish a new key now, and sign with it after keys.publishLead',
  takes: {
    algorithm: choice('--algorithm <ALGORITHM>', 'tokens.algorithm unless given', signingAlgorithms),
    abandonsOld: flag(
      '--abandon-old',
      'even where the current key cannot be opened: its sealing key is lost for good',
    ),
  },
  help:
    '\nExample:\n  tollgate key rotate\n\nThe old key stays published until its last token has expired, so nobody notices.\n' +
    'After a leak this is not enough, for what the old key signed is believed until then: tollgate key revoke KID',
  run: async (given, session) => {
    const { store, settings, now } = session;
    const algorithm = given.algorithm ?? settings.tokens.algorithm;
    const before = await store.listKeys();
    if (isOutage(before)) return before;
    const isOnly = !before.some((key) => key.algorithm === algorithm && !isRetired(key, now()));
    const rotated = await withKeys(session, 'key.rotate', (keys) =>
      keys.rotate(algorithm, { abandonsOld: given.abandonsOld }),
    );
    return isFailure(rotated) ? rotated : { ...rotated, isOnly };
  },
  json: ({ kid, algorithm, activeFromMs, retireOthersAtMs }) => ({
    kid,
    algorithm,
    activeFrom: isoTime(activeFromMs),
    retireOthersAt: isoTime(retireOthersAtMs),
  }),
  print: ({ kid, algorithm, activeFromMs, retireOthersAtMs, isOnly }, { output }) =>
    output.line(
      pairs([
        ['kid', kid],
        ['algorithm', algorithm],
        ['signs from', isOnly ? 'now, for there is no other' : time(activeFromMs)],
        ['others until', isOnly ? undefined : time(retireOthersAtMs)],
      ]),
    ),
});

const keyRevoke = storeCommand({
  name: 'revoke',
  description: 'end a key that has leaked: published no more, and nothing it signed is believed',
  takes: { kid: argument('<KID>', 'as `tollgate key list` shows it') },
  help:
    '\nWhere it is the newest, a new key is made first and signs at once. API tokens are not touched: their clients are' +
    '\ntold 401 once and exchange again. Who signed in by password signs in again.' +
    '\nA KID that begins with a dash is written after two: tollgate key revoke -- -KID',
  run: ({ kid }, session) => withKeys(session, 'key.revoke', (keys) => keys.revoke(kid)),
  json: ({ kid, algorithm, replacedBy }) => ({
    kid,
    algorithm,
    state: 'revoked',
    replacedBy: replacedBy?.kid ?? null,
  }),
  print: ({ kid, algorithm, replacedBy }, { output, settings }) => {
    output.line(
      pairs([
        ['kid', kid],
        ['algorithm', algorithm],
        ['state', 'revoked'],
        ['signs now', replacedBy?.kid],
      ]),
    );
    output.note(afterRevocation(settings));
  },
});

export const keyCommands = group('key', 'keys that sign access tokens and identity JWTs', [
  keyList,
  keyRotate,
  keyRevoke,
]);

const withKeys = async <T>(
  session: Session,
  action: AuditAction,
  work: (keys: SigningKeys) => Promise<T>,
): Promise<T> => {
  const { store, settings, now } = session;
  const keys = new SigningKeys({ store, settings, now });
  try {
    return await withAudit(session, action, {}, () => work(keys));
  } finally {
    keys.close();
  }
};

/** When it is in force, and what stays to be done. */
const afterRevocation = ({ feed }: Pick<Settings, 'feed'>): string =>
  [
    'In force on every replica whose change feed is connected, at once (milliseconds); on one that has lost the store, when',
    feed.whenStale === 'refuse'
      ? `it is back: until then it refuses everybody, ${lifetime(feed.maxStalenessMs)} after the loss (feed.maxStaleness).`
      : 'it is back: until then it goes on with what it knows (feed.whenStale: serve).',
    'Every access token the key signed is refused from now on; API tokens are good, and are exchanged again.',
    'An API that checks X-Identity itself believes the key for as long as it keeps its copy of /.well-known/jwks.json.',
    'With the key anybody could sign in as anybody: see what was made meanwhile, with `tollgate audit`.',
  ].join('\n');
