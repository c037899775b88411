// `tollgate key`: the keys that sign access tokens and identity JWTs. No private half is ever printed.

import { type Command, Option } from 'commander';
import { createSigningKeys } from '../lifecycle/signing-keys.ts';
import type { Settings } from '../settings/settings.ts';
import { isRevokedKey } from '../lifecycle/stored-signing-keys.ts';
import type { SigningKeyRecord } from '../store/records.ts';
import { isBetter, isRetired } from '../tokens/key-ring.ts';
import type { SigningAlgorithm } from '../tokens/signature.ts';
import { isKeyFault, parseSigningKey } from '../tokens/signing-key.ts';
import type { AddCommands, Run } from './command-line.ts';
import { exitCode } from './exit-code.ts';
import { withAudit } from './operator.ts';
import { isoTime, lifetime, listing, pairs, time } from './output.ts';
import { refuse, type World, withStore } from './session.ts';
import { isFailure } from '../lifecycle/command-error.ts';

/** One key as it is listed. */
interface ListedKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly origin: 'file' | 'store';
  readonly createdAtMs: number | undefined;
  readonly activeFromMs: number;
  readonly retireAtMs: number | undefined;
}

interface RotateOptions {
  readonly algorithm?: SigningAlgorithm;
  readonly abandonOld?: boolean;
}

export const addKeyCommands: AddCommands = (program, world, run) => {
  const key = program.command('key').description('keys that sign access tokens and identity JWTs');

  key
    .command('list')
    .description('every key, and which one signs')
    .action(
      run((_: unknown, command: Command) =>
        withStore(command, world, async ({ store, settings, output, now }) => {
          const stored = await store.listKeys();
          if (isFailure(stored)) return refuse(output, stored);
          const keys = [...settings.keys.signingKeys.flatMap(listedFile), ...stored.map(listedRecord)];
          const states = statesOf(keys, now());
          if (output.isJson)
            output.json(
              keys.map((one, index) => ({
                kid: one.kid,
                algorithm: one.algorithm,
                state: states[index],
                origin: one.origin,
                createdAt: isoTime(one.createdAtMs),
                activeFrom: isoTime(one.activeFromMs),
                retireAt: isoTime(one.retireAtMs),
              })),
            );
          else
            listing(
              output,
              ['KID', 'ALGORITHM', 'STATE', 'ORIGIN', 'SIGNS FROM', 'PUBLISHED UNTIL'],
              keys.map((one, index) => [
                one.kid,
                one.algorithm,
                states[index] ?? '',
                one.origin,
                one.origin === 'file'
                  ? 'always'
                  : one.activeFromMs === 0
                    ? 'since it was made'
                    : time(one.activeFromMs),
                isRevokedKey(one)
                  ? 'never again'
                  : one.retireAtMs === undefined
                    ? 'the next rotation'
                    : time(one.retireAtMs),
              ]),
              'There is no key yet. The first is made when `tollgate serve` starts.',
            );
          return exitCode.ok;
        }),
      ),
    );

  key
    .command('rotate')
    .description('publish a new key now, and sign with it after keys.publishLead')
    .addOption(
      new Option('--algorithm <ALGORITHM>', 'tokens.algorithm unless given').choices([
        'ES256',
        'RS256',
        'EdDSA',
      ]),
    )
    .option('--abandon-old', 'even where the current key cannot be opened: its sealing key is lost for good')
    .addHelpText(
      'after',
      '\nExample:\n  tollgate key rotate\n\nThe old key stays published until its last token has expired, so nobody notices.\n' +
        'After a leak this is not enough, for what the old key signed is believed until then: tollgate key revoke KID',
    )
    .action(
      run((options: RotateOptions, command: Command) =>
        withStore(command, world, async ({ store, settings, output, now }) => {
          const keys = createSigningKeys({ store, settings, now });
          try {
            const algorithm = options.algorithm ?? settings.tokens.algorithm;
            const before = await store.listKeys();
            if (isFailure(before)) return refuse(output, before);
            const isOnly = !before.some((one) => one.algorithm === algorithm && !isRetired(one, now()));
            const rotated = await withAudit({ store, now }, 'key.rotate', {}, () =>
              keys.rotate(algorithm, { abandonsOld: options.abandonOld === true }),
            );
            if (isFailure(rotated)) return refuse(output, rotated);
            const { kid, activeFromMs, retireOthersAtMs } = rotated;
            if (output.isJson)
              output.json({
                kid,
                algorithm,
                activeFrom: isoTime(activeFromMs),
                retireOthersAt: isoTime(retireOthersAtMs),
              });
            else
              output.line(
                pairs([
                  ['kid', kid],
                  ['algorithm', algorithm],
                  ['signs from', isOnly ? 'now, for there is no other' : time(activeFromMs)],
                  ['others until', isOnly ? undefined : time(retireOthersAtMs)],
                ]),
              );
            return exitCode.ok;
          } finally {
            keys.close();
          }
        }),
      ),
    );
  addRevokeCommand(key, world, run);
};

const addRevokeCommand = (key: Command, world: World, run: Run): void => {
  key
    .command('revoke')
    .description('end a key that has leaked: published no more, and nothing it signed is believed')
    .argument('<KID>', 'as `tollgate key list` shows it')
    .addHelpText(
      'after',
      '\nWhere it is the newest, a new key is made first and signs at once. API tokens are not touched: their clients are' +
        '\ntold 401 once and exchange again. Who signed in by password signs in again.' +
        '\nA KID that begins with a dash is written after two: tollgate key revoke -- -KID',
    )
    .action(
      run((kid: string, _: unknown, command: Command) =>
        withStore(command, world, async ({ store, settings, output, now }) => {
          const keys = createSigningKeys({ store, settings, now });
          try {
            const revoked = await withAudit({ store, now }, 'key.revoke', {}, () => keys.revoke(kid));
            if (isFailure(revoked)) return refuse(output, revoked);
            const { algorithm, replacedBy } = revoked;
            if (output.isJson)
              output.json({ kid, algorithm, state: 'revoked', replacedBy: replacedBy?.kid ?? null });
            else {
              output.line(
                pairs([
                  ['kid', kid],
                  ['algorithm', algorithm],
                  ['state', 'revoked'],
                  ['signs now', replacedBy?.kid],
                ]),
              );
              output.note(afterRevocation(settings));
            }
            return exitCode.ok;
          } finally {
            keys.close();
          }
        }),
      ),
    );
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

const listedFile = (pem: string, index: number): readonly ListedKey[] => {
  const key = parseSigningKey(pem, `item ${index + 1} of keys.signingKeys`);
  return isKeyFault(key) ? [] : [{ ...key, createdAtMs: undefined }];
};

const listedRecord = (record: SigningKeyRecord): ListedKey => ({
  kid: record.kid,
  algorithm: record.algorithm,
  origin: 'store',
  createdAtMs: record.createdAtMs,
  activeFromMs: record.activeFromMs,
  retireAtMs: record.retireAtMs,
});

/** `signing`: the first mounted file of its algorithm, else the newest active key of the store, else the next one. */
const statesOf = (keys: readonly ListedKey[], nowMs: number): readonly string[] => {
  const signing = new Map<SigningAlgorithm, ListedKey>();
  for (const key of keys) {
    const best = signing.get(key.algorithm);
    if (!isRetired(key, nowMs) && (best === undefined || isBetter(key, best, nowMs)))
      signing.set(key.algorithm, key);
  }
  return keys.map((key) => {
    if (isRevokedKey(key)) return 'revoked';
    if (isRetired(key, nowMs)) return 'retired';
    if (signing.get(key.algorithm) === key) return 'signing';
    return key.activeFromMs > nowMs ? 'next' : 'verifying';
  });
};
