// Opens connections to an upstream: TCP, a unix socket, or TLS with the upstream's own name, whatever the caller's Host says.

import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Outage, outage } from '../../decision/outcome.ts';
import type { UpstreamSettings } from '../../settings/settings.ts';
import { outageOf } from './forward-failure.ts';

/** Called once: with an open socket, or why there is none. */
type OnOpen = (opened: Socket | Outage) => void;

/** Gives a function that opens a socket, and returns how to give up; then nothing is called any more. */
export const socketOpenerOf = (settings: UpstreamSettings): ((onOpen: OnOpen) => () => void) => {
  const { protocol, hostname, port } = new URL(settings.origin);
  const host = hostname.replace(/^\[|\]$/g, '');
  const options = {
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    ...(settings.socketPath === undefined
      ? { host, port: Number(port) || (protocol === 'https:' ? 443 : 80) }
      : { path: settings.socketPath }),
  };
  let session: Buffer | undefined;
  const open = (): Socket => {
    if (protocol !== 'https:') return connect(options);
    const socket = connectTls({
      ...options,
      // TLS has no server name for an address (RFC 6066 section 3); its certificate is then checked by the address.
      servername: isIP(host) === 0 ? host : '',
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true,
      session,
      ca: settings.ca,
    });
    return socket.on('session', (offered) => (session = offered));
  };
  const event = protocol === 'https:' ? 'secureConnect' : 'connect';
  return (onOpen) => {
    const socket = open();
    const end = (opened: Socket | Outage): void => {
      clearTimeout(timer);
      socket.off(event, onConnected).off('close', onClose).off('error', onError);
      if (opened !== socket) socket.on('error', ignore).destroy();
      onOpen(opened);
    };
    const timer = setTimeout(
      () => end(outage('upstream_timeout', new Error('no connection in time'))),
      settings.connectTimeoutMs,
    );
    const onConnected = (): void => end(socket);
    const onError = (error: Error): void => end(outageOf(error, false));
    const onClose = (): void =>
      end(outageOf(new Error('the connection was closed before it was open'), false));
    socket.once(event, onConnected).once('error', onError).once('close', onClose);
    return () => {
      onOpen = ignore;
      end(outage('shutting_down'));
    };
  };
};

const ignore = (): void => undefined;
