// Readers of certificates and keys: PEM text, or the path of a file with it. Their content is never in a message.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { algorithmOf } from '../tokens/signature.ts';
import { readPrivateKey } from '../tokens/signing-key.ts';
import { type Read, type Reader, refined, right, wrong } from './reader.ts';

const blocks = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g;

/** Reads a small text file; the message says why not. */
export const readTextFile = (path: string, what: string): Read<string> => {
  try {
    return right(readFileSync(path, 'utf8'));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const why =
      { ENOENT: 'there is no such file', EACCES: 'this process may not read it', EISDIR: 'it is a folder' }[
        code
      ] ??
      (code || 'it cannot be read');
    return wrong(`cannot read ${what} from ${JSON.stringify(path)}: ${why}`);
  }
};

/** A PEM file is written as its path, or as its text. What stands between BEGIN and END alone is no path to be shown. */
export const isPemPath = (value: string): boolean =>
  !isPemText(value) && !/[\0-\x1f]/.test(value) && !bareDer.test(value);

const isPemText = (value: string): boolean => value.includes('-----BEGIN ');
/** Base64 of a DER sequence. */
const bareDer = /^M[A-Za-z0-9+/]{40,}={0,2}$/;

/** The text of a PEM file. */
const pemOf = (what: string, expects: string): Reader<string> => ({
  read: (value) => {
    if (typeof value === 'string' && isPemText(value)) return right(value);
    return typeof value === 'string' && value !== '' && isPemPath(value)
      ? readTextFile(value, what)
      : wrong(`is not ${what}; write ${expects}`);
  },
  expects,
  json: { type: 'string' },
  twin: true,
  pem: true,
});

export const certificate = (what: string): Reader<string> => {
  const expects = `the path of a PEM file with ${what}`;
  return refined(pemOf(what, expects), (pem) => {
    const found = [...pem.matchAll(blocks)].filter(([, label]) => label === 'CERTIFICATE');
    return found.length > 0 && found.every(([block]) => isCertificate(block))
      ? right(pem)
      : wrong(`holds no readable PEM certificate; write ${expects} (-----BEGIN CERTIFICATE-----)`);
  });
};

/** Whether a private key is that of the first certificate. */
export const belongsTo = (key: string, cert: string): boolean =>
  new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));

/** When the first certificate of a chain expires, in ms since the epoch: from then on the chain is refused. */
export const certificateExpiryMs = (pem: string): number =>
  Math.min(
    ...[...pem.matchAll(blocks)]
      .filter(([, label]) => label === 'CERTIFICATE')
      .map(([block]) => new X509Certificate(block).validToDate.getTime()),
  );

const isCertificate = (pem: string): boolean => {
  try {
    return new X509Certificate(pem).subject !== null;
  } catch {
    return false;
  }
};

/** One private key, not protected by a passphrase. */
export const privateKey: Reader<string> = {
  ...refined(pemOf('a private key', 'the path of a PEM file with the private key'), (pem) =>
    readPrivateKey(pem) === undefined
      ? wrong(`holds no readable private key (PEM, without a passphrase); write ${privateKey.expects}`)
      : right(pem),
  ),
  secret: true,
};

const signingKeyFile = pemOf(
  'a signing key',
  'paths of PEM files with a P-256, RSA (2048 bits or more) or Ed25519 private key, without a passphrase',
);

/** Private keys that sign access tokens: paths or PEM text, one file may hold several. As PKCS#8 PEM. */
export const signingKeys: Reader<readonly string[]> = {
  ...signingKeyFile,
  read: (value) => {
    const items: readonly unknown[] = Array.isArray(value) ? value : [value];
    const keys: string[] = [];
    for (const [index, item] of items.entries()) {
      const read = signingKeyFile.read(item);
      if (!read.ok) return wrong(`item ${index + 1}: ${read.message}`);
      const parsed = [...read.value.matchAll(blocks)].map(([block]) => readPrivateKey(block));
      if (parsed.length === 0 || parsed.some((key) => key === undefined || algorithmOf(key) === undefined))
        return wrong(
          `item ${index + 1}: holds no usable signing key; write ${signingKeyFile.expects}. ` +
            'One is made by: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out signing-key.pem',
        );
      for (const key of parsed)
        if (key !== undefined) keys.push(key.export({ type: 'pkcs8', format: 'pem' }));
    }
    return right(keys);
  },
  json: { anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'string' }] },
  secret: true,
  list: true,
};

/** What stands in examples where a secret belongs. Not one random key in 10^8 reads so. */
const placeholder = /REPLACE-?_?ME|CHANGE-?_?ME|PLACEHOLDER|YOUR-?_?KEY|EXAMPLE/i;

/** 32 bytes, as base64 or hex. */
export const sealingKey: Reader<Uint8Array> = {
  read: (value): Read<Uint8Array> => {
    const written = typeof value === 'string' ? value.trim() : '';
    if (placeholder.test(written))
      return wrong(
        `is the placeholder of an example, which everybody knows; make your own: ${sealingKey.expects}`,
      );
    const encoding = /^[0-9a-fA-F]{64}$/.test(written)
      ? 'hex'
      : /^[A-Za-z0-9+/_-]{43}=?$/.test(written)
        ? 'base64'
        : undefined;
    return encoding === undefined
      ? wrong(`is not 32 bytes in base64 (its value is not shown); write ${sealingKey.expects}`)
      : right(new Uint8Array(Buffer.from(written, encoding)));
  },
  expects: 'the output of: openssl rand -base64 32',
  json: { type: 'string' },
  secret: true,
};
