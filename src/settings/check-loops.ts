// Judges whether an upstream leads back to a listener of this process: requests would be forwarded again and again. A loop
// through other servers cannot be seen here; `via` finds it.

import { hostname, networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import { canonicalNetwork } from '../decision/address-rule.ts';
import { isLoopbackUrl } from '../tokens/outgoing-proxy.ts';
import { type Check, check } from './check.ts';
import { isLoopbackHost } from './check-listeners.ts';
import type { Address } from './network-readers.ts';
import type { FileFields } from './schema.ts';
import type { Report } from './settings-issue.ts';

type Upstream = FileFields['upstream'];

/** The names and addresses by which this machine is reached, in lower case. */
export type Machine = ReadonlySet<string>;

const thisMachine = (): Machine =>
  new Set([
    hostname().toLowerCase(),
    ...Object.values(networkInterfaces()).flatMap((some = []) => some.map(({ address }) => address)),
  ]);

export const loopCheck: Check = check(
  ['listen', 'ops', 'surfaces', 'forwardAuth', 'upstream', 'upstreams'],
  ({ listen, ops, surfaces, forwardAuth, upstream, upstreams }, problem) => {
    const console = surfaces.console.enabled ? surfaces.console.listen : undefined;
    const own = {
      listen,
      ops,
      'surfaces.console.listen': console,
      'forwardAuth.listen': forwardAuth.listen,
    };
    const machine = thisMachine();
    checkReturn(own, machine, upstream, ['upstream'], problem);
    for (const [name, each] of Object.entries(upstreams))
      checkReturn(own, machine, each, ['upstreams', name], problem);
  },
);

const checkReturn = (
  listeners: Readonly<Record<string, Address | undefined>>,
  machine: Machine,
  { url, addresses = [] }: Upstream,
  path: readonly string[],
  problem: Report,
): void => {
  const isHere = (name: string): string =>
    `is Tollgate itself (\`${name}\`), so each request would come back; write the address of the API`;
  for (const [name, own] of Object.entries(listeners)) {
    if (own === undefined) continue;
    // Where it is, not what it is called.
    const at = addresses.find((one) =>
      leadsTo({ origin: originOf(one), socketPath: undefined }, own, machine),
    );
    if (at !== undefined)
      problem([...path, 'addresses'], `${JSON.stringify(`${at.host}:${at.port}`)} ${isHere(name)}`);
    else if (addresses.length === 0 && leadsTo(url, own, machine)) problem([...path, 'url'], isHere(name));
  }
};

const originOf = ({ host, port }: NonNullable<Upstream['addresses']>[number]): string =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Whether what is sent to an upstream arrives at a listener of this process. A port that the system chooses is nobody's. */
export const leadsTo = (upstream: Upstream['url'], own: Address, machine: Machine): boolean => {
  if (own.kind === 'unix')
    return upstream.socketPath !== undefined && resolve(upstream.socketPath) === resolve(own.path);
  if (upstream.socketPath !== undefined) return false;
  const { hostname: written, port, protocol } = new URL(upstream.origin);
  if (Number(port === '' ? defaultPorts[protocol] : port) !== own.port) return false;
  const host = plainHost(written);
  const ownHost = plainHost(own.host);
  if (host === ownHost) return true;
  if (isLoopbackUrl(`http://${host.includes(':') ? `[${host}]` : host}`) || wildcards.has(host))
    return wildcards.has(ownHost) || isLoopbackHost(ownHost);
  return wildcards.has(ownHost) && machine.has(host);
};

const defaultPorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** Listening there is listening on every address; connecting there is connecting to this machine. */
const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Lower case, without brackets and a final dot; an address in its one form. */
const plainHost = (written: string): string => {
  const host = written
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
  return canonicalNetwork(host)?.replace(/\/\d+$/, '') ?? host;
};
