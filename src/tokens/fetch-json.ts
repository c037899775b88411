// One bounded request for a JSON document of an issuer: size, time and answer are limited, redirects are not followed,
// certificates are verified (against a private CA where one is given), and the environment's proxy is used. By undici, not
// global fetch, which takes no CA, nor node:https, whose tunnels hang for ever where the handshake behind a proxy stalls.

import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool, request } from 'undici';
import { type Outage, outage } from '../decision/outcome.ts';
import { readStrictJson } from '../decision/strict-json.ts';
import { isLoopbackUrl, proxyFromEnvironment } from './outgoing-proxy.ts';

export interface JsonRequest {
  readonly url: string;
  /** PEM of a private CA; undefined: the system's. */
  readonly ca: string | undefined;
  /** Sent with POST; without it the request is a GET. */
  readonly form?: URLSearchParams;
  readonly headers?: Readonly<Record<string, string>>;
  /** From `connectionsTo`, where requests are many; without it each has a connection of its own. */
  readonly connections?: Dispatcher | undefined;
  /** Of the whole exchange. */
  readonly timeoutMs?: number;
  /** The longest body that is read. */
  readonly bytesMax?: number;
}

const defaultBytesMax = 512 * 1024;
const defaultTimeoutMs = 3_000;
const depthMax = 16;

/** The parsed document, or an outage whose cause names the URL and what was wrong. */
export const fetchJson = async (wanted: JsonRequest): Promise<unknown> => {
  const { url, ca, connections } = wanted;
  let own: Dispatcher | undefined;
  try {
    own = connections === undefined ? connectionsTo(url, ca) : undefined;
    const read = readStrictJson(await fetchText(wanted, connections ?? own), depthMax);
    return 'why' in read
      ? failed(url, `did not answer JSON: ${read.why}`)
      : (read.value ?? failed(url, 'did not answer JSON: null'));
  } catch (cause) {
    return failed(url, 'could not be fetched', cause);
  } finally {
    void own?.destroy();
  }
};

/** Connections to one server, kept for a few idle seconds. Throws when the environment's proxy cannot be used. */
export const connectionsTo = (
  url: string,
  ca: string | undefined,
  timeoutMs: number = defaultTimeoutMs,
): Dispatcher => {
  const connect = { timeout: timeoutMs, ...(ca !== undefined && { ca }) };
  const bounds = { allowH2: false, headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
  const proxy = isLoopbackUrl(url) ? undefined : proxyFromEnvironment(url);
  if (proxy === undefined) return new Agent({ ...bounds, connect });
  return new EnvHttpProxyAgent({
    ...bounds,
    httpProxy: proxy.url,
    httpsProxy: proxy.url,
    noProxy: proxy.noProxy,
    connect,
    requestTls: connect,
    connectTimeout: timeoutMs,
    clientFactory: (proxy, options) => new Pool(proxy, { ...options, ...bounds }),
  });
};

const failed = (url: string, what: string, cause?: unknown): Outage =>
  outage('issuer_unavailable', new Error(`${shownUrl(url)} ${what}`, { cause }));

/** An answer of another status than 200. */
class StatusError extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`answered ${status}, not 200`);
    this.status = status;
  }
}

/** The status that was answered instead of 200; undefined after another failure. */
export const answeredStatus = ({ cause }: Outage): number | undefined =>
  cause instanceof Error && cause.cause instanceof StatusError ? cause.cause.status : undefined;

/** A URL for messages: without user, password and query. */
export const shownUrl = (url: string): string => {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
};

const fetchText = async (
  { url, form, headers, timeoutMs = defaultTimeoutMs, bytesMax = defaultBytesMax }: JsonRequest,
  dispatcher: Dispatcher | undefined,
): Promise<string> => {
  const { statusCode, body } = await request(url, {
    method: form === undefined ? 'GET' : 'POST',
    headers: {
      accept: 'application/json, application/jwk-set+json',
      ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
    },
    body: form?.toString() ?? null,
    signal: AbortSignal.timeout(timeoutMs),
    ...(dispatcher !== undefined && { dispatcher }),
  });
  if (statusCode !== 200) {
    body.on('error', () => undefined).destroy();
    throw new StatusError(statusCode);
  }
  return readBounded(body, bytesMax);
};

const readBounded = async (body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    const piece: Buffer = Buffer.from(chunk);
    bytes += piece.length;
    if (bytes > bytesMax) throw new Error(`answered more than ${bytesMax} bytes`);
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString();
};

/** The same bounds in the shape of `fetch`, for a library that makes its requests by it. */
export const boundedFetch = async (
  url: string,
  ca: string | undefined,
  { method, headers, body }: BoundedFetchOptions,
): Promise<Response> => {
  const own = connectionsTo(url, ca);
  try {
    const signal = AbortSignal.timeout(defaultTimeoutMs);
    const answer = await request(url, { method, headers, body: body ?? null, signal, dispatcher: own });
    const text = await readBounded(answer.body, defaultBytesMax);
    const shown = new Headers();
    for (const [name, value] of Object.entries(answer.headers))
      for (const line of [value ?? []].flat()) shown.append(name, line);
    return new Response(bodiless.has(answer.statusCode) ? null : text, {
      status: answer.statusCode,
      headers: shown,
    });
  } finally {
    void own.destroy();
  }
};

export interface BoundedFetchOptions {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** `Response` takes none with them. */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);
