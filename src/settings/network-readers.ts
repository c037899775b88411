// Readers of what has a name on the network: listen addresses, URLs, origins, methods, header names, address ranges.
// URLs with a user name or password are refused without repeating them.

import { METHODS } from 'node:http';
import { isIP } from 'node:net';
import { canonicalNetwork, networkExpected } from '../decision/address-rule.ts';
import { andThen, not, type Read, type Reader, refined, right, text, wrong } from './reader.ts';

export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** A unix socket's path is limited by the kernel's `sun_path` (108 bytes with its NUL on Linux). */
const socketPathBytesMax = 107;

export const address: Reader<Address> = {
  read: (value): Read<Address> => {
    if (typeof value !== 'string') return not(value, 'an address', address.expects);
    if (value.startsWith('unix:'))
      return andThen(parseSocketPath(value), (path) => right({ kind: 'unix', path }));
    const hostPort = parseHostPort(value);
    return hostPort === undefined
      ? not(value, 'an address', address.expects)
      : right({ kind: 'tcp', ...hostPort });
  },
  expects: 'HOST:PORT such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080, or unix:/run/tollgate.sock',
  json: { type: 'string', pattern: '^(unix:.+|.+:[0-9]+)$' },
};

/** One address of a server, which no name stands for. */
export const ipAddress: Reader<{ readonly host: string; readonly port: number }> = {
  read: (value) => {
    const read = typeof value === 'string' ? parseHostPort(value) : undefined;
    if (read === undefined || read.port === 0) return not(value, 'IP:PORT', ipAddress.expects);
    return isIP(read.host) === 0
      ? wrong(`${JSON.stringify(value)} is a name; write its address, or the name in \`url\``)
      : right(read);
  },
  expects: 'IP:PORT such as 10.0.0.7:8081 or [fd00::7]:8081',
  json: { type: 'string', pattern: '^.+:[0-9]+$' },
};

/** `host:port`, `[::1]:port`, or undefined. Without a port: `portDefault`, when there is one. */
export const parseHostPort = (
  value: string,
  portDefault?: number,
): { readonly host: string; readonly port: number } | undefined => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(value);
  const port = match?.[3] === undefined ? portDefault : Number(match[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port === undefined || port > 65_535) return undefined;
  if (match?.[1] !== undefined && isIP(host) !== 6) return undefined;
  return { host, port };
};

/** `unix:/path` or `unix:///path` -> `/path`. */
export const parseSocketPath = (value: string): Read<string> => {
  const path = value.replace(/^[a-z+]*unix:(?:\/\/)?/, '');
  if (path === '' || /[\0-\x1f]/.test(path))
    return wrong('names no socket; write unix: and a path, e.g. unix:/run/tollgate.sock');
  return Buffer.byteLength(path) > socketPathBytesMax
    ? wrong(
        `the socket's path is longer than ${socketPathBytesMax} bytes, the system's limit; write a shorter one`,
      )
    : right(path);
};

export interface Origin {
  readonly origin: string;
  readonly socketPath: string | undefined;
}

export const upstreamUrl: Reader<Origin> = {
  read: (value) =>
    typeof value === 'string' && value.startsWith('unix:')
      ? andThen(parseSocketPath(value), (socketPath) => right({ origin: 'http://localhost', socketPath }))
      : andThen(anyHttpUrl(upstreamUrl.expects).read(value), ({ url }) =>
          isOrigin(url)
            ? right({ origin: url.origin, socketPath: undefined })
            : wrong(`an upstream has no path: requests keep the path they came with; write ${url.origin}`),
        ),
  expects: 'http://HOST:PORT, https://HOST:PORT or unix:/path/to/socket',
  json: { type: 'string', pattern: '^(https?://.+|unix:.+)$' },
};

const isOrigin = ({ pathname, search, hash }: URL): boolean =>
  pathname === '/' && search === '' && hash === '';

/** An http or https URL, and how it is written. */
const anyHttpUrl = (expects: string): Reader<{ readonly url: URL; readonly written: string }> => ({
  read: (written) => {
    const url = typeof written === 'string' && /^https?:\/\//i.test(written) ? URL.parse(written) : null;
    if (url === null || typeof written !== 'string') return not(written, 'an http or https URL', expects);
    return url.username !== '' || url.password !== ''
      ? wrong(`has a user name or password in it (not shown); write ${expects} without them`)
      : right({ url, written });
  },
  expects,
  json: { type: 'string', pattern: '^https?://.+' },
});

/** An http or https URL, exactly as it is written. */
export const exactHttpUrl = (expects: string): Reader<string> =>
  refined(anyHttpUrl(expects), ({ url, written }) =>
    url.hash === '' ? right(written) : wrong(`has a #fragment, which is never sent; write ${expects}`),
  );

/** The same; a trailing slash is dropped. */
export const httpUrl = (expects: string): Reader<string> =>
  refined(exactHttpUrl(expects), (url) => right(url.includes('?') ? url : url.replace(/\/+$/, '')));

/** Scheme, host and port, as a browser writes them in `Origin`. */
export const webOrigin = refined(anyHttpUrl('https://HOST or https://HOST:PORT'), ({ url }) =>
  isOrigin(url) ? right(url.origin) : wrong(`has more than scheme, host and port; write ${url.origin}`),
);

/** The URL of a resource (RFC 9728): its path is one that a metadata path can be made of. */
export const resourceUrl: Reader<string> = refined(httpUrl('https://HOST or https://HOST/path'), (url) =>
  /^https?:\/\/[^/?]+(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)*$/i.test(url)
    ? right(url)
    : wrong(
        `has a query, or a path of other characters than letters, digits and . _ ~ -; write ${resourceUrl.expects}`,
      ),
);

/** A path with a query or without, as it stands in a request line. */
export const probePath: Reader<string> = text(
  'a path',
  'a path such as /healthz',
  /^\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2}){0,1000}$/,
);

export const headerName: Reader<string> = text(
  'a header name',
  'a header name such as X-Api-Key: letters, digits and -',
  /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/,
);

export const method: Reader<string> = {
  read: (value): Read<string> => {
    const upper = typeof value === 'string' ? value.toUpperCase() : '';
    if (upper === 'CONNECT') return wrong('CONNECT opens a tunnel and is never forwarded; leave it out');
    return METHODS.includes(upper)
      ? right(upper)
      : wrong(`${JSON.stringify(value)} is no HTTP method; write ${method.expects}`);
  },
  expects: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS or another method of RFC 9110',
  json: { type: 'string' },
};

/** `10.0.0.0/8`, `fd00::/8`, one address, or `unix`: every peer on a unix socket. */
export const cidr: Reader<string> = {
  read: (value): Read<string> => {
    if (value === 'unix') return right(value);
    const match = typeof value === 'string' ? /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(value) : null;
    const version = isIP(match?.[1] ?? '');
    const bitsMax = version === 4 ? 32 : 128;
    const bits = match?.[2] === undefined ? bitsMax : Number(match[2]);
    return version === 0 || bits > bitsMax
      ? not(value, 'an address range', cidr.expects)
      : right(`${match?.[1] ?? ''}/${bits}`);
  },
  expects: '10.0.0.0/8, fd00::/8, one address, or unix',
  json: { type: 'string' },
};

/** A network of callers, in its one form. Who is on a unix socket is on no network. */
export const network: Reader<string> = {
  read: (value): Read<string> => {
    const found = typeof value === 'string' ? canonicalNetwork(value) : undefined;
    return found === undefined ? not(value, 'a network', networkExpected) : right(found);
  },
  expects: networkExpected,
  json: { type: 'string' },
};
