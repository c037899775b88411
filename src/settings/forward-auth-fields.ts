// The settings of forward-auth: where a proxy asks whether a request may pass, which proxies may, and how they describe it.

import { field, group } from './field.ts';
import { address, cidr } from './network-readers.ts';
import { listOf, oneOf } from './reader.ts';
import { pathPrefix } from './surface-descriptor.ts';

export const forwardAuthFields = group({
  listen: field(
    address,
    'A listener of its own, where a proxy asks whether a request may pass: HOST:PORT, or unix:/path. Not for callers.',
  ).optional(),
  path: field(
    pathPrefix('/tollgate/auth'),
    'Instead of a listener of its own: this path, and all below it, on `listen`.',
  ).optional(),
  trustedPeers: field(
    listOf(cidr),
    'Address ranges of the proxies that may ask; `unix`: every process that may connect to the unix socket. Required.',
  ).prefault([]),
  style: field(
    oneOf('original', 'forwarded', 'envoy'),
    'How the proxy describes the request. `original`: X-Original-Method and X-Original-URI (nginx, HAProxy); `forwarded`: X-Forwarded-Method, -Uri, -Host and -Proto (Caddy, Traefik); `envoy`: by its own method, path and Host (ext_authz).',
  ).prefault('original'),
  spoofedHeaders: field(
    oneOf('refuse', 'list'),
    'A caller sends headers that only Tollgate may send. `refuse`: 400; `list`: the response names them in X-Tollgate-Remove, for a proxy that removes by that list.',
  ).prefault('refuse'),
});
