// A little of a Cloud Director API behind the gate, in the vendor's XML: its versions, an org and a data center, whose
// links lead to wherever clients reach it.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import type { Received } from './echo-api.ts';

export interface VcdApi {
  readonly url: string;
  /** Every request that reached it, oldest first. */
  readonly received: readonly Received[];
  /** Where its links begin. */
  base: string;
}

const v15 = 'xmlns="http://www.vmware.com/vcloud/v1.5"';
const type = (name: string): string => `type="application/vnd.vmware.vcloud.${name}+xml"`;

const documentAt = (path: string, base: string): string | undefined => {
  if (path === '/api/versions')
    return `<SupportedVersions xmlns="http://www.vmware.com/vcloud/versions"><VersionInfo deprecated="false"><Version>36.0</Version><LoginUrl>${base}/api/sessions</LoginUrl></VersionInfo></SupportedVersions>`;
  if (path === '/api/org' || path === '/api/org/')
    return `<OrgList ${v15}><Org ${type('org')} name="acme" href="${base}/api/org/7"/></OrgList>`;
  if (path.startsWith('/api/org/'))
    return `<Org ${v15} name="acme" href="${base}${path}"><Link rel="down" ${type('vdc')} name="main" href="${base}/api/vdc/9"/></Org>`;
  if (path === '/api/vdc/9') return `<Vdc ${v15} name="main" href="${base}/api/vdc/9"/>`;
  return undefined;
};

/** Listens on a free port of 127.0.0.1; ends with the test. */
export const startVcdApi = async (t: Test): Promise<VcdApi> => {
  const received: Received[] = [];
  const server = createServer(({ method = '', url = '', headers }, response) => {
    received.push({ method, url, headers });
    const document = documentAt(url.split('?', 1)[0] ?? '', api.base);
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/*+xml' });
    response.end(document);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  const api = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received, base: '' };
  return api;
};
