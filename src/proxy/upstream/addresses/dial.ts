// Opens a connection to one address of an upstream: TCP, a unix socket, or TLS with our certificate where the settings have one.
// Chooses nothing and remembers nothing but the last TLS session.

import { connect, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, createSecureContext } from 'node:tls';
import type { UpstreamSettings } from '../../../settings/settings.ts';
import { settingOfUpstream } from '../../../settings/upstream-fields.ts';
import { codeOf } from '../forward-failure.ts';
import { type Endpoint, hostOf, shownOf } from './upstream-address.ts';

/**
 * `onDone` gets an open socket (over TLS: the other side is who it should be), or why there is none; later, unless the returned
 * function has been called, which gives up.
 */
export type Dial = (
  endpoint: Endpoint,
  timeoutMs: number,
  onDone: (result: Socket | Error) => void,
) => () => void;

export const createDial = (settings: UpstreamSettings): Dial => {
  const open = settings.origin.startsWith('https:') ? openerOfTls(settings) : openPlain;
  return (endpoint, timeoutMs, onDone) => {
    const { socket, readyEvent } = open(endpoint);
    const end = (): void => {
      clearTimeout(timer);
      socket.off(readyEvent, onReady).off('error', onError);
    };
    const fail = (error: Error): void => {
      end();
      socket.on('error', ignore).destroy();
      onDone(error);
    };
    const onReady = (): void => {
      end();
      onDone(socket);
    };
    const onError = (error: Error): void => fail(withAdvice(error, settings.name));
    const timer = setTimeout(() => fail(timeoutError(endpoint, timeoutMs)), timeoutMs);
    socket.once(readyEvent, onReady).once('error', onError);
    return () => {
      end();
      socket.on('error', ignore).destroy();
    };
  };
};

interface Opening {
  readonly socket: Socket;
  readonly readyEvent: 'connect' | 'secureConnect';
}

const openPlain = (endpoint: Endpoint): Opening => {
  const socket = connect({ ...endpoint, ...socketOptions });
  return { socket, readyEvent: 'connect' };
};

const openerOfTls = (settings: UpstreamSettings): ((endpoint: Endpoint) => Opening) => {
  const { ca, clientCertificate } = settings;
  // An own CA stands instead of the system's.
  const secureContext = createSecureContext({ ...(ca !== undefined && { ca }), ...clientCertificate });
  const serverName = hostOf(settings);
  let session: Buffer | undefined;
  return (endpoint) => {
    const socket = connectTls({
      ...endpoint,
      ...socketOptions,
      secureContext,
      rejectUnauthorized: true,
      ALPNProtocols: ['http/1.1'],
      // TLS has no server name for an address (RFC 6066 section 3); its certificate is then checked by the address.
      servername: isIP(serverName) === 0 ? serverName : '',
      checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),
      ...(session !== undefined && { session }),
    });
    // Node does not check the name again when a session is resumed: only one of a server that is who it should be is kept.
    socket.on('session', (next: Buffer) => {
      if (socket.authorized) session = next;
    });
    return { socket, readyEvent: 'secureConnect' };
  };
};

const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 } as const;

const timeoutError = (endpoint: Endpoint, timeoutMs: number): Error =>
  Object.assign(new Error(`no connection to ${shownOf(endpoint)} within ${Math.round(timeoutMs)} ms`), {
    code: 'ETIMEDOUT',
  });

const ignore = (): void => undefined;

const untrusted = 'name the CA that signed its certificate in';
const plain = 'it does not speak TLS; write http in';

/** What an operator does about a failed handshake whose error does not say it by itself, and in which setting. */
const adviceByCode: Readonly<Record<string, readonly [advice: string, key: string]>> = {
  SELF_SIGNED_CERT_IN_CHAIN: [untrusted, 'ca'],
  DEPTH_ZERO_SELF_SIGNED_CERT: [untrusted, 'ca'],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [untrusted, 'ca'],
  UNABLE_TO_GET_ISSUER_CERT: [untrusted, 'ca'],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [untrusted, 'ca'],
  ERR_SSL_WRONG_VERSION_NUMBER: [plain, 'url'],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: [plain, 'url'],
};

const withAdvice = (error: Error, upstream: string): Error => {
  const code = codeOf(error);
  if (!Object.hasOwn(adviceByCode, code)) return error;
  const [advice, key] = adviceByCode[code] ?? ['', ''];
  return Object.assign(
    new Error(`${error.message.trim()}: ${advice} ${settingOfUpstream(upstream)}.${key}`),
    { code },
  );
};

/**
 * This process or machine lacks something: it says nothing of the address. EADDRNOTAVAIL does: so fails an IPv6 address where
 * there is no IPv6.
 */
const ourCodes = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

export const isOurFault = (error: Error): boolean => ourCodes.has(codeOf(error));
