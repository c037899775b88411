// `validate`, `explain`, `schema` and `serve`: the settings checked, explained and used.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { t } from 'tap';
import { cleanEnvironment, root, run, runJson, runProcess } from './run.ts';

const shipped = join(root, 'config/tollgate.yaml');

t.test('validate accepts the shipped settings, and prints every problem of bad ones', async (t) => {
  t.match(await run(['validate', shipped]), { code: 0, stdout: `${shipped}: good. 3 routes.\n`, stderr: '' });
  t.match(await run(['validate'], { env: { TOLLGATE_ROUTES: '[]' } }), {
    code: 0,
    stdout: /0 routes: every request is refused/,
  });
  const file = join(t.testdir({ 'bad.yaml': 'listen: nowhere\nlog: { level: loud }\n' }), 'bad.yaml');
  const bad = await run(['validate', file]);
  t.equal(bad.code, 2);
  t.match(bad.stderr, new RegExp(`^${file}:1:9: listen: .*\n${file}:2:15: log.level: .*\n\n2 problems`));
  t.match(JSON.parse((await run(['validate', file, '--json'])).stdout), {
    ok: false,
    file,
    problems: [
      { path: 'listen', line: 1, column: 9, message: /is not an address/ },
      { path: 'log.level', line: 2 },
    ],
    warnings: [],
  });
  t.match(await run(['validate', '/nowhere.yaml']), {
    code: 2,
    stderr: /cannot read the settings from "\/nowhere.yaml"/,
  });
});

t.test('--config names the settings, else TOLLGATE_CONFIG does', async (t) => {
  const folder = t.testdir({ 'one.yaml': 'log: { level: one }\n', 'two.yaml': 'log: { level: two }\n' });
  const env = { TOLLGATE_CONFIG: `${folder}/one.yaml` };
  t.match(await run(['validate'], { env }), { code: 2, stderr: /one.yaml:1:15: log.level: "one"/ });
  t.match(await run(['validate', '-c', `${folder}/two.yaml`], { env }), {
    code: 2,
    stderr: /two.yaml:1:15: log.level: "two"/,
  });
});

t.test('validate lets warnings pass', async (t) => {
  const ran = await run(['validate', shipped, '--set', 'issuer=http://api.example.com']);
  t.match(ran, {
    code: 0,
    stderr: /^warning: option issuer: issuer: http:\/\/api.example.com is plain http/,
  });
});

t.test('a secret among the options is warned of once, without repeating it', async (t) => {
  const key = Buffer.alloc(32, 7).toString('base64');
  const table: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['a password', ['--set', 'store.password=s3cr3t'], /in store\.password;.*TOLLGATE_STORE_PASSWORD_FILE/],
    [
      'a URL with one',
      ['--store', 'redis://u:s3cr3t@127.0.0.1:1'],
      /in store;.*TOLLGATE_STORE_PASSWORD_FILE/,
    ],
    [
      'a key',
      ['--set', `keys.encryptionKey=${key}`],
      /in keys\.encryptionKey;.*TOLLGATE_KEYS_ENCRYPTION_KEY_FILE/,
    ],
    [
      'the text of a key',
      ['--set', 'tls.key=-----BEGIN PRIVATE KEY-----s3cr3t-----END PRIVATE KEY-----'],
      /in tls\.key;.*TOLLGATE_TLS_KEY_FILE/,
    ],
    [
      'a client secret',
      ['--set', 'oauth.clients=[{ id: a, secret: s3cr3t }]'],
      /in oauth\.clients;.*secretFile/,
    ],
  ];
  for (const [what, options, told] of table) {
    const { stderr } = await run(['validate', shipped, ...options]);
    const warnings = stderr.split('\n').filter((line) => line.includes('can read the arguments'));
    t.equal(warnings.length, 1, what);
    t.match(warnings[0], told, what);
    t.notMatch(stderr, /s3cr3t|BwcHBw/, what);
  }
  for (const options of [
    ['--store', 'redis://127.0.0.1:1'],
    ['--set', 'keys.encryptionKeyFile=/run/key'],
    ['--set', 'tls.key=/run/tls.key'],
    ['--set', 'keys.signingKeys=/run/a.pem,/run/b.pem'],
    [],
  ])
    t.notMatch((await run(['validate', shipped, ...options])).stderr, /arguments/, options.join(' '));
});

t.test('schema prints the editor schema, or the names of the variables', async (t) => {
  t.match(JSON.parse((await run(['schema'])).stdout), {
    title: 'Tollgate settings',
    properties: { listen: {}, routes: {} },
  });
  t.match((await run(['schema', '--variables'])).stdout, /^VARIABLE +SETTING\nTOLLGATE_LISTEN +listen\n/);
  t.match(await runJson(['schema', '--variables']), [
    { variable: 'TOLLGATE_LISTEN', setting: 'listen', secret: false },
  ]);
});

const routes = `
upstreams: { reports: unix:/run/reports.sock }
identity: { headers: { X-User: user.id, X-Org: org.id, X-Scopes: scopes, X-All: jwt, X-Token: token.id } }
routes:
  - { name: read, methods: [GET], path: /things/*, scopes: [things:read] }
  - { name: account, path: "/accounts/{org}/things", scopes: [], forwardCredential: access-token }
  - { name: health, path: /health, public: true }
  - { name: profile, path: /me, scopes: [], sessions: interactive, upstream: reports, forwardCredential: keep }
  - { name: query, path: /q, scopes: [], credentialQueryParameter: access_token }
`;

t.test('explain tells the rule, the verdict, and what the API would receive', async (t) => {
  const file = join(t.testdir({ 'a.yaml': routes }), 'a.yaml');
  const explain = (...args: string[]) => run(['explain', '-c', file, ...args]);
  const permitted = await explain(
    'get',
    '/things/1?x=1',
    '--scopes',
    'things:read things:write',
    '--org',
    'acme',
    '--user',
    'ann',
  );
  t.equal(permitted.code, 0);
  for (const line of [
    /^rule +read \(\/things\/\*\)$/m,
    /^asks for +the scope things:read$/m,
    /^verdict +let through$/m,
    /^forwarded to +http:\/\/127.0.0.1:8081\/things\/1\?x=1$/m,
    /^credential +removed$/m,
    /^connection +upstream default; opened within 2 s, answered within 60 s with a head of at most 65536 bytes; kept for 300 s at most$/m,
    /^  X-User: ann$/m,
    /^  X-Org: acme$/m,
    /^  X-Scopes: things:read things:write$/m,
    /^  X-All: <JWT/m,
  ])
    t.match(permitted.stdout, line);

  const table: Record<string, readonly [args: readonly string[], code: number, told: RegExp]> = {
    'without the scope': [
      ['GET', '/things/1', '--scopes', 'others'],
      1,
      /refused: 403 scope_missing \(things:read\)/,
    ],
    'without a credential': [['GET', '/things/1'], 1, /refused: 401 credential_missing/],
    'another method': [
      ['POST', '/things/1', '--scopes', 'things:read'],
      1,
      /refused: 405 method_not_allowed/,
    ],
    'no such path': [['GET', '/nothing'], 1, /refused: 403 route_unknown/],
    'a URL (RFC 9112 section 3.2.2)': [
      ['GET', 'http://api.example/things/1', '--scopes', 'things:read'],
      0,
      /forwarded to +http:\/\/127.0.0.1:8081\/things\/1$/m,
    ],
    'an escape that no route passes on': [
      ['GET', '/things/a%2fb', '--scopes', 'things:read'],
      1,
      /^advice +The path holds %2F, an escaped "\/"/m,
    ],
    'an escape that needs none': [
      ['GET', '/things/%7Eann', '--scopes', 'things:read'],
      0,
      /forwarded to +http:\/\/127.0.0.1:8081\/things\/~ann$/m,
    ],
    'a path that two servers read differently': [
      ['GET', '/things/../admin'],
      1,
      /refused: 400 path_ambiguous/,
    ],
    "another org's path": [
      ['GET', '/accounts/other/things', '--scopes', '', '--org', 'acme'],
      1,
      /refused: 403 tenant_mismatch/,
    ],
    "its own org's path": [
      ['GET', '/accounts/acme/things', '--scopes', '', '--org', 'acme'],
      0,
      /credential +replaced by an access token/,
    ],
    'a public path': [['GET', '/health'], 0, /asks for +nothing \(public\)[^]*receives: none/],
    'an API token where a person is asked for': [
      ['GET', '/me', '--scopes', ''],
      1,
      /refused: 403 session_kind_refused/,
    ],
    'a person': [
      ['GET', '/me', '--scopes', '', '--session', 'interactive'],
      0,
      /forwarded to +unix:\/run\/reports.sock\/me\ncredential +kept/,
    ],
    'a credential in the query, which the API never sees': [
      ['GET', '/q?a=1&access_token=SECRET&b=%32', '--scopes', ''],
      0,
      /forwarded to +http:\/\/127.0.0.1:8081\/q\?a=1&b=%32\ncredential +removed/,
    ],
    'a credential in the query without --scopes: nobody is called': [
      ['GET', '/q?access_token=SECRET'],
      1,
      /refused: 401 credential_missing/,
    ],
    'two credentials in the query': [
      ['GET', '/q?access_token=SECRET&access_token=OTHER', '--scopes', ''],
      1,
      /refused: 401 credential_conflict/,
    ],
    '8 and 9: addresses, time-outs and probes of its upstream': [
      [
        'GET',
        '/health',
        '--set',
        'upstream.addresses=[10.0.0.7:81,10.0.0.8:81]',
        '--set',
        'upstream.responseTimeout=5s',
        '--set',
        'upstream.keepAlive=false',
        '--set',
        'upstream.health.probe=/healthz',
      ],
      0,
      /^connection +upstream default at 10\.0\.0\.7:81, 10\.0\.0\.8:81; opened within 2 s, answered within 5 s with a head of at most 65536 bytes; closed after the request; probed: \/healthz$/m,
    ],
    "Tollgate's own paths": [['POST', '/oauth2/token'], 0, /answered by +Tollgate itself \(see oauth in/],
    'the whole server, which OPTIONS asks about': [
      ['OPTIONS', '*', '--scopes', ''],
      1,
      /refused: 400 path_ambiguous \(not in origin form\)/,
    ],
    'a star, which is no pattern in a path': [['GET', '/*'], 1, /refused: 403 route_unknown/],
    'braces, which no path may hold': [['GET', '/{x}'], 1, /refused: 400 path_ambiguous/],
    "a path that looks like one of Tollgate's own": [
      ['POST', '/OAUTH2/token', '--set', 'routes=[{name: all, path: /*, public: true}]'],
      1,
      /refused: 400 path_ambiguous/,
    ],
    "a vendor's": [
      ['GET', '/accounts/acme/core/v1/users/ann/tokens', '--set', 'surfaces.astra.enabled=true'],
      0,
      /answered by +Tollgate itself \(see surfaces.astra in/,
    ],
  };
  for (const [sentence, [args, code, told]] of Object.entries(table)) {
    const ran = await explain(...args);
    t.equal(ran.code, code, sentence);
    t.match(ran.stdout, told, sentence);
  }
});

t.test('explain tells what Via will say', async (t) => {
  const route = 'routes: [{ name: all, path: /*, public: true }]\n';
  for (const [via, line] of [
    ['via: api', /^Via +to the API: 1\.1 tollgate-\.\.\. \(new at each start\)$/m],
    ['via: { to: both, pseudonym: gate-1 }', /^Via +to the API and the caller: 1\.1 gate-1$/m],
    ['via: { to: caller, pseudonym: gate-1 }', /^Via +to the caller: 1\.1 gate-1$/m],
  ] as const) {
    const file = join(t.testdir({ 'a.yaml': `${via}\n${route}` }), 'a.yaml');
    t.match((await run(['explain', '-c', file, 'GET', '/x'])).stdout, line);
  }
  const off = join(t.testdir({ 'a.yaml': route }), 'a.yaml');
  t.notMatch((await run(['explain', '-c', off, 'GET', '/x'])).stdout, /Via/);
});

t.test('explain tells the host, the rewritten path and what is mapped back', async (t) => {
  const text = `upstream: http://127.0.0.1:8081
routes:
  - { name: files, host: '*.example.com', path: /files/*, public: true, stripPrefix: /files, mapResponses: true, encodedReserved: pass }
`;
  const file = join(t.testdir({ 'a.yaml': text }), 'a.yaml');
  const { code, stdout } = await run([
    'explain',
    '-c',
    file,
    'GET',
    '/files/a%2fb?x',
    '--host',
    'api.example.com',
  ]);
  t.equal(code, 0);
  for (const line of [
    /^rule +files \(\*\.example\.com\/files\/\*\)$/m,
    /^forwarded to +http:\/\/127.0.0.1:8081\/a%2Fb\?x$/m,
    /^rewritten +the rule is judged on \/files\/a%2Fb, the API gets \/a%2Fb$/m,
    /^answers +Location, Content-Location and Set-Cookie are mapped back$/m,
    /^escapes +%2F goes on as it came/m,
  ])
    t.match(stdout, line);
  t.match(await run(['explain', '-c', file, 'GET', '/files/a', '--host', 'example.com']), {
    code: 1,
    stdout: /route_unknown/,
  });
  t.equal(
    (await run(['explain', '-c', file, 'GET', 'http://a.example.com/files/a'])).code,
    0,
    'the host of a URL',
  );
});

t.test('explain tells what shadow mode lets through, and what enforcing it would refuse', async (t) => {
  const file = join(t.testdir({ 'a.yaml': `mode: shadow\n${routes}` }), 'a.yaml');
  const explain = (...args: string[]) => run(['explain', '-c', file, ...args]);
  t.match(await explain('GET', '/things/1', '--scopes', 'others'), {
    code: 0,
    stdout:
      /let through in shadow mode; enforced, it is refused: 403 scope_missing \(things:read\)[^]*\/things\/1\ncredential +kept as it came[^]*receives: none/,
  });
  t.match(await explain('GET', '/things/1', '--scopes', 'things:read'), {
    code: 0,
    stdout: /verdict +let through\n[^]*credential +kept as it came[^]*X-User: example-user/,
  });
  t.match(await explain('GET', '/nothing'), {
    code: 0,
    stdout: /enforced, it is refused: 403 route_unknown\nforwarded to +http:\/\/127.0.0.1:8081\/nothing/,
  });
  t.match(await explain('GET', '/a/../b'), { code: 1, stdout: /refused: 400 path_ambiguous/ });
  t.match(await runJson(['explain', '-c', file, 'GET', '/things/1']), {
    verdict: 'permit',
    shadow: { reason: 'credential_missing', status: 401 },
    forwarded: { credential: 'keep' },
  });
});

t.test('serve --shadow puts every route into shadow mode, and says so', async (t) => {
  const file = join(t.testdir({ 'a.yaml': routes }), 'a.yaml');
  const options = ['--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0', '--set', 'shutdown.drainDelay=0s'];
  const gate = spawn(
    process.execPath,
    [join(root, 'src/main.ts'), 'serve', '-c', file, '--shadow', ...options],
    {
      cwd: t.testdirName,
      env: cleanEnvironment(),
    },
  );
  t.teardown(() => gate.kill('SIGKILL'));
  const ended = once(gate, 'exit');
  const warnings: string[] = [];
  let ops = '';
  for await (const line of createInterface(gate.stdout)) {
    const entry = JSON.parse(line) as { msg: string; level: string; ops?: string };
    if (entry.level === 'warn') warnings.push(entry.msg);
    ops = entry.ops ?? ops;
    if (entry.msg !== 'ready') continue;
    const readiness = (await (await fetch(`http://${ops}/readyz`)).json()) as { warnings: string[] };
    t.equal(
      readiness.warnings[0],
      warnings.find((text) => text.startsWith('shadow mode')),
    );
    gate.kill('SIGTERM');
  }
  t.same(await ended, [0, null]);
  // A busy machine may have a warning of its own, such as of a clock that could not be read in time.
  const ofShadow = warnings.filter((text) => text.startsWith('shadow mode'));
  t.equal(ofShadow.length, 1);
  t.match(ofShadow[0], /^shadow mode, on all routes and without a route: /);
});

t.test('explain gives a script the same as JSON', async (t) => {
  const file = join(t.testdir({ 'a.yaml': routes }), 'a.yaml');
  t.match(await runJson(['explain', '-c', file, 'GET', '/things/1', '--scopes', 'things:read']), {
    rule: { name: 'read', scopes: ['things:read'] },
    verdict: 'permit',
    status: null,
    forwarded: { upstream: 'http://127.0.0.1:8081', target: '/things/1', credential: 'strip' },
  });
});

t.test('serve serves until SIGTERM, and then ends with 0', async (t) => {
  const options = ['--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0', '--set', 'shutdown.drainDelay=0s'];
  const gate = spawn(process.execPath, [join(root, 'src/main.ts'), 'serve', ...options], {
    cwd: t.testdir({}),
    env: cleanEnvironment(),
  });
  t.teardown(() => gate.kill('SIGKILL'));
  const ended = once(gate, 'exit');
  const messages: string[] = [];
  for await (const line of createInterface(gate.stdout)) {
    const { msg } = JSON.parse(line) as { msg: string };
    messages.push(msg);
    if (msg === 'ready') gate.kill('SIGTERM');
  }
  t.same(await ended, [0, null]);
  t.same(messages, ['listening', 'ready', 'shutting down', 'ended']);
});

t.test('--set sets what has an option of its own too, and that option beats it', async (t) => {
  const folder = t.testdir({ 'a.yaml': `store: sqlite:${join(t.testdirName, 'file.db')}\n` });
  const urls = ['file', 'set', 'option'].map((name) => `sqlite:${join(folder, `${name}.db`)}`);
  const [ofFile = '', ofSet = '', ofOption = ''] = urls;
  const config = ['-c', join(folder, 'a.yaml')];
  for (const [id, ...options] of [
    ['file'],
    ['set', '--set', `store=${ofSet}`],
    ['option', '--store', ofOption],
  ])
    t.match(await run(['org', 'create', id ?? '', ...config, ...(options as string[])]), { code: 0 });
  const listed = (...options: readonly string[]) => runJson(['org', 'list', ...config, ...options]);
  t.match(await listed(), [{ id: 'file' }], ofFile);
  t.match(await listed('--set', `store=${ofSet}`), [{ id: 'set' }]);
  t.match(await listed('--set', `store=${ofSet}`, '--store', ofOption), [{ id: 'option' }]);
  t.match(await listed('--set', `store.url=${ofSet}`, '--store', ofOption), [{ id: 'option' }]);

  for (const name of ['listen', 'ops', 'upstream', 'issuer']) {
    const wrong = await run(['serve', '--set', `${name}=no-${name}`]);
    t.match(wrong, { code: 2, stderr: new RegExp(`option ${name}: ${name}.*no-${name}`) }, name);
    const both = await run(['serve', '--set', `${name}=no-set`, `--${name}`, 'no-option']);
    t.match(both, { code: 2, stderr: /no-option/ }, name);
    t.notMatch(both.stderr, 'no-set', name);
  }
});

t.test('serve that cannot begin says why and ends with 1', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.teardown(() => taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const ran = await runProcess(['serve', '--listen', `127.0.0.1:${port}`, '--ops', '127.0.0.1:0'], {
    cwd: t.testdir({}),
  });
  t.match(ran, { code: 1, stderr: new RegExp(`tollgate: cannot serve: .*127.0.0.1:${port}`) });
});

t.test(
  '11, 13 and 14: explain tells who may call from where, which pages may read, and which may use the cookie',
  async (t) => {
    const guarded = `
credential: { cookie: session, cookieOrigins: [https://app.example.com] }
cors: { origins: [https://*.example.com], credentials: true }
routes:
  - { name: admin, path: /admin, scopes: [], allowFrom: [10.0.0.0/8, "2001:db8::/32"] }
`;
    const file = join(t.testdir({ 'a.yaml': guarded }), 'a.yaml');
    const explain = (...args: string[]) =>
      run(['explain', '-c', file, 'POST', '/admin', '--scopes', '', ...args]);
    const permitted = await explain();
    t.equal(permitted.code, 0);
    t.match(
      permitted.stdout,
      /^asks for +any valid credential; a caller from 10\.0\.0\.0\/8 or 2001:db8::\/32$/m,
    );
    t.match(permitted.stdout, /^pages +answers are for pages of https:\/\/\*\.example\.com, with cookies$/m);
    t.match(
      permitted.stdout,
      /^cookie +for what is not safe only of own pages, or of https:\/\/app\.example\.com$/m,
    );
    t.match(await explain('--from', '192.0.2.7'), { code: 1, stdout: /refused: 403 address_refused/ });
    t.match(await explain('--from', '2001:db8::7'), { code: 0 });
    t.match(await explain('--origin', 'https://a.example.com'), {
      code: 0,
      stdout: /a\.example\.com may read them/,
    });
    t.match(await explain('--cookie', '--origin', 'https://a.example.com'), {
      code: 1,
      stdout: /refused: 403 origin_refused \(Origin: https:\/\/a\.example\.com\)/,
    });
    t.match(await explain('--cookie', '--origin', 'https://app.example.com'), { code: 0 });
    const { rule } = JSON.parse((await explain('--json')).stdout) as { rule: { allowFrom: unknown } };
    t.same(rule.allowFrom, ['10.0.0.0/8', '2001:db8::/32']);
  },
);
