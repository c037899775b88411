// Judges the APIs behind Tollgate: names, the certificate shown to them, where they are, and what readiness asks of them.

import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { type Check, check } from './check.ts';
import { belongsTo, certificateExpiryMs } from './pem.ts';
import { name } from './route-fields.ts';
import type { FileFields } from './schema.ts';
import { known, type Path, type Report } from './settings-issue.ts';
import { settingOfUpstream } from './upstream-fields.ts';

type Upstream = FileFields['upstream'];

export const upstreamChecks: readonly Check[] = [
  check(['upstreams'], ({ upstreams }, problem) => {
    for (const key of Object.keys(upstreams)) {
      if (key === 'default')
        problem(['upstreams', key], '`default` is the one in `upstream`; write it there');
      else if (!name.read(key).ok)
        problem(['upstreams', key], `${JSON.stringify(key)} is not a name; write ${name.expects}`);
    }
  }),
  check(['upstream'], ({ upstream }, problem) => checkUpstream(upstream, ['upstream'], problem)),
  check(['upstreams'], ({ upstreams }, problem) => {
    for (const [key, upstream] of Object.entries(upstreams))
      checkUpstream(upstream, ['upstreams', key], problem);
  }),
  check(['ready', 'upstream', 'upstreams'], ({ ready, upstream, upstreams }, problem) => {
    const all = new Map(Object.entries({ ...upstreams, default: upstream }));
    for (const wanted of ready.requireUpstream) {
      const found = all.get(wanted);
      if (found === undefined)
        problem(
          ['ready', 'requireUpstream'],
          `${JSON.stringify(wanted)} is no upstream; ${known(wanted, [...all.keys()])}`,
        );
      // A replica that is not ready gets no requests, so only a probe can find out that the API is back.
      else if (found.health.probe === undefined)
        problem(
          ['ready', 'requireUpstream'],
          `names ${JSON.stringify(wanted)}, which has no health.probe to say that it is up again; write ${settingOfUpstream(wanted)}.health.probe: /healthz`,
        );
    }
  }),
];

const checkUpstream = (
  { url, addresses = [], clientCertificate, keepAlive, requestsPerConnectionMax }: Upstream,
  path: Path,
  problem: Report,
): void => {
  if (url.socketPath !== undefined && addresses.length > 0)
    problem([...path, 'addresses'], 'means nothing beside a unix socket in `url`; keep one of them');
  const seen = addresses.map(({ host, port }) => `${host} ${port}`);
  const twice = addresses.find(({ host, port }, index) => seen.indexOf(`${host} ${port}`) !== index);
  if (twice !== undefined)
    problem([...path, 'addresses'], `has ${twice.host} port ${twice.port} twice; keep one of them`);
  if (!keepAlive && requestsPerConnectionMax > 0)
    problem(
      [...path, 'requestsPerConnectionMax'],
      'means nothing with keepAlive: false, which allows one; remove one of them',
    );
  if (clientCertificate !== undefined) checkCertificate(clientCertificate, url.origin, path, problem);
};

/** Without a good pair every handshake would fail: callers would find out, and the log would say little. */
const checkCertificate = (
  { cert, key }: NonNullable<Upstream['clientCertificate']>,
  origin: string,
  path: Path,
  problem: Report,
): void => {
  const report = (field: string, message: string): void =>
    problem([...path, 'clientCertificate', field], message);
  if (!origin.startsWith('https:'))
    report('cert', 'is shown to https upstreams alone; write an https URL, or remove clientCertificate');
  if (!belongsTo(key, cert))
    report(
      'key',
      `does not belong to the certificate in clientCertificate.cert; write the path of that certificate's key`,
    );
  else if (!isUsable(cert, key))
    report('cert', 'is refused by OpenSSL, perhaps for a short key or an old signature; write a newer one');
  const day = (date: Date): string => date.toISOString().slice(0, 10);
  const { validFromDate } = new X509Certificate(cert);
  const expiryMs = certificateExpiryMs(cert);
  if (expiryMs <= Date.now())
    report(
      'cert',
      `expired on ${day(new Date(expiryMs))}, so the upstream would refuse it; write a valid one`,
    );
  else if (validFromDate.getTime() > Date.now())
    report('cert', `is not valid before ${day(validFromDate)}; write one that is valid now`);
};

const isUsable = (cert: string, key: string): boolean => {
  try {
    createSecureContext({ cert, key });
    return true;
  } catch {
    return false;
  }
};
