// The fields of one API behind Tollgate: where it is, how connections to it are kept, and when one of its addresses is down.

import type { z } from 'zod';
import { alone, field, group } from './field.ts';
import { ipAddress, probePath, resourceUrl, upstreamUrl } from './network-readers.ts';
import { certificate, privateKey } from './pem.ts';
import { duration, durationOrNever, size } from './quantity.ts';
import { count, flag, listOf, oneOf, share } from './reader.ts';

const clientCertificateFields = group({
  cert: field(certificate("the client's certificate chain"), 'PEM file with the certificate chain.'),
  key: field(privateKey, "PEM file with the certificate's private key."),
});

const responseHeadBytesMax = field(
  size('1KB', '1MB'),
  'Largest head of a response, status line and header lines together; more is 502.',
).prefault('64KB');

const probeFields = alone(
  group({
    path: field(
      probePath,
      'Asked with GET, without a credential. Without it a probe only opens a connection.',
    ).optional(),
    intervalMs: field(duration('100ms', '1h'), 'Time between two probes of an address.').prefault('5s'),
    timeoutMs: field(duration('10ms', '1m'), 'A probe that takes longer has failed.').prefault('2s'),
    status: field(count(100, 599), 'The one status that is good. Without it: 200 to 399.').optional(),
  }),
  'path',
);

const healthFields = group({
  failuresMax: field(
    count(1, 1_000),
    'So many failures in a row, and an address is down: a connection that cannot be opened, a failed probe. A slow answer is none.',
  ).prefault(3),
  pauseMs: field(
    duration('10ms', '1h'),
    'How long an address that is down is left alone before a connection to it is tried, while others are up.',
  ).prefault('10s'),
  failureStatuses: field(
    listOf(count(500, 599)),
    'Statuses that count as a failure of the address too, such as 502 and 503. A route that always answers so then takes the address down.',
  ).prefault([]),
  probe: probeFields
    .meta({
      description: 'Ask each address by itself, so that it is known to be down before a caller waits.',
    })
    .optional(),
});

/** `url`: its own URL, which has a default in one place only. */
const upstreamFields = <Url extends z.ZodType>(url: Url) =>
  alone(
    group({
      url,
      addresses: field(
        listOf(ipAddress, 1),
        'Where it is, as IP:PORT, instead of looking up the name in `url`, which still gives the Host and the name in its certificate. All are used.',
      ).optional(),
      resource: field(
        resourceUrl,
        'Its URL as clients know it, e.g. https://api.example.com/mcp: then they are told where its tokens are issued (RFC 9728).',
      ).optional(),
      ca: field(
        certificate("the CA's certificate"),
        "PEM file with the CA of the upstream's certificate; else the system's.",
      ).optional(),
      clientCertificate: clientCertificateFields
        .meta({ description: 'Shown to an https upstream that asks for one (mTLS).' })
        .optional(),
      connectionsMax: field(count(1, 65_536), 'Connections held open to it.').prefault(256),
      callerShare: field(
        share,
        'Share of them that one caller may hold at a time: a user, or an address without a credential. More requests wait, then 429. 1: all.',
      ).prefault(0.25),
      addressShare: field(
        share,
        'The same for one address, all its callers together. Name the proxies before Tollgate in `trustedProxies`, or all callers share one address.',
      ).prefault(0.5),
      connectTimeoutMs: field(
        duration('10ms', '5m'),
        'Time to connect, on whichever of its addresses.',
      ).prefault('2s'),
      responseTimeoutMs: field(
        duration('10ms', '1d'),
        "Time until the API's response headers; more is 504. A route may say otherwise.",
      ).prefault('60s'),
      keepAlive: field(
        flag,
        '`false`: a new connection for each request, which carries `Connection: close`.',
      ).prefault(true),
      keepAliveTimeoutMs: field(
        duration('100ms', '1h'),
        "An idle connection is closed after this. Stay below the upstream's own time-out (Node's is 5s).",
      ).prefault('4s'),
      connectionAgeMsMax: field(
        durationOrNever('1s', '30d'),
        'A connection of this age is closed after its request, up to a fifth earlier so that not all close at once; or `never`.',
      ).prefault('5m'),
      requestsPerConnectionMax: field(
        count(0, 1_000_000_000),
        'A connection is closed after so many requests; 0: any number.',
      ).prefault(0),
      lookupIntervalMs: field(
        duration('1s', '1h'),
        'The name in `url` is looked up again this often while it is used.',
      ).prefault('10s'),
      bodyIdleTimeoutMs: field(
        duration('100ms', '1d'),
        'Longest silence between two pieces of a response body.',
      ).prefault('60s'),
      responseHeadBytesMax,
      hostHeader: field(
        oneOf('caller', 'upstream'),
        "Which Host the API sees: the caller's, or the one in `url`.",
      ).prefault('caller'),
      health: healthFields.meta({ description: 'When one of its addresses is down.' }).prefault({}),
    }),
    'url',
  );

/** The API in front of which Tollgate stands. */
export const defaultUpstreamFields = upstreamFields(
  field(upstreamUrl, 'The API: http://HOST:PORT, https://HOST:PORT or unix:/path.').prefault(
    'http://127.0.0.1:8081',
  ),
);

export const namedUpstreamFields = upstreamFields(
  field(upstreamUrl, 'http://HOST:PORT, https://HOST:PORT or unix:/path.'),
);

/** How the settings call an upstream, by its name. */
export const settingOfUpstream = (name: string): string =>
  name === 'default' ? 'upstream' : `upstreams.${name}`;
