// Binding, counting and draining real servers, without a gate around them.

import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { bind, boundAddress, countConnections, drain } from '../../src/gate/listening.ts';
import type { Address } from '../../src/settings/settings.ts';

const makeDirectory = (t: Test): string => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

const newServer = (
  t: Test,
  answer: RequestListener = (_request, response) => void response.end('ok'),
): Server => {
  const server = createServer(answer);
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
};

const free: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
const portOf = (server: Server): number => Number(boundAddress(server).split(':').at(-1));

t.test('a server says where it listens, whatever kind of address it is', async (t) => {
  const ipv4 = newServer(t);
  t.equal(boundAddress(ipv4), 'nowhere', 'before it does');
  await bind(ipv4, free, 'the gate');
  t.match(boundAddress(ipv4), /^127\.0\.0\.1:[1-9]\d*$/);
  const path = join(makeDirectory(t), 'g.sock');
  const unix = newServer(t);
  await bind(unix, { kind: 'unix', path }, 'the gate');
  t.equal(boundAddress(unix), `unix:${path}`);
});

t.test('an address that cannot be had is a sentence that says what to do', async (t) => {
  const first = newServer(t);
  await bind(first, free, 'the gate');
  const taken: Address = { kind: 'tcp', host: '127.0.0.1', port: portOf(first) };
  await t.rejects(bind(newServer(t), taken, 'the ops server'), {
    message: `the ops server cannot listen on 127.0.0.1:${portOf(first)}: another process listens there. Stop it, or choose another address.`,
    cause: { code: 'EADDRINUSE' },
  });
  await t.rejects(bind(newServer(t), { kind: 'tcp', host: '192.0.2.1', port: 0 }, 'the gate'), {
    message: 'the gate cannot listen on 192.0.2.1:0: this machine has no such address.',
  });
  const nowhere: Address = { kind: 'unix', path: join(makeDirectory(t), 'no/such/folder.sock') };
  await t.rejects(bind(newServer(t), nowhere, 'the gate'), {
    message: /cannot listen on unix:.*folder\.sock: there is no folder .*no\/such\. Make it/,
  });
});

t.test(
  'an abandoned socket file is taken over; one in use, and a file that is none, are left alone',
  async (t) => {
    const directory = makeDirectory(t);
    const used: Address = { kind: 'unix', path: join(directory, 'used.sock') };
    const holder = newServer(t);
    await bind(holder, used, 'the gate');
    await t.rejects(bind(newServer(t), used, 'the gate'), { message: /another process listens there/ });
    t.ok(existsSync(used.path), 'the holder keeps its file');

    const file: Address = { kind: 'unix', path: join(directory, 'precious') };
    writeFileSync(file.path, 'words');
    await t.rejects(bind(newServer(t), file, 'the gate'), { message: /cannot listen/ });
    t.ok(existsSync(file.path), 'nobody deletes what is no socket');
  },
);

t.test('open connections are counted', async (t) => {
  const server = newServer(t);
  const counts = countConnections(server);
  await bind(server, free, 'the gate');
  t.equal(counts.open, 0);
  const sockets = [connect(portOf(server), '127.0.0.1'), connect(portOf(server), '127.0.0.1')];
  for (const socket of sockets) if (socket.connecting) await once(socket, 'connect');
  while (counts.open < 2) await new Promise((resolve) => setImmediate(resolve));
  t.equal(counts.open, 2);
  for (const socket of sockets) socket.destroy();
  while (counts.open > 0) await new Promise((resolve) => setImmediate(resolve));
  t.equal(counts.open, 0);
});

t.test('connections beyond the limit are closed, and counted', async (t) => {
  const server = newServer(t);
  server.maxConnections = 1;
  const counts = countConnections(server);
  await bind(server, free, 'the gate');
  const first = connect(portOf(server), '127.0.0.1');
  t.teardown(() => first.destroy());
  await once(server, 'connection');
  for (const count of [1, 2]) {
    const beyond = connect(portOf(server), '127.0.0.1').on('error', () => undefined);
    await once(beyond, 'close');
    t.equal(counts.refused, count);
  }
  t.equal(counts.open, 1);
});

const ask = (server: Server): Promise<string> =>
  new Promise((resolve, reject) => {
    const sent = request({
      port: portOf(server),
      host: '127.0.0.1',
      agent: false,
      headers: { connection: 'keep-alive' },
    });
    sent.on('response', (response: IncomingMessage) => {
      let text = '';
      response.on('data', (piece: Buffer) => (text += piece.toString()));
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
  });

t.test(
  'draining lets a request under way finish, and does not wait for connections kept alive',
  async (t) => {
    const { promise: hasAsked, resolve: asked } = Promise.withResolvers<void>();
    let finish = (): void => undefined;
    const server = newServer(t, (_request, response) => {
      finish = () => void response.end('whole');
      asked();
    });
    server.keepAliveTimeout = 600_000;
    await bind(server, free, 'the gate');
    const idle = connect(portOf(server), '127.0.0.1');
    t.teardown(() => idle.destroy());
    idle.on('error', () => undefined).resume();
    const answer = ask(server);
    await hasAsked;
    const drained = drain(server, 600_000, () => t.fail('the deadline was far away'));
    await once(idle, 'close');
    t.notOk(server.listening, 'nobody new comes in');
    finish();
    t.equal(await answer, 'whole');
    await drained;
    t.pass('though its caller keeps the connection alive');
  },
);

t.test('at the deadline everything ends, what the server does not know of included', async (t) => {
  const server = newServer(t, () => undefined);
  const ends: string[] = [];
  server.on('upgrade', (_request, socket) => {
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n');
    endUpgraded = () => {
      ends.push('upgraded');
      socket.destroy();
    };
  });
  let endUpgraded = (): void => undefined;
  await bind(server, free, 'the gate');
  const stuck = ask(server).catch(() => 'broken');
  const upgraded = connect(portOf(server), '127.0.0.1');
  t.teardown(() => upgraded.destroy());
  upgraded.write('GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n');
  await once(upgraded, 'data');
  await drain(server, 50, () => endUpgraded());
  t.strictSame(ends, ['upgraded'], 'once');
  t.equal(await stuck, 'broken');
});

t.test('draining a server that never listened is done at once', async (t) => {
  await drain(newServer(t), 600_000);
  t.pass('nothing to wait for');
});
