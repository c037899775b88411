// Judges the keys in the settings: what signs fits what it is asked to sign, and what is kept in the store can be sealed.

import { X509Certificate } from 'node:crypto';
import { algorithmOf, type SigningAlgorithm } from '../tokens/signature.ts';
import { readPrivateKey } from '../tokens/signing-key.ts';
import { type Check, check } from './check.ts';
import { belongsTo } from './pem.ts';
import type { FileFields } from './schema.ts';
import { configuredSurfaces } from './surface-paths.ts';

export const keyChecks: readonly Check[] = [
  check(['tls'], ({ tls }, problem, warning) => {
    if (tls === undefined) return;
    const certificate = new X509Certificate(tls.cert);
    if (!belongsTo(tls.key, tls.cert))
      problem(
        ['tls', 'key'],
        "does not belong to the certificate in tls.cert; write the path of that certificate's key",
      );
    if (certificate.validToDate.getTime() < Date.now())
      warning(
        ['tls', 'cert'],
        `expired on ${certificate.validToDate.toISOString().slice(0, 10)}; callers will refuse it`,
      );
  }),
  // Replicas share the key that seals their signing keys, so nobody makes it for them.
  check(['keys', 'store'], ({ keys, store }, problem) => {
    if (keys.encryptionKey !== undefined && keys.encryptionKeyFile !== undefined)
      problem(
        ['keys', 'encryptionKeyFile'],
        'encryptionKey and encryptionKeyFile are both written; keep one of them',
      );
    if (keys.signingKeys.length === 0 && !hasSealingKey(keys, store))
      problem(
        ['keys', 'encryptionKey'],
        'is needed with Redis, to seal the signing keys kept there; make one with `openssl rand -base64 32`, and set ' +
          'TOLLGATE_KEYS_ENCRYPTION_KEY, or keys.encryptionKeyFile to a file with it (the same on every replica)',
      );
  }),
  check(['keys', 'tokens'], ({ keys, tokens }, problem) => {
    const algorithms = algorithmsOf(keys.signingKeys);
    if (algorithms.length > 0 && !algorithms.includes(tokens.algorithm))
      problem(
        ['keys', 'signingKeys'],
        `holds no ${tokens.algorithm} key, but tokens.algorithm asks for one; add one, or set tokens.algorithm: ${algorithms[0] ?? 'ES256'}`,
      );
  }),
  // Without signing keys in the settings, the store has one for each algorithm.
  check(['keys', 'store', 'oauth', 'surfaces'], ({ keys, store, ...prefixes }, problem) => {
    const algorithms = algorithmsOf(keys.signingKeys);
    if (algorithms.length === 0 || hasSealingKey(keys, store)) return;
    for (const { descriptor, setting, enabled } of configuredSurfaces(prefixes))
      if (enabled && descriptor.signs !== undefined && !algorithms.includes(descriptor.signs))
        problem(
          ['keys', 'signingKeys'],
          `holds no ${descriptor.signs} key, which ${setting} signs with; add one, or give a sealing key in keys.encryptionKey and one is made in the store`,
        );
  }),
];

/** With the embedded store one is made when it is missing. */
const hasSealingKey = (keys: FileFields['keys'], store: FileFields['store']): boolean =>
  store.url.kind === 'sqlite' || keys.encryptionKey !== undefined || keys.encryptionKeyFile !== undefined;

const algorithmsOf = (pems: readonly string[]): readonly (SigningAlgorithm | undefined)[] =>
  pems.map((pem) => {
    const key = readPrivateKey(pem);
    return key === undefined ? undefined : algorithmOf(key);
  });
