// A handshake that fails for what the settings say names the setting: no more than this text is in the log and in /readyz?verbose.

import t from 'tap';
import { createDial } from '../../../../src/proxy/upstream/addresses/dial.ts';
import { makeCertificates } from '../../../support/certificates.ts';
import { upstreamSettings } from '../../../support/forwarding.ts';
import { startRawUpstream } from '../../../support/raw-upstream.ts';

const failureOf = (origin: string, port: number, name: string): Promise<unknown> =>
  new Promise((resolve) => {
    createDial(upstreamSettings({ origin }, { name }))({ host: '127.0.0.1', port }, 30_000, resolve);
  });

t.test('8: a certificate of a CA that is not trusted names the setting for it', async (t) => {
  const api = await startRawUpstream({ tls: makeCertificates().localhost });
  t.teardown(() => api.close());
  for (const [name, setting] of [
    ['default', 'upstream.ca'],
    ['files', 'upstreams.files.ca'],
  ] as const) {
    const failure = await failureOf('https://localhost', api.port, name);
    t.match(failure, { code: /CERT|VERIFY/, message: /certificate/ });
    t.match(failure, { message: new RegExp(`: name the CA that signed its certificate in ${setting}$`) });
  }
});

t.test('8: an https upstream that speaks plain HTTP names its URL', async (t) => {
  const api = await startRawUpstream({
    serve: async (connection) => {
      connection.socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
      await connection.closed;
    },
  });
  t.teardown(() => api.close());
  t.match(await failureOf('https://localhost', api.port, 'files'), {
    code: 'ERR_SSL_WRONG_VERSION_NUMBER',
    message: /: it does not speak TLS; write http in upstreams\.files\.url$/,
  });
});
