// Where the sealing key comes from: the settings, or a file. With the embedded store the file is made when it is missing,
// readable by its owner alone. It is never overwritten, logged or put in a message.

import { randomBytes, randomUUID } from 'node:crypto';
import { link, open, readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sealingKey } from '../settings/pem.ts';
import type { Settings } from '../settings/settings.ts';
import { sealingKeyBytes } from '../tokens/sealing.ts';
import { type KeyFault, keyFault } from '../tokens/signing-key.ts';

/**
 * The 32 bytes under which signing keys are sealed, or what to do to have them.
 * @param mayCreate whether a missing file may be made.
 */
export const loadSealingKey = async (
  { encryptionKey, encryptionKeyFile: file }: Pick<Settings['keys'], 'encryptionKey' | 'encryptionKeyFile'>,
  mayCreate: boolean,
): Promise<Uint8Array | KeyFault> => {
  if (encryptionKey !== undefined) return encryptionKey;
  if (file === undefined)
    return keyFault(
      'there is no sealing key for the signing keys in the store: set keys.encryptionKey ' +
        '(TOLLGATE_KEYS_ENCRYPTION_KEY) to the output of `openssl rand -base64 32`, the same on every replica',
    );
  const found = await readKeyFile(file);
  if (found !== 'missing') return found;
  if (!mayCreate)
    return keyFault(
      `the sealing key file ${file} is missing, but signing keys in the store are sealed under it: ` +
        'put it back. Only where it is lost for good, abandon the old keys for a new one: ' +
        'tollgate key rotate --abandon-old',
    );
  const failure = await createKeyFile(file);
  if (failure !== undefined) return failure;
  // Whichever process made it first: all use what is in the file.
  const made = await readKeyFile(file);
  return made === 'missing'
    ? keyFault(`the sealing key file ${file} went missing just after it was made`)
    : made;
};

const readKeyFile = async (file: string): Promise<Uint8Array | KeyFault | 'missing'> => {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' ? 'missing' : keyFault(`the sealing key file ${file} cannot be read (${code})`);
  }
  const key = sealingKey.read(text);
  if (key.ok) return key.value;
  return keyFault(
    `the sealing key file ${file} does not hold ${sealingKeyBytes} bytes in base64: put the right file back; ` +
      'or, if no key was ever sealed under it, delete it and start again',
  );
};

/** Whole or not at all, and never over another: written aside, then linked to its name, which fails where one stands. */
const createKeyFile = async (file: string): Promise<KeyFault | undefined> => {
  const aside = `${file}.${randomUUID()}`;
  try {
    const handle = await open(aside, 'wx', 0o600);
    try {
      await handle.writeFile(`${randomBytes(sealingKeyBytes).toString('base64')}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(aside, file);
    await syncFolder(dirname(file));
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'EEXIST')
      return keyFault(
        `the sealing key file ${file} cannot be made (${code}): let this process write its folder, ` +
          'or set keys.encryptionKey to the output of `openssl rand -base64 32`',
      );
  } finally {
    await unlink(aside).catch(() => undefined);
  }
  return undefined;
};

/** A name survives a power cut only when its folder has been written too. */
const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
