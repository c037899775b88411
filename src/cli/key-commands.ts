// `tollgate key`: the keys that sign access tokens and identity JWTs. No private half is ever printed.

import type { Command } from 'commander';
import { createSigningKeys } from '../lifecycle/signing-keys.ts';
import type { SigningKeyRecord } from '../store/records.ts';
import { isBetter, isRetired } from '../tokens/key-ring.ts';
import { isKeyFault, parseSigningKey, type SigningAlgorithm } from '../tokens/signing-key.ts';
import type { AddCommands } from './command-line.ts';
import { exitCode } from './exit-code.ts';
import { isoTime, pairs, time, listing } from './output.ts';
import { isRefusal, refuse, withStore } from './session.ts';
import { Option } from 'commander';

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
        withStore(command, world, async (store, settings, output) => {
          const stored = await store.listKeys();
          if (isRefusal(stored)) return refuse(output, stored);
          const keys = [...settings.keys.signingKeys.flatMap(listedFile), ...stored.map(listedRecord)];
          const states = statesOf(keys, Date.now());
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
                one.origin === 'file' ? 'always' : time(one.activeFromMs),
                one.retireAtMs === undefined ? 'the next rotation' : time(one.retireAtMs),
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
      '\nThe old key stays published until its last token has expired, so nobody notices.\n' +
        'After a leak, sign with the new one at once: tollgate key rotate --set keys.publishLead=0s',
    )
    .action(
      run((options: RotateOptions, command: Command) =>
        withStore(command, world, async (store, settings, output) => {
          const keys = createSigningKeys({ store, settings, now: Date.now });
          try {
            const rotated = await keys.rotate(options.algorithm ?? settings.tokens.algorithm, {
              abandonsOld: options.abandonOld === true,
            });
            if (isRefusal(rotated)) return refuse(output, rotated);
            const { kid, algorithm, activeFromMs, retireOthersAtMs } = rotated;
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
                  ['signs from', time(activeFromMs)],
                  ['others until', time(retireOthersAtMs)],
                ]),
              );
            return exitCode.ok;
          } finally {
            keys.close();
          }
        }),
      ),
    );
};

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
    if (isRetired(key, nowMs)) return 'retired';
    if (signing.get(key.algorithm) === key) return 'signing';
    return key.activeFromMs > nowMs ? 'next' : 'verifying';
  });
};
