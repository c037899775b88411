// The console on a real server, with the accounts of the management tests, and a browser as far as a server sees one: it
// keeps cookies, and says of each request where it comes from.

import type { Test } from 'tap';
import type { Settings } from '../../../src/settings/settings.ts';
import { example } from '../../../src/surfaces/management/examples.ts';
import { exchangeRaw } from '../../support/raw-client.ts';
import { type ManagementServer, startManagement } from '../management/management-server.ts';
import { noSurfaces, type SurfaceSettings } from '../surface-server.ts';

export const prefix = '/tollgate/console';
export const ann = { org: example.org, user: example.user, password: example.password };
export const cookieName = '__Host-tollgate-console';

export interface PageReply {
  readonly status: number;
  readonly text: string;
  /** Of a JSON body; empty when there is none. */
  readonly body: Record<string, unknown>;
  header(name: string): string | undefined;
  /** Lines of Set-Cookie. */
  readonly cookies: readonly string[];
}

export interface Asked {
  /** JSON, or text as it is. */
  readonly body?: unknown;
  /** Over those that a page of the console sends; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

export interface Browser {
  /** The value of the session's cookie. */
  readonly cookies: Map<string, string>;
  /** `GET /session`: below the prefix. */
  send(methodAndPath: string, asked?: Asked): Promise<PageReply>;
  signIn(who?: object): Promise<PageReply>;
}

export interface ConsoleServer extends ManagementServer {
  browser(): Browser;
}

export const consoleSettings = (
  change: Partial<Settings['surfaces']['console']> = {},
): Settings['surfaces'] => ({
  ...noSurfaces,
  console: { ...noSurfaces.console, enabled: true, ...change },
});

export const startConsole = async (
  t: Test,
  change: Partial<Settings['surfaces']['console']> = {},
  settings: Partial<SurfaceSettings> = {},
): Promise<ConsoleServer> => {
  const server = await startManagement(t, { surfaces: consoleSettings(change), ...settings });
  return { ...server, browser: () => openBrowser(server.port) };
};

/** `target`: the port of a server. */
export const openBrowser = (target: number, host = 'gate.example'): Browser => {
  const cookies = new Map<string, string>();
  const send: Browser['send'] = async (methodAndPath, { body, headers = {} } = {}) => {
    const [method = '', path = ''] = methodAndPath.split(' ');
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const jar = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const all: Record<string, string | undefined> = {
      host,
      origin: method === 'GET' || method === 'HEAD' ? undefined : `http://${host}`,
      'sec-fetch-site': 'same-origin',
      cookie: jar === '' ? undefined : jar,
      'content-type': text === '' ? undefined : 'application/json',
      'content-length': text === '' ? undefined : String(Buffer.byteLength(text)),
      ...headers,
    };
    const lines = Object.entries(all).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}: ${value}`],
    );
    const message = await exchangeRaw(
      target,
      `${method} ${path.startsWith('//') ? path.slice(1) : prefix + path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${Buffer.from(text).toString('latin1')}`,
    );
    const set = message.headers
      .filter(([name]) => name.toLowerCase() === 'set-cookie')
      .map(([, value]) => value);
    for (const line of set) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const isJson = /^application\/(?:problem\+)?json/.test(message.header('content-type') ?? '');
    const answered = Buffer.from(message.body, 'latin1').toString('utf8');
    return {
      status: message.status,
      text: answered,
      body: isJson && answered !== '' ? (JSON.parse(answered) as Record<string, unknown>) : {},
      header: (name) => message.header(name),
      cookies: set,
    };
  };
  return { cookies, send, signIn: (who = ann) => send('POST /session', { body: who }) };
};
