// A cookie that only this deployment can read or write: sealed under a key that is derived from the sealing key, the same on
// every replica. It is `__Host-`: of one host, sent over TLS (or to this machine itself), never read by a page's script.

import { hkdfSync } from 'node:crypto';
import { withoutBlanks } from '../../decision/http-text.ts';
import { type Outage, outage } from '../../decision/outcome.ts';
import { loadSealingKey } from '../../lifecycle/sealing-key.ts';
import type { Settings } from '../../settings/settings.ts';
import { sealAs, unsealAs } from '../../tokens/sealing.ts';
import { isKeyFault } from '../../tokens/signing-key.ts';
import type { RequestHead } from '../answer.ts';

export interface SealedCookie<Content extends object> {
  /** Undefined: there is none that was made here. */
  read(request: RequestHead): Promise<Content | undefined | Outage>;
  /** The line of `Set-Cookie`. `lifetimeMs`: until the browser forgets it by itself. */
  write(content: Content, lifetimeMs: number): Promise<string | Outage>;
  /** The line that takes it away. */
  readonly erasure: string;
}

export interface CookieKind<Content> {
  readonly name: string;
  /** What the key is derived for. */
  readonly label: string;
  /** Strict: not even sent with the first request that another site's link leads to. */
  readonly sameSite: 'Strict' | 'Lax';
  /** Undefined: it is of another version, or of another shape. */
  readonly parse: (value: unknown) => Content | undefined;
}

/** Browsers keep no larger one. */
const cookieBytesMax = 4096;

export const createSealedCookie = <Content extends object>(
  { keys }: Pick<Settings, 'keys'>,
  { name, label, sameSite, parse }: CookieKind<Content>,
): SealedCookie<Content> => {
  let derived: Uint8Array | undefined;
  const keyOf = async (): Promise<Uint8Array | Outage> => {
    if (derived !== undefined) return derived;
    const sealingKey = await loadSealingKey(keys, false);
    if (isKeyFault(sealingKey)) return outage('keys_unavailable', new Error(sealingKey.message));
    derived = new Uint8Array(hkdfSync('sha256', sealingKey, '', `tollgate ${label}`, 32));
    return derived;
  };
  const attributes = `Path=/; Secure; HttpOnly; SameSite=${sameSite}`;
  return {
    read: async (request) => {
      const value = valueOf(request, name);
      if (value === undefined) return undefined;
      const key = await keyOf();
      if (!(key instanceof Uint8Array)) return key;
      const plain = unsealAs(value, key, `tollgate ${label}`);
      return typeof plain === 'string' ? undefined : parse(JSON.parse(plain.toString('utf8')));
    },
    write: async (content, lifetimeMs) => {
      const key = await keyOf();
      if (!(key instanceof Uint8Array)) return key;
      const value = sealAs(Buffer.from(JSON.stringify(content)), key, `tollgate ${label}`);
      const line = `${name}=${value}; Max-Age=${Math.max(0, Math.floor(lifetimeMs / 1000))}; ${attributes}`;
      if (line.length > cookieBytesMax) throw new Error(`the cookie ${name} has ${line.length} bytes`);
      return line;
    },
    erasure: `${name}=; Max-Age=0; ${attributes}`,
  };
};

/** Undefined where there is none, or two that differ: a browser sends one. */
const valueOf = (request: RequestHead, name: string): string | undefined => {
  const values = new Set<string>();
  for (const line of request.headerLines('cookie'))
    for (const pair of line.split(';')) {
      const at = pair.indexOf('=');
      if (at > 0 && withoutBlanks(pair.slice(0, at)) === name) values.add(withoutBlanks(pair.slice(at + 1)));
    }
  const [value] = values;
  return values.size === 1 && value !== undefined && /^[\w-]{1,4096}$/.test(value) ? value : undefined;
};
