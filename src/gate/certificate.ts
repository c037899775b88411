// When the certificates the listener shows run out. Read once: they are read at start and never again.

import { X509Certificate } from 'node:crypto';

const blocks = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * The end of the first certificate of the chain to expire, in ms since the epoch: from then on callers refuse the chain.
 * @param pem as the settings have read it: at least one certificate.
 */
export const certificateExpiryMs = (pem: string): number =>
  Math.min(...(pem.match(blocks) ?? []).map((block) => new X509Certificate(block).validToDate.getTime()));
