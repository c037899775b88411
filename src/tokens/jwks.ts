// A JWK Set (RFC 7517) from a stranger -> keys to verify with. What is not understood, or not for verifying, is passed over.
// jose imports each key; choosing them is our own, because jose refuses a whole set for one entry that it cannot read, or
// finds such a key only when a token asks for it.

import { type CryptoKey, importJWK } from 'jose';
import { isJsonObject, member } from '../decision/strict-json.ts';
import { parsePublicMembers, type PublicMembers } from './public-jwk.ts';
import { rsaBitsMin } from './signature.ts';

const keysMax = 100;

/** A published key as imported for one algorithm. */
export interface IssuerKey {
  readonly kid: string | undefined;
  readonly algorithm: string;
  readonly key: CryptoKey;
}

/** The keys of a set, each for every one of the algorithms that it fits; undefined when the document is no JWK Set. */
export const readJwks = async (
  document: unknown,
  algorithms: readonly string[],
): Promise<readonly IssuerKey[] | undefined> => {
  const entries = parseJwks(document);
  return entries === undefined ? undefined : importKeys(entries, algorithms);
};

interface JwksEntry {
  readonly kid: string | undefined;
  /** The only algorithm it is for; undefined: any that fits. */
  readonly algorithm: string | undefined;
  readonly members: PublicMembers;
}

/** Entries of a JWK Set for verifying (RFC 7517 section 5: what is not understood is ignored); undefined when it is none. */
const parseJwks = (body: unknown): readonly JwksEntry[] | undefined => {
  const keys = member(body, 'keys');
  if (!Array.isArray(keys)) return undefined;
  const entries: readonly unknown[] = keys.slice(0, keysMax);
  return entries.map(parseEntry).filter((entry) => entry !== undefined);
};

const parseEntry = (value: unknown): JwksEntry | undefined => {
  const members = parsePublicMembers(value);
  if (members === undefined || !isJsonObject(value)) return undefined;
  const { use, key_ops: operations, kid, alg: algorithm } = value;
  if (use !== undefined && use !== 'sig') return undefined;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return undefined;
  if (kid !== undefined && typeof kid !== 'string') return undefined;
  if (algorithm !== undefined && typeof algorithm !== 'string') return undefined;
  return { kid, algorithm, members };
};

const importKeys = async (
  entries: readonly JwksEntry[],
  algorithms: readonly string[],
): Promise<readonly IssuerKey[]> => {
  const imports = entries.flatMap((entry) =>
    algorithms
      .filter((algorithm) => entry.algorithm === undefined || entry.algorithm === algorithm)
      .map((algorithm) => importKey(entry, algorithm)),
  );
  return (await Promise.all(imports)).filter((key) => key !== undefined);
};

/** Undefined when the key does not fit the algorithm: another type or curve, not on its curve, too few bits. */
const importKey = async ({ kid, members }: JwksEntry, algorithm: string): Promise<IssuerKey | undefined> => {
  try {
    const key = await importJWK({ ...members }, algorithm);
    if (key instanceof Uint8Array) return undefined;
    // jose would throw, but only when a token asks for the key.
    if ('modulusLength' in key.algorithm && Number(key.algorithm.modulusLength) < rsaBitsMin)
      return undefined;
    return { kid, algorithm, key };
  } catch {
    return undefined;
  }
};
