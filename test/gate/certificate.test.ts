// When a certificate runs out, read from real certificates.

import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { certificateExpiryMs } from '../../src/settings/pem.ts';
import { makeCertificates } from '../support/certificates.ts';

t.test('the certificate of a chain that expires first says when the chain does', async (t) => {
  const { ca, localhost } = makeCertificates(5);
  const endOf = (pem: string): number => new X509Certificate(pem).validToDate.getTime();
  t.ok(endOf(localhost.cert) < endOf(ca), 'the leaf is first');
  t.equal(certificateExpiryMs(localhost.cert), endOf(localhost.cert));
  t.equal(certificateExpiryMs(ca + localhost.cert), endOf(localhost.cert));
  t.equal(
    certificateExpiryMs(localhost.cert + localhost.key + ca),
    endOf(localhost.cert),
    'a key among them',
  );
});
