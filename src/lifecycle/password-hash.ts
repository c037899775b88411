// Passwords as slow hashes: scrypt at OWASP strength, as PHC strings. Each costs 128 MB and a third of a second, so few
// are made at once and few may wait. Keeps no password and decides nothing about who may sign in.

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { type Outage, outage } from '../decision/outcome.ts';

export interface PasswordHashes {
  /** A PHC string: `$scrypt$ln=17,r=8,p=1$<salt>$<hash>`. */
  hash(password: string): Promise<string | Outage>;
  /** Whether it is the password; takes as long when there is none to compare with (`phc` undefined). */
  verify(password: string, phc: string | undefined): Promise<boolean | Outage>;
}

interface Cost {
  /** log2 of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html */
const owaspCost: Cost = { ln: 17, r: 8, p: 1 };
const saltBytes = 16;
const hashBytes = 32;

export interface PasswordHashOptions {
  /** Cheaper, for tests. */
  readonly ln?: number;
  /** At work at once, each with its 128 MB. */
  readonly concurrency?: number;
  /** Waiting for their turn; more are turned away. */
  readonly waitingMax?: number;
}

export const createPasswordHashes = (options: PasswordHashOptions = {}): PasswordHashes => {
  const cost = { ...owaspCost, ln: options.ln ?? owaspCost.ln };
  const turns = createTurns(options.concurrency ?? 2, options.waitingMax ?? 16);
  return {
    hash: (password) =>
      turns(async () => {
        const salt = randomBytes(saltBytes);
        return phcOf(cost, salt, await derive(password, salt, cost, hashBytes));
      }),
    verify: (password, phc) =>
      turns(async () => {
        const parsed = phc === undefined ? undefined : parsePhc(phc);
        const { salt, hash, cost: itsCost } = parsed ?? { ...nothing, cost };
        const found = await derive(password, salt, itsCost, hash.length);
        return timingSafeEqual(found, hash) && parsed !== undefined;
      }),
  };
};

/** What an unknown user's password is compared with. */
const nothing = { salt: Buffer.alloc(saltBytes, 1), hash: Buffer.alloc(hashBytes) };

/** The same text however it was typed: composed or not, NFKC (NIST SP 800-63B section 3.1.1.2). */
const derive = (password: string, salt: Uint8Array, { ln, r, p }: Cost, length: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const N = 2 ** ln;
    // Node's limit is 32 MB unless told; scrypt takes 128 N r, and a little.
    const maxmem = 128 * N * r * p + 1024 * 1024;
    scrypt(password.normalize('NFKC'), salt, length, { N, r, p, maxmem }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });

const phcOf = ({ ln, r, p }: Cost, salt: Buffer, hash: Buffer): string =>
  `$scrypt$ln=${ln},r=${r},p=${p}$${unpadded(salt)}$${unpadded(hash)}`;

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');

const phcGrammar =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

/** Undefined for what is no scrypt PHC string, or would cost more memory than four of ours. */
const parsePhc = (phc: string) => {
  const [, ln, r, p, salt, hash] = phcGrammar.exec(phc) ?? [];
  if (salt === undefined || hash === undefined) return undefined;
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  if (cost.ln < 1 || cost.r < 1 || cost.p < 1 || 2 ** cost.ln * cost.r * cost.p > 4 * 2 ** 17 * 8)
    return undefined;
  return { cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
};

/** Whether a text is a PHC string that `verify` can compare with. */
export const isPasswordHash = (text: string): boolean => parsePhc(text) !== undefined;

/** Runs so many at once; so many wait; the rest are turned away. */
const createTurns = (concurrency: number, waitingMax: number) => {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async <T>(work: () => Promise<T>): Promise<T | Outage> => {
    if (running >= concurrency) {
      if (waiting.length >= waitingMax) return outage('overloaded', 'too many passwords are being checked');
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      // The turn is handed on, or given back.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
};
