// The proxy on the way to issuers, as the environment names it: HTTPS_PROXY, HTTP_PROXY, NO_PROXY; lower case counts first.
// Connections to the API and to the store never go through one.

import { isIP } from 'node:net';

export interface OutgoingProxy {
  readonly url: string;
  /** Hosts that are reached directly, each with its subdomains, separated by commas. */
  readonly noProxy: string;
}

/**
 * The proxy for URLs of this scheme; undefined: none. Throws when it cannot be used; the message does not show its URL,
 * which may hold a password.
 */
export const proxyFromEnvironment = (url: string): OutgoingProxy | undefined => {
  const name = url.startsWith('https:') ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const written = variable(name);
  if (written === '') return undefined;
  // `proxy.example:3128` alone is what many tools accept.
  const parsed = URL.parse(written.includes('://') ? written : `http://${written}`);
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw new Error(
      `${name} is not the URL of an http or https proxy (not shown); write http://HOST:PORT, or remove it`,
    );
  return { url: parsed.href, noProxy: variable('NO_PROXY') };
};

const variable = (name: string): string => process.env[name.toLowerCase()] || process.env[name] || '';

/** Whether an http(s) URL points to this machine: plain http cannot be overheard then, and no proxy leads there. */
export const isLoopbackUrl = (value: string): boolean => {
  const host = URL.parse(value)?.hostname ?? '';
  if (isIP(host) === 4) return host.startsWith('127.');
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]';
};
