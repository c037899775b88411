// `npm start`, as a newcomer meets it: what it prints is done to the letter, by a small reader of its curl lines.

import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { startEchoApi } from '../support/echo-api.ts';
import {
  type Answer,
  asGate,
  call,
  exchange,
  type GateProcess,
  revoke,
  until,
} from '../support/gate-process.ts';
import { cleanEnvironment, root, runToEnd, startProcess } from '../support/process.ts';
import { startRedis } from '../support/redis.ts';

t.setTimeout(180_000);

interface Started extends GateProcess {
  readonly directory: string;
  readonly token: string;
  /** What it said to a person: everything but the log. */
  welcome(): string;
}

const makeDirectory = (t: Test): string => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  for (const name of ['work', 'home', 'temporary']) mkdirSync(join(directory, name));
  return directory;
};

const start = async (t: Test, directory: string, ...args: readonly string[]): Promise<Started> => {
  const running = await startProcess(
    process.execPath,
    [join(root, 'config/example/start.ts'), '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0', ...args],
    {
      cwd: join(directory, 'work'),
      env: { ...cleanEnvironment(), HOME: join(directory, 'home'), TMPDIR: join(directory, 'temporary') },
    },
  );
  t.teardown(() => running.stop(3_000));
  const gate = await asGate(running, '');
  await gate.whenReady();
  await until(() => running.output().includes('Tollgate listens on'));
  return {
    ...gate,
    directory,
    token: /^API token: (\S+)$/m.exec(running.output())?.[1] ?? '',
    welcome: () =>
      running
        .output()
        .split('\n')
        .filter((line) => !line.startsWith('{'))
        .join('\n'),
  };
};

interface CurlLine {
  readonly line: string;
  readonly comment: string;
  readonly url: string;
  readonly init: RequestInit;
}

/** The curl lines of a text, as requests. Knows -i, -s, -X, -H and -d, and the variable TOKEN. */
const curlLinesOf = (text: string, token: string): readonly CurlLine[] =>
  text
    .split('\n')
    .filter((line) => line.trim().startsWith('curl '))
    .map((line) => {
      const [command = '', comment = ''] = line.trim().split(/\s+# ?/);
      const words = [...command.replaceAll('$TOKEN', token).matchAll(/"([^"]*)"|(\S+)/g)].map(
        ([, quoted, bare]) => quoted ?? bare ?? '',
      );
      const headers = new Headers();
      const fields = new URLSearchParams();
      let method: string | undefined;
      let url = '';
      for (let at = 1; at < words.length; at += 1) {
        const word = words[at] ?? '';
        const next = (): string => words[(at += 1)] ?? '';
        if (word === '-X') method = next();
        else if (word === '-H') headers.append(...(next().split(': ', 2) as [string, string]));
        else if (word === '-d') fields.append(...(next().split('=', 2) as [string, string]));
        else if (word.startsWith('http')) url = word;
        else if (word !== '-i' && word !== '-s')
          throw new Error(`an option this test does not know: ${word}`);
      }
      const body = fields.size > 0 ? fields : undefined;
      method ??= body === undefined ? 'GET' : 'POST';
      return { line, comment, url, init: { method, headers, ...(body && { body }) } };
    });

const perform = ({ url, init }: CurlLine): Promise<Answer> => call({ url: '' }, url, undefined, init);

t.test('the printed lines do what their comments say, one after the other', async (t) => {
  const gate = await start(t, makeDirectory(t));
  const { token } = gate;
  t.match(token, /^tg[0-9A-Za-z]{63}$/, 'a token of 65 characters');
  const socket = new WebSocket(`${gate.url.replace('http', 'ws')}/ws`, {
    headers: { authorization: `Bearer ${token}` },
  });
  socket.on('error', () => undefined);
  const [hello] = (await once(socket, 'message')) as [Buffer];
  t.strictSame(JSON.parse(hello.toString()), { hello: 'ada' }, 'the WebSocket knows who is calling');
  socket.send('echo this');
  const [echo] = (await once(socket, 'message')) as [Buffer];
  t.equal(echo.toString(), 'echo this');
  const closed = once(socket, 'close');

  const lines = curlLinesOf(gate.welcome(), token);
  t.equal(lines.length, 6);
  const answers: Answer[] = [];
  let accessToken = '';
  for (const line of lines) {
    const answer = await perform(line);
    answers.push(answer);
    const promised = /^(\d{3})/.exec(line.comment)?.[1];
    t.equal(answer.status, Number(promised ?? 200), line.line.trim());
    const { access_token } = (answer.text.startsWith('{') ? answer.json() : {}) as { access_token?: string };
    if (access_token === undefined) continue;
    accessToken = access_token;
    const withIt = await call(gate, '/things', accessToken);
    t.match(withIt.json(), { askedBy: 'ada' }, 'the access token works in the place of the API token');
  }
  const echoed = answers[0]?.json() as { headers: Record<string, string> };
  t.match(echoed.headers, {
    'x-identity': /^[\w-]+\.[\w-]+\.[\w-]+$/,
    'x-identity-user': 'ada',
    'x-identity-org': 'acme',
    'x-identity-scopes': 'things:read',
  });
  t.notMatch(JSON.stringify(echoed), token, 'the API never saw the token');
  t.match(answers[1]?.headers.get('www-authenticate'), 'Bearer');
  t.match(answers[2]?.headers.get('www-authenticate'), 'insufficient_scope');
  t.ok(accessToken, 'one of the lines exchanged the token');
  t.equal((await call(gate, '/things', accessToken)).status, 401, 'its access token went with it');
  await closed;
  t.pass('and so did the WebSocket');
  t.equal((await call(gate, '/health')).status, 200, 'the public route asks for nothing');
});

t.test('the token is shown once, beside the line to paste, and never in the log', async (t) => {
  const gate = await start(t, makeDirectory(t));
  await call(gate, '/echo', gate.token);
  await call(gate, `/echo?access_token=${gate.token}`);
  await gate.logged((line) => line.msg === 'request' && line['status'] === 401);
  const lines = gate
    .output()
    .split('\n')
    .filter((line) => line.includes(gate.token));
  t.strictSame(lines, [`API token: ${gate.token}`, `  TOKEN=${gate.token}`]);
});

t.test('it prints the console and a first password once, with which an administrator signs in', async (t) => {
  const directory = makeDirectory(t);
  const gate = await start(t, directory);
  const [, url = ''] = /^Console: (\S+)$/m.exec(gate.welcome()) ?? [];
  const [, user, org, password = ''] =
    /^Sign in there as (\S+) of (\S+)\. Password, shown only now: (\S+)$/m.exec(gate.welcome()) ?? [];
  t.match(password, /^[\w-]{20}$/);
  const page = await fetch(url);
  t.match(page.headers.get('content-security-policy'), "default-src 'none'");
  const [, script = ''] = /src="([^"]+\.js)"/.exec(await page.text()) ?? [];
  t.match(script, /^\/tollgate\/console\/assets\//);
  t.equal((await fetch(new URL(script, url))).status, 200, 'the pages have been built');
  const signIn = (gateUrl: string): Promise<Response> =>
    fetch(`${gateUrl}/tollgate/console/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: gateUrl },
      body: JSON.stringify({ org, user, password }),
    });
  t.match(await (await signIn(gate.url)).json(), {
    session: { user: { id: 'admin', roles: ['administrator'] } },
  });
  gate.child.kill('SIGINT');
  await gate.ended;
  t.equal(gate.output().split(password).length - 1, 1, 'in no line of the log');
  const second = await start(t, directory);
  t.match(second.welcome(), 'Console: ');
  t.notMatch(second.welcome(), 'Password');
  t.equal((await signIn(second.url)).status, 201, 'it is the same');
});

t.test('a second start keeps the accounts; nothing is written outside the working directory', async (t) => {
  const directory = makeDirectory(t);
  const first = await start(t, directory);
  first.child.kill('SIGINT');
  t.strictSame(await first.ended, { code: 0, signal: null }, 'Ctrl-C ends it');
  const second = await start(t, directory);
  t.not(second.token, first.token);
  for (const { token } of [first, second])
    t.equal((await call(second, '/things', token)).status, 200, 'the old token works as well as the new one');
  await revoke(second, first.token);
  second.child.kill('SIGINT');
  t.strictSame(await second.ended, { code: 0, signal: null });
  t.strictSame(readdirSync(join(directory, 'work')).toSorted(), ['tollgate.db', 'tollgate.key']);
  for (const name of ['home', 'temporary']) t.strictSame(readdirSync(join(directory, name)), []);
  for (const folder of [root, join(root, 'config/example')])
    for (const name of ['tollgate.db', 'tollgate.key']) t.notOk(existsSync(join(folder, name)));
  const third = await start(t, directory);
  t.equal((await call(third, '/things', first.token)).status, 401, 'what was revoked stays revoked');
  t.equal((await call(third, '/things', second.token)).status, 200);
});

t.test('--upstream and --store stand in front of a real API on Redis', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const api = await startEchoApi(t);
  const directory = makeDirectory(t);
  const args = ['--upstream', api.url, '--store', `redis+unix:${redis.socketPath}`];
  const gate = await start(t, directory, ...args);
  t.match(gate.token, /^tg[0-9A-Za-z]{63}$/);
  const lines = curlLinesOf(gate.welcome(), gate.token);
  t.strictSame(
    await Promise.all(lines.map(async (line) => (await perform(line)).status)),
    [200, 401],
    gate.welcome(),
  );
  t.match(api.received, [{ url: '/', headers: { 'x-identity-user': 'ada', 'x-identity-org': 'acme' } }]);
  t.equal(api.received[0]?.headers['authorization'], undefined);
  t.equal((await call(gate, '/any/path?at=all', gate.token)).status, 200, 'every path is for the holder');

  const replica = await start(t, directory, ...args);
  t.match(replica.token, /^tg[0-9A-Za-z]{63}$/, 'another start makes another token for its user');
  t.equal((await call(replica, '/shared', replica.token)).status, 200);
  t.equal((await call(replica, '/shared', gate.token)).status, 200, 'the replica shares the tokens');
  const accessToken = await exchange(gate, gate.token);
  t.equal((await call(replica, '/shared', accessToken)).status, 200, 'and the keys');
  t.equal((await revoke(gate, gate.token)).status, 200);
  await until(async () => (await call(replica, '/shared', gate.token)).status === 401);
  t.strictSame(readdirSync(join(directory, 'work')), ['tollgate.key']);
});

t.test(
  'after the example, a real API in the same folder gets a token too; other accounts are let be',
  async (t) => {
    const api = await startEchoApi(t);
    const directory = makeDirectory(t);
    const example = await start(t, directory);
    await example.stop();
    const real = await start(t, directory, '--upstream', api.url);
    t.equal((await call(real, '/any/path', real.token)).status, 200, real.welcome());
    await real.stop();

    const others = makeDirectory(t);
    const store = `sqlite:${join(others, 'work', 'tollgate.db')}`;
    const tollgate = (...args: readonly string[]): Promise<string> =>
      runToEnd(process.execPath, [join(root, 'src/main.ts'), ...args, '--store', store], {
        cwd: others,
        env: cleanEnvironment(),
      });
    await tollgate('org', 'create', 'acme');
    await tollgate('user', 'create', 'acme/ada');
    const gate = await start(t, others, '--upstream', api.url);
    t.equal(gate.token, '', 'acme/ada was not made by npm start');
    t.match(gate.welcome(), 'npx tollgate token create ORG/USER');
  },
);

t.test('what it cannot use, it says in a line', async (t) => {
  const directory = makeDirectory(t);
  const run = (...args: readonly string[]): Promise<string> =>
    runToEnd(process.execPath, [join(root, 'config/example/start.ts'), ...args], {
      cwd: join(directory, 'work'),
      env: cleanEnvironment(),
    }).then(
      () => 'it started',
      (error: unknown) => String(error),
    );
  const wrongUpstream = await run('--upstream', 'localhost:3000');
  t.match(wrongUpstream, /ended with 2/);
  t.match(wrongUpstream, 'upstream');
  t.notMatch(wrongUpstream, /\n\s+at /);
  const wrongOption = await run('--upstraem', 'http://127.0.0.1:9');
  t.match(wrongOption, /ended with 2/);
  t.match(wrongOption, '--upstraem');
  t.notMatch(wrongOption, /\n\s+at /);
  const eaten = await run('http://127.0.0.1:9');
  t.match(eaten, /ended with 2/, 'npm start --upstream URL: npm keeps the option and hands over the URL');
  const kept = await runToEnd(process.execPath, [join(root, 'config/example/start.ts')], {
    cwd: join(directory, 'work'),
    env: { ...cleanEnvironment(), npm_config_upstream: 'http://127.0.0.1:9' },
  }).then(String, String);
  t.match(kept, /ended with 2/);
  t.match(kept, 'npm start -- --upstream VALUE');
});

t.test('with settings of a vendor the printed lines name a path of its routes', async (t) => {
  const api = await startEchoApi(t);
  const args = ['--config', join(root, 'config/vendors/csp.yaml'), '--upstream', api.url];
  const directory = makeDirectory(t);
  const gate = await start(t, directory, ...args);
  const lines = curlLinesOf(gate.welcome(), gate.token);
  const statuses = await Promise.all(lines.map(async (line) => (await perform(line)).status));
  t.strictSame(statuses, [200, 401], gate.welcome());
  const again = (...options: readonly string[]): Promise<string> =>
    runToEnd(process.execPath, [join(root, 'config/example/start.ts'), ...options], {
      cwd: join(directory, 'work'),
      env: cleanEnvironment(),
    }).then(String, String);
  const taken = await again('--listen', new URL(gate.url).host, '--ops', '127.0.0.1:0');
  t.match(taken, /Free ports: npm start -- --listen 127\.0\.0\.1:0 --ops 127\.0\.0\.1:0/);
});
