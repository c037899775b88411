// A browser before the console, as far as a server sees one: it keeps cookies, and says of each request where it comes from.

import { exchangeRaw } from './raw-client.ts';

export const prefix = '/tollgate/console';
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
  /** Without `who`: as the user it was opened for. */
  signIn(who?: object): Promise<PageReply>;
}

/** `target`: the port of a server; `user`: org, user and password. */
export const openBrowser = (target: number, user: object, host = 'gate.example'): Browser => {
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
  return { cookies, send, signIn: (who = user) => send('POST /session', { body: who }) };
};
