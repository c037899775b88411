// A real SMTP server that keeps what it is given, and misbehaves where it is told to.
//
//   const mail = await startMailServer(t, { refuses: 'nobody@example.com' });
//   await mail.received(2);
//   mail.messages[0].data

import type { Test } from 'tap';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** As it came, headers and all. */
  readonly data: string;
  readonly isSecure: boolean;
}

export interface MailServer {
  readonly port: number;
  readonly messages: readonly ReceivedMail[];
  /** How often somebody connected. */
  readonly connections: () => number;
  /** Resolves when so many have come. */
  received(count: number): Promise<void>;
}

export interface MailServerOptions {
  /** The port; else a free one. */
  readonly port?: number;
  /** Never greets. */
  readonly isSilent?: boolean;
  /** This recipient is refused for good. */
  readonly refuses?: string;
  /** Every recipient is refused for now. */
  readonly isBusy?: boolean;
  /** Ends the connection in the middle of the first so many messages. */
  readonly drops?: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** TLS from the first byte. */
  readonly isImplicit?: boolean;
  readonly password?: string;
}

const refusal = (code: number, text: string): Error => Object.assign(new Error(text), { responseCode: code });

export const startMailServer = async (t: Test, options: MailServerOptions = {}): Promise<MailServer> => {
  const messages: ReceivedMail[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  let connections = 0;
  let drops = options.drops ?? 0;
  const { tls, password } = options;
  const settings: SMTPServerOptions = {
    ...(tls === undefined
      ? { disabledCommands: ['STARTTLS'] }
      : { ...tls, secure: options.isImplicit === true }),
    authOptional: password === undefined,
    closeTimeout: 100,
    disableReverseLookup: true,
    onConnect: (_session, done) => {
      connections++;
      if (options.isSilent !== true) done();
    },
    onAuth: (auth, _session, done) =>
      auth.password === password ? done(null, { user: auth.username }) : done(refusal(535, 'no')),
    onRcptTo: ({ address }, _session, done) => {
      if (options.isBusy === true) done(refusal(451, 'later'));
      else if (address === options.refuses) done(refusal(550, 'no such user'));
      else done();
    },
    onData: (stream, session, done) => {
      if (drops > 0) {
        drops--;
        // The library keeps its socket to itself.
        (stream as unknown as { once(event: string, act: () => void): void }).once('data', () => {
          for (const { _socket } of server.connections as Set<{ _socket: { destroy(): void } }>)
            _socket.destroy();
        });
        stream.resume();
        return;
      }
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        messages.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          data: Buffer.concat(chunks).toString(),
          isSecure: session.secure,
        });
        done();
        for (const { count, resolve } of waiting) if (messages.length >= count) resolve();
      });
    },
  };
  const server = new SMTPServer(settings);
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const address = server.server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    messages,
    connections: () => connections,
    received: (count) =>
      messages.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => void waiting.push({ count, resolve })),
  };
};

/** The parts of a mail, decoded: its header lines, unfolded, and text of every part. */
export const readMail = (
  data: string,
): { readonly headers: ReadonlyMap<string, string>; readonly parts: readonly string[] } => {
  const [head = '', ...rest] = data.split('\r\n\r\n');
  const headers = headersOf(head);
  const boundary = /boundary="?([^";]+)"?/.exec(headers.get('content-type') ?? '')?.[1];
  const body = rest.join('\r\n\r\n');
  if (boundary === undefined) return { headers, parts: [decoded(headers, body)] };
  const parts = body
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => {
      const [partHead = '', ...partBody] = part.replace(/^\r\n/, '').split('\r\n\r\n');
      return decoded(headersOf(partHead), partBody.join('\r\n\r\n'));
    });
  return { headers, parts };
};

const headersOf = (head: string): ReadonlyMap<string, string> =>
  new Map(
    head
      .replaceAll(/\r\n[ \t]+/g, ' ')
      .split('\r\n')
      .map((line) => {
        const at = line.indexOf(':');
        return [line.slice(0, at).toLowerCase(), encodedWords(line.slice(at + 1).trim())] as const;
      }),
  );

/** RFC 2047. */
const encodedWords = (text: string): string =>
  text
    .replaceAll(/\?= +=\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, kind: string, word: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(word, 'base64').toString('latin1')
        : quoted(word.replaceAll('_', ' ')),
    )
    .replace(/^[\0-\xff]*$/, (bytes) => Buffer.from(bytes, 'latin1').toString());

const quoted = (text: string): string =>
  text
    .replaceAll(/=\r\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

const decoded = (headers: ReadonlyMap<string, string>, body: string): string => {
  const encoding = headers.get('content-transfer-encoding')?.toLowerCase();
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString();
  return encoding === 'quoted-printable' ? Buffer.from(quoted(body), 'latin1').toString() : body;
};
