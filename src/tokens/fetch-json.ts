// One bounded GET of a JSON document: size, time and answer are limited, redirects are not followed, certificates are
// verified (against a private CA where one is given). node:http(s), because global fetch takes no CA.

import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { type Outage, outage } from '../decision/outcome.ts';
import { readStrictJson } from '../decision/strict-json.ts';

const bodyBytesMax = 512 * 1024;
const timeoutMs = 3_000;
const depthMax = 16;

/** The parsed document, or an outage whose cause names the URL and what was wrong. */
export const fetchJson = async (url: string, ca: string | undefined): Promise<unknown> => {
  try {
    const read = readStrictJson(await getText(url, ca), depthMax);
    return 'why' in read
      ? failed(url, `did not answer JSON: ${read.why}`)
      : (read.value ?? failed(url, 'did not answer JSON: null'));
  } catch (cause) {
    return failed(url, 'could not be fetched', cause);
  }
};

const failed = (url: string, what: string, cause?: unknown): Outage =>
  outage('issuer_unavailable', new Error(`${shownUrl(url)} ${what}`, { cause }));

/** A URL for messages: without user, password and query. */
export const shownUrl = (url: string): string => {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
};

const getText = (url: string, ca: string | undefined): Promise<string> =>
  new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? requestHttps : requestHttp;
    const request = send(url, {
      // A connection of its own: none is left open between fetches that are minutes apart.
      agent: false,
      headers: { accept: 'application/jwk-set+json, application/json' },
      signal: AbortSignal.timeout(timeoutMs),
      ...(ca === undefined ? {} : { ca }),
    });
    request.once('error', reject);
    request.once('response', (response) => {
      response.once('error', reject);
      if (response.statusCode !== 200) {
        response.destroy();
        reject(new Error(`answered ${response.statusCode}, not 200`));
        return;
      }
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes > bodyBytesMax) response.destroy(new Error(`answered more than ${bodyBytesMax} bytes`));
      });
      response.once('end', () => resolve(Buffer.concat(chunks).toString()));
    });
    request.end();
  });
