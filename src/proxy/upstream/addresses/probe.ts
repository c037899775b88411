// Asks one address of an upstream whether it works, on a connection of its own: opens it, and gets a path where the settings
// have one. It carries no credential and no identity.

import { request as sendRequest } from 'node:http';
import type { Socket } from 'node:net';
import { authorityOf } from '../../../decision/http-text.ts';
import type { UpstreamSettings } from '../../../settings/settings.ts';
import { type Dial, isOurFault } from './dial.ts';
import type { Endpoint } from './upstream-address.ts';

export type ProbeSettings = NonNullable<UpstreamSettings['health']['probe']>;

/** `unreachable`: it could not be connected to. `unknown`: this process could not even try. */
export type ProbeResult =
  | { readonly is: 'good' }
  | { readonly is: 'bad' | 'unreachable' | 'unknown'; readonly why: string };

/** `onResult` is called once, later, within the time-out. */
export const probe = (
  endpoint: Endpoint,
  dial: Dial,
  origin: string,
  settings: ProbeSettings,
  onResult: (result: ProbeResult) => void,
): void => {
  const startMs = performance.now();
  dial(endpoint, settings.timeoutMs, (result) => {
    if (result instanceof Error)
      return onResult({ is: isOurFault(result) ? 'unknown' : 'unreachable', why: result.message });
    if (settings.path === undefined) {
      result.on('error', ignore).destroy();
      return onResult({ is: 'good' });
    }
    const leftMs = Math.max(1, settings.timeoutMs - (performance.now() - startMs));
    ask(result, settings.path, origin, settings, leftMs, onResult);
  });
};

const ask = (
  socket: Socket,
  path: string,
  origin: string,
  { status, timeoutMs }: ProbeSettings,
  leftMs: number,
  onResult: (result: ProbeResult) => void,
): void => {
  let isOver = false;
  const end = (why: string | undefined): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    sent.destroy();
    onResult(why === undefined ? { is: 'good' } : { is: 'bad', why: `the probe ${path}: ${why}` });
  };
  const sent = sendRequest({
    createConnection: () => socket,
    method: 'GET',
    path,
    headers: { Host: authorityOf(origin), 'User-Agent': 'tollgate-probe', Connection: 'close' },
  });
  const timer = setTimeout(() => end(`no answer within ${timeoutMs} ms`), leftMs);
  sent.on('error', (error) => end(error.message));
  sent.on('upgrade', () => end('it answered 101'));
  sent.on('response', (response) => {
    const code = response.statusCode ?? 0;
    response.on('error', ignore);
    const isGood = status === undefined ? code >= 200 && code < 400 : code === status;
    end(isGood ? undefined : `it answered ${code}`);
  });
  sent.end();
};

const ignore = (): void => undefined;
