// Judges the addresses of the process: callers and ops have one each, and no upstream leads back to either of them.

import { isLoopbackUrl } from '../tokens/outgoing-proxy.ts';
import type { Address } from './network-readers.ts';
import type { Report } from './parse-fields.ts';
import type { FileFields } from './schema.ts';

type Listeners = Pick<FileFields, 'listen' | 'ops'>;
type Upstream = FileFields['upstream'];

export const checkAddresses = ({ listen, ops }: Listeners, problem: Report): void => {
  if (isSameAddress(listen, ops))
    problem(['ops'], 'is the same address as `listen`; write another port, e.g. 127.0.0.1:9464');
};

export const checkUpstream = (
  { upstream, ...own }: Listeners & Pick<FileFields, 'upstream'>,
  problem: Report,
): void => checkReturn(own, upstream, ['upstream', 'url'], problem);

export const checkUpstreams = (
  { upstreams, ...own }: Listeners & Pick<FileFields, 'upstreams'>,
  problem: Report,
): void => {
  for (const [name, upstream] of Object.entries(upstreams))
    checkReturn(own, upstream, ['upstreams', name, 'url'], problem);
};

/** Requests that come back here would be forwarded again and again. */
const checkReturn = (
  { listen, ops }: Listeners,
  { url }: Upstream,
  path: readonly string[],
  problem: Report,
): void => {
  for (const [name, own] of Object.entries({ listen, ops }))
    if (leadsTo(url, own))
      problem(
        path,
        `is Tollgate itself (\`${name}\`), so each request would come back; write the address of the API`,
      );
};

export const isSameAddress = (one: Address, other: Address): boolean =>
  one.kind === 'unix'
    ? other.kind === 'unix' && other.path === one.path
    : other.kind === 'tcp' && one.port !== 0 && other.port === one.port && other.host === one.host;

const leadsTo = (upstream: Upstream['url'], own: Address): boolean => {
  if (own.kind === 'unix') return upstream.socketPath === own.path;
  if (upstream.socketPath !== undefined) return false;
  const { hostname, port, protocol } = new URL(upstream.origin);
  if (Number(port === '' ? defaultPorts[protocol] : port) !== own.port) return false;
  const host = hostname.replace(/^\[|\]$/g, '');
  if (host === own.host.toLowerCase()) return true;
  const isHere = isLoopbackUrl(upstream.origin) || wildcards.has(host);
  return isHere && (wildcards.has(own.host) || isLoopbackHost(own.host));
};

const defaultPorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** Listening there is listening on every address; connecting there is connecting to this machine. */
const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** 127.0.0.2 is another address than 127.0.0.1; a name such as localhost may be any of them. */
export const isLoopbackHost = (host: string): boolean => ['127.0.0.1', '::1', 'localhost'].includes(host);
