// One address of an upstream: an IP address and a port, or a unix socket, with what is known of it and what is under way there.

import { isIPv6 } from 'node:net';
import type { UpstreamSettings } from '../../../settings/settings.ts';
import { AddressHealth } from './address-health.ts';

/** What `node:net` connects to. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

export class UpstreamAddress {
  readonly endpoint: Endpoint;
  /** `10.0.0.7:8081`, `[fd00::7]:8081` or `unix:/run/api.sock`. */
  readonly shown: string;
  readonly health: AddressHealth;
  /** Requests and tunnels under way there, and connections being opened for them. */
  busy = 0;
  /** Open connections, tunnels too. */
  open = 0;
  /** False when the name has it no more: its connections are closed after their request. */
  isListed = true;

  constructor(endpoint: Endpoint, { health }: Pick<UpstreamSettings, 'health'>) {
    this.endpoint = endpoint;
    this.shown = shownOf(endpoint);
    this.health = new AddressHealth(health);
  }
}

/** The name or address in the URL of an upstream, without brackets. */
export const hostOf = ({ origin }: Pick<UpstreamSettings, 'origin'>): string =>
  new URL(origin).hostname.replace(/^\[|\]$/g, '');

export const shownOf = (endpoint: Endpoint): string => {
  if ('path' in endpoint) return `unix:${endpoint.path}`;
  const { host, port } = endpoint;
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
};
