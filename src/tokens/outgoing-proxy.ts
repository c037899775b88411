// The proxy on the way to issuers, as the environment names it: HTTPS_PROXY, HTTP_PROXY, NO_PROXY; lower case counts first.
// Connections to the API and to the store never go through one.

import { isIP } from 'node:net';

/** Empty: none. */
export interface OutgoingProxies {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  /** Hosts that are reached directly, each with its subdomains, separated by commas. */
  readonly noProxy: string;
}

/** Throws when a proxy cannot be used; the message does not show the URL, which may hold a password. */
export const proxiesFromEnvironment = (): OutgoingProxies => ({
  httpProxy: proxyNamedIn('HTTP_PROXY'),
  httpsProxy: proxyNamedIn('HTTPS_PROXY'),
  noProxy: variable('NO_PROXY'),
});

const variable = (name: string): string => process.env[name.toLowerCase()] || process.env[name] || '';

const proxyNamedIn = (name: string): string => {
  const written = variable(name);
  if (written === '') return '';
  // `proxy.example:3128` alone is what many tools accept.
  const url = URL.parse(written.includes('://') ? written : `http://${written}`);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new Error(
      `${name} is not the URL of an http or https proxy (not shown); write http://HOST:PORT, or remove it`,
    );
  return url.href;
};

/** Whether an http(s) URL points to this machine: plain http cannot be overheard then, and no proxy leads there. */
export const isLoopbackUrl = (value: string): boolean => {
  const host = URL.parse(value)?.hostname ?? '';
  if (isIP(host) === 4) return host.startsWith('127.');
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]';
};
