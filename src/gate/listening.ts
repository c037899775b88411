// Servers and their addresses: bind, say where, stop accepting, and end what is left at the deadline.

import { once } from 'node:events';
import { existsSync, lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { Address } from '../settings/settings.ts';

/** Resolves when bound; rejects with a sentence that says what is in the way. */
export const bind = async (server: Server, address: Address, purpose: string): Promise<void> => {
  if (address.kind === 'unix') await removeAbandonedSocket(address.path);
  const bound = once(server, 'listening');
  if (address.kind === 'unix') server.listen(address.path);
  else server.listen(address.port, address.host);
  try {
    await bound;
  } catch (error) {
    throw new Error(`${purpose} cannot listen on ${shown(address)}: ${reasonOf(error, address)}`, {
      cause: error,
    });
  }
};

/** `127.0.0.1:8080` or `unix:/run/tollgate.sock`, with the port the system chose for port 0. */
export const boundAddress = (server: Server): string => {
  const address = server.address();
  if (address === null) return 'nowhere';
  if (typeof address === 'string') return `unix:${address}`;
  return `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
};

/** Open connections, upgraded ones included, and those that were closed unread because `maxConnections` were open. */
export const countConnections = (server: Server): { readonly open: number; readonly refused: number } => {
  const counts = { open: 0, refused: 0 };
  server.on('connection', (socket) => {
    counts.open += 1;
    socket.once('close', () => {
      counts.open -= 1;
    });
  });
  server.on('drop', () => {
    counts.refused += 1;
  });
  return counts;
};

/** A connection that a caller keeps alive is idle only once its last response is out: it is looked for this often. */
const idleCheckMs = 50;

/** Lets what is under way finish. At the deadline `onDeadline` ends upgraded sockets, which the server does not know. */
export const drain = async (
  server: Server,
  deadlineMs: number,
  onDeadline: () => void = () => undefined,
): Promise<void> => {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  const idleTimer = setInterval(() => server.closeIdleConnections(), idleCheckMs);
  const deadline = setTimeout(() => {
    onDeadline();
    server.closeAllConnections();
  }, deadlineMs);
  await closed;
  clearInterval(idleTimer);
  clearTimeout(deadline);
};

const shown = (address: Address): string =>
  address.kind === 'unix' ? `unix:${address.path}` : `${address.host}:${address.port}`;

const reasonOf = (error: unknown, address: Address): string => {
  // Node says EACCES then too.
  if (address.kind === 'unix' && !existsSync(dirname(address.path)))
    return `there is no folder ${dirname(address.path)}. Make it, and let this user write to it.`;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return 'another process listens there. Stop it, or choose another address.';
    case 'EACCES':
      return 'this user may not. Choose a port above 1023, or a folder this user can write to.';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address.';
    default:
      return error instanceof Error ? error.message : String(error);
  }
};

/** A socket file nobody answers on is left over from a process that was killed. Any other file stays. */
const removeAbandonedSocket = async (path: string): Promise<void> => {
  const isSocket = lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
  if (!isSocket) return;
  const probe = connect(path);
  const isAnswered = await once(probe, 'connect').then(
    () => true,
    () => false,
  );
  probe.destroy();
  if (!isAnswered) unlinkSync(path);
};
