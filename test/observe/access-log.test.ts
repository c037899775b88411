// The log: one JSON line a record, no secrets, nothing a terminal or a parser could trip over.

import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { denial, outage } from '../../src/decision/outcome.ts';
import { createLog, type Log } from '../../src/observe/log.ts';
import { createRecorder } from '../../src/observe/access-line.ts';
import type { RequestOutcome } from '../../src/observe/request-outcome.ts';
import { sampleIdentity, sampleOutcome } from './request-outcome-samples.ts';

const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ';
const apiToken = `tg${'aB3'.repeat(21)}`;

interface Written {
  readonly lines: Record<string, unknown>[];
  readonly text: string;
}

/** Writes through a real file and reads it back. */
const written = async (
  t: Test,
  level: 'info' | 'warn' | 'silent',
  use: (log: Log) => void,
): Promise<Written> => {
  const file = join(t.testdir(), 'log.json');
  const log = createLog({ level, fd: openSync(file, 'a'), onDrop: () => undefined });
  use(log);
  await log.drain();
  const text = readFileSync(file, 'utf8');
  const lines = text.split('\n').slice(0, -1);
  return { text, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
};

const recorded = (
  t: Test,
  access: 'off' | 'errors' | 'all',
  outcomes: readonly Partial<RequestOutcome>[],
): Promise<Written> =>
  written(t, 'info', (log) => {
    const record = createRecorder({ record: () => undefined }, log, access);
    for (const outcome of outcomes) record(sampleOutcome(outcome));
  });

t.test('access: all writes one line a request, with who, what and how long', async (t) => {
  const { lines } = await recorded(t, 'all', [{}, { status: 404, path: '/things/2?token=abc' }]);
  t.equal(lines.length, 2);
  t.match(lines[0], {
    level: 'info',
    time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
    msg: 'request',
    requestId: '0123456789abcdef',
    route: 'read-things',
    method: 'GET',
    path: '/things/1',
    status: 200,
    result: 'permit',
    credential: 'api_token',
    org: 'acme',
    user: 'ada',
    tokenId: sampleIdentity.tokenId,
    client: '127.0.0.1',
    durationMs: 1.25,
    upstreamMs: 0.75,
  });
  t.equal(lines[1]?.['path'], '/things/2', 'the query is never written');
});

t.test(
  'access: errors writes refusals, outages, broken answers and upstream 5xx, and no other',
  async (t) => {
    const { lines } = await recorded(t, 'errors', [
      {},
      { status: 404 },
      { status: 403, result: 'denial', reason: 'scope_missing', evidence: 'things:write' },
      { status: 503, result: 'outage', reason: 'store_unavailable', cause: new Error('connection refused') },
      { status: 500 },
      { status: 200, reason: 'client_gone' },
    ]);
    t.strictSame(
      lines.map(({ level, status, reason, evidence, cause }) => [level, status, reason, evidence, cause]),
      [
        ['info', 403, 'scope_missing', 'things:write', undefined],
        ['warn', 503, 'store_unavailable', undefined, 'connection refused'],
        ['info', 500, undefined, undefined, undefined],
        ['info', 200, 'client_gone', undefined, undefined],
      ],
    );
  },
);

t.test('access: errors writes what only shadow mode let through, and why it would be refused', async (t) => {
  const { lines, text } = await recorded(t, 'errors', [
    { shadow: 'permit' },
    { shadow: denial('scope_missing', 'things:read') },
    { shadow: denial('token_unknown', `it was ${apiToken}`) },
    { shadow: outage('store_unavailable', new Error('ECONNREFUSED')) },
  ]);
  t.match(lines, [
    {
      status: 200,
      result: 'permit',
      shadow: 'denial',
      shadowReason: 'scope_missing',
      shadowEvidence: 'things:read',
    },
    { result: 'permit', shadow: 'denial', shadowReason: 'token_unknown' },
    { shadow: 'outage', shadowReason: 'store_unavailable', shadowCause: 'ECONNREFUSED' },
  ]);
  t.equal(lines.length, 3);
  t.notMatch(text, apiToken);
  t.match((await recorded(t, 'all', [{ shadow: 'permit' }])).lines, [{ shadow: 'permit' }]);
});

t.test('access: off writes none, but a bug is always told with its cause', async (t) => {
  const { lines } = await recorded(t, 'off', [
    {},
    { status: 401, result: 'denial', reason: 'token_unknown' },
    { status: 500, result: 'bug', cause: new TypeError('broken invariant', { cause: new Error('below') }) },
  ]);
  t.equal(lines.length, 1);
  t.match(lines[0], {
    level: 'error',
    route: 'read-things',
    err: {
      type: 'TypeError',
      message: 'broken invariant',
      stack: /access-log\.test\.ts/,
      cause: { message: 'below' },
    },
  });
});

t.test('level silent writes nothing at all', async (t) => {
  const { text } = await written(t, 'silent', (log) => {
    log.error('a fault');
    createRecorder({ record: () => undefined }, log, 'all')(sampleOutcome());
  });
  t.equal(text, '');
});

t.test('level warn still writes the access lines that were asked for', async (t) => {
  const { lines } = await written(t, 'warn', (log) => {
    log.info('not important');
    createRecorder({ record: () => undefined }, log, 'all')(sampleOutcome());
  });
  t.strictSame(
    lines.map(({ msg }) => msg),
    ['request'],
  );
});

t.test('claims, paths and agents with CR LF or ANSI: one JSON line a record, printable only', async (t) => {
  const nasty = 'a\r\n{"level":"info"}\u001b[31m\u009b31m\u007f\u2028\u202e\u0000"\\é';
  const { text, lines } = await recorded(t, 'all', [
    {
      method: nasty,
      path: `/${nasty}`,
      requestId: nasty,
      evidence: nasty,
      clientAddress: nasty,
      result: 'denial',
      reason: 'token_invalid',
      identity: {
        ...sampleIdentity,
        org: { id: nasty, name: nasty },
        user: { id: nasty, name: nasty, roles: [] },
        sessionId: nasty,
      },
    },
  ]);
  t.equal(lines.length, 1);
  t.notMatch(text.slice(0, -1), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, 'nothing a terminal acts on');
  t.match(lines[0]?.['user'], 'a\\u000d\\n{"level":"info"}\\u001b[31m', 'escaped, and still readable');
  t.match(lines[0]?.['user'], 'é', 'letters stay letters');
});

t.test('a very long path is cut', async (t) => {
  const { lines } = await recorded(t, 'all', [{ path: `/${'a'.repeat(100_000)}` }]);
  t.equal(String(lines[0]?.['path']).length, 1024);
});

t.test('no credential reaches the log, wherever it was left', async (t) => {
  const libraryError = Object.assign(new Error(`bad header: Bearer ${apiToken}`), {
    command: { name: 'auth', args: ['hunter2'] },
    input: `redis://:hunter2@store:6379/?password=hunter2`,
    code: 'ERR_X',
    cause: new Error(`connect redis://user:hunter2@store:6379 failed, token=${apiToken}`),
  });
  const { text, lines } = await written(t, 'info', (log) => {
    const record = createRecorder({ record: () => undefined }, log, 'all');
    record(sampleOutcome({ path: `/things/${jwt}`, evidence: `found ${apiToken}` }));
    record(sampleOutcome({ path: `/csp/${apiToken}?refresh_token=${apiToken}` }));
    record(
      sampleOutcome({ result: 'outage', reason: 'store_unavailable', status: 503, cause: libraryError }),
    );
    record(sampleOutcome({ result: 'bug', status: 500, cause: libraryError }));
    log.error(`could not verify ${jwt}`, {
      err: libraryError,
      authorization: `Bearer ${apiToken}`,
      request: { cookie: `session=${apiToken}`, password: 'hunter2', path: '/login' },
    });
    log.warn('a cause that is no error', { err: { password: 'hunter2' } });
  });
  t.equal(lines.length, 7);
  for (const secret of [apiToken, apiToken.slice(0, 40), jwt, jwt.slice(-20), 'hunter2'])
    t.notOk(text.includes(secret), `not ${secret.slice(0, 12)}...`);
  t.match(text, '/login', 'what is not secret stays');
});

t.test('lines still in the buffer are written when the process ends', async (t) => {
  const program = `
    import { createLog } from ${JSON.stringify(join(import.meta.dirname, '../../src/observe/log.ts'))};
    const log = createLog({ level: 'info', fd: 1, onDrop: () => undefined });
    for (let i = 0; i < 5000; i += 1) log.line('{"n":' + i + '}');
    log.info('last');
    process.exit(0);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (output += piece));
  await once(child, 'close');
  t.equal(output.split('\n').length - 1, 5001);
  t.match(output, '"msg":"last"');
});

t.test(
  'a log nobody reads is dropped and counted, not kept forever, and a closed pipe ends nothing',
  async (t) => {
    const program = `
    import { once } from 'node:events';
    import { createLog } from ${JSON.stringify(join(import.meta.dirname, '../../src/observe/log.ts'))};
    let dropped = 0;
    const log = createLog({ level: 'info', fd: 1, onDrop: (lines) => (dropped += lines) });
    const line = '{"text":"' + 'x'.repeat(1000) + '"}';
    for (let i = 0; i < 40000; i += 1) log.line(line);
    process.stderr.write(JSON.stringify({ dropped, rss: process.memoryUsage().rss }));
    await once(process.stdin, 'end');
    for (let i = 0; i < 100; i += 1) log.line(line);
    await log.drain();
    process.stderr.write(' alive');`;
    const child = spawn(
      process.execPath,
      ['--input-type=module', '-e', `process.stdin.resume();${program}`],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    t.teardown(() => child.kill('SIGKILL'));
    const [first] = (await once(child.stderr, 'data')) as [Buffer];
    const { dropped, rss } = JSON.parse(first.toString()) as { dropped: number; rss: number };
    t.ok(dropped > 20_000 && dropped < 40_000, `${dropped} of 40,000 dropped`);
    t.ok(rss < 250_000_000, `${rss} bytes resident`);
    child.stdout.destroy();
    child.stdin.end();
    const [second] = (await once(child.stderr, 'data')) as [Buffer];
    t.match(second.toString(), 'alive');
    await once(child, 'close');
  },
);
