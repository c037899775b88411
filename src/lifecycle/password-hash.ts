// Passwords as slow hashes: scrypt at OWASP strength, as PHC strings. Each takes 32 MiB and a third of a second, so the
// memory of all together is bounded, and few may wait. Keeps no password and decides nothing about who may sign in.

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { type Outage, outage } from '../decision/outcome.ts';

interface Cost {
  /** log2 of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/**
 * OWASP names N=2^15, r=8, p=3 as strong as N=2^17, p=1, which took four times the memory. One more p makes a hash as slow
 * as those of before (N r p is the same), so that no time tells an account with an old hash from one that is not there.
 * https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
 */
const usualCost: Cost = { ln: 15, r: 8, p: 4 };
const saltBytes = 16;
const hashBytes = 32;

/** Two of the usual cost at once. A hash of before takes 128 MiB, and so is at work alone. */
const memoryBytesMax = 64 * 1024 * 1024;

export interface PasswordHashOptions {
  /** Cheaper, for tests. */
  readonly ln?: number;
  /** What all hashes at work may take; a single one that takes more is at work alone. */
  readonly memoryBytesMax?: number;
  /** Waiting for their turn; more are turned away. */
  readonly waitingMax?: number;
}

export type PasswordHashes = ReturnType<typeof createPasswordHashes>;

export const createPasswordHashes = (options: PasswordHashOptions = {}) => {
  const cost = { ...usualCost, ln: options.ln ?? usualCost.ln };
  const turns = createTurns(options.memoryBytesMax ?? memoryBytesMax, options.waitingMax ?? 16);
  return {
    /** A PHC string: `$scrypt$ln=15,r=8,p=4$<salt>$<hash>`. */
    hash: (password: string) =>
      turns(memoryBytesOf(cost), async () => {
        const salt = randomBytes(saltBytes);
        return phcOf(cost, salt, await derive(password, salt, cost, hashBytes));
      }),
    /** Whether it is the password; takes as long when there is none to compare with (`phc` undefined). */
    verify: (password: string, phc: string | undefined) => {
      const parsed = phc === undefined ? undefined : parsePhc(phc);
      const { salt, hash, cost: itsCost } = parsed ?? { ...nothing, cost };
      return turns(memoryBytesOf(itsCost), async () => {
        const found = await derive(password, salt, itsCost, hash.length);
        return timingSafeEqual(found, hash) && parsed !== undefined;
      });
    },
    /** Whether it has another cost than `hash` gives one today. */
    isOutdated: (phc: string): boolean => !phc.startsWith(prefixOf(cost)),
  };
};

/** What an unknown user's password is compared with. */
const nothing = { salt: Buffer.alloc(saltBytes, 1), hash: Buffer.alloc(hashBytes) };

/** RFC 7914 section 2: 128 r N for the table, and 128 r p for the blocks. */
const memoryBytesOf = ({ ln, r, p }: Cost): number => 128 * r * (2 ** ln + p);

/** The same text however it was typed: composed or not, NFKC (NIST SP 800-63B section 3.1.1.2). */
const derive = (password: string, salt: Uint8Array, cost: Cost, length: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const { ln, r, p } = cost;
    // Node's limit is 32 MiB by default, which is just too little.
    const maxmem = memoryBytesOf(cost) + 1024 * 1024;
    scrypt(password.normalize('NFKC'), salt, length, { N: 2 ** ln, r, p, maxmem }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });

const phcOf = (cost: Cost, salt: Buffer, hash: Buffer): string =>
  `${prefixOf(cost)}${unpadded(salt)}$${unpadded(hash)}`;

const prefixOf = ({ ln, r, p }: Cost): string => `$scrypt$ln=${ln},r=${r},p=${p}$`;

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');

const phcGrammar =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

/** Of memory as much as the hashes of before take; of time four times as much. */
const readMemoryBytesMax = memoryBytesOf({ ln: 17, r: 8, p: 99 });
const readBlocksMax = 4 * 2 ** 17 * 8;

/** Undefined for what is no scrypt PHC string, or would cost too much memory or time. */
const parsePhc = (phc: string) => {
  const [, ln, r, p, salt, hash] = phcGrammar.exec(phc) ?? [];
  if (salt === undefined || hash === undefined) return undefined;
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  if (cost.ln < 1 || cost.r < 1 || cost.p < 1) return undefined;
  if (memoryBytesOf(cost) > readMemoryBytesMax || 2 ** cost.ln * cost.r * cost.p > readBlocksMax)
    return undefined;
  return { cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
};

/**
 * Runs work in the order it came, as much at once as fits into the memory; so many wait; the rest are turned away. What
 * alone does not fit runs when nothing else does.
 */
const createTurns = (bytesMax: number, waitingMax: number) => {
  let usedBytes = 0;
  const waiting: { readonly bytes: number; readonly start: () => void }[] = [];
  const fits = (bytes: number): boolean => usedBytes === 0 || usedBytes + bytes <= bytesMax;
  const startNext = (): void => {
    for (let next = waiting[0]; next !== undefined && fits(next.bytes); next = waiting[0]) {
      waiting.shift();
      usedBytes += next.bytes;
      next.start();
    }
  };
  return async <T>(bytes: number, work: () => Promise<T>): Promise<T | Outage> => {
    if (waiting.length > 0 || !fits(bytes)) {
      if (waiting.length >= waitingMax) return outage('overloaded', 'too many passwords are being checked');
      await new Promise<void>((start) => waiting.push({ bytes, start }));
    } else usedBytes += bytes;
    try {
      return await work();
    } finally {
      usedBytes -= bytes;
      startNext();
    }
  };
};
