// A client that speaks raw bytes: for requests no HTTP library would send, and for seeing exactly what comes back.
//
//   const client = await connectRaw(port);               // or a unix socket's path, { port, tls: { ca, servername } }, { port, from }
//   t.teardown(() => client.socket.destroy());
//   client.send('GET /things HTTP/1.1\r\nHost: api\r\n\r\n');
//   const answer = await client.readMessage();           // answer.status, answer.header('x-y'), answer.body, answer.framing
//
//   const answer = await exchangeRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');   // connect, send, read one message, close

import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { RawConnection, type RawMessage } from './raw-connection.ts';

export type RawTarget =
  | number
  | string
  | { readonly port: number; readonly tls: { readonly ca: string; readonly servername: string } }
  /** From another address of this machine, such as 127.0.0.2. */
  | { readonly port: number; readonly from: string };

export const connectRaw = async (target: RawTarget): Promise<RawConnection> => {
  if (typeof target === 'object' && 'tls' in target) {
    const socket = connectTls({ port: target.port, host: '127.0.0.1', ...target.tls });
    await once(socket, 'secureConnect');
    return new RawConnection(socket);
  }
  const { port, from } = typeof target === 'object' ? target : { port: target, from: '127.0.0.1' };
  const socket =
    typeof port === 'number'
      ? connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true, allowHalfOpen: true })
      : connect({ path: port, allowHalfOpen: true });
  await once(socket, 'connect');
  return new RawConnection(socket);
};

export const exchangeRaw = async (
  target: RawTarget,
  request: string,
  options: { readonly bodiless?: boolean } = {},
): Promise<RawMessage> => {
  const client = await connectRaw(target);
  try {
    client.send(request);
    return await client.readMessage({ bodiless: options.bodiless ?? request.startsWith('HEAD ') });
  } finally {
    client.socket.destroy();
  }
};
