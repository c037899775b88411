// nginx, HAProxy, Caddy and Tollgate, each in front of an API of its own and set up as its operator would for an API: bodies in both
// directions are passed on as they come, connections to the API are kept, the caller's address is added to X-Forwarded-For.
// Where one of them cannot do a thing at all, it is left out of that case.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { startGate } from '../../support/gate-process.ts';
import { freePort, startProcess } from '../../support/process.ts';
import { exchangeRaw } from '../../support/raw-client.ts';
import { makeDirectory } from '../../support/temporary-directory.ts';
import { get } from './request-bytes.ts';
import { answering, ok, type ScriptedApi, startScriptedApi } from './scripted-api.ts';

export const subjectNames = ['nginx', 'haproxy', 'caddy', 'tollgate'] as const;
export type SubjectName = (typeof subjectNames)[number];

/** `plain`: what callers reach; `proxied`: where a PROXY header comes first; `special`: where Tollgate has what it has not by default. */
export type Door = 'plain' | 'proxied' | 'special';

export interface Subject {
  readonly name: SubjectName;
  readonly api: ScriptedApi;
  readonly ports: Readonly<Partial<Record<Door, number>>>;
}

/** Of Debian 12: the table is of these. */
const versions = [
  { command: 'nginx', option: '-v', version: '1.22' },
  { command: 'haproxy', option: '-v', version: '2.6' },
  { command: 'caddy', option: 'version', version: '2.6' },
] as const;

/** Programs that are not here, or in another version; with one of them nothing can be compared. */
export const missingPrograms = (): readonly string[] =>
  versions.flatMap(({ command, option, version }) => {
    const { stdout, stderr } = spawnSync(command, [option], { encoding: 'utf8' });
    const [found] = /\d+\.\d+/.exec(`${stdout}${stderr}`) ?? [];
    return found === version ? [] : [`${command} ${version} (found: ${found ?? 'none'})`];
  });

export const startSubjects = async (t: Test): Promise<readonly Subject[]> => {
  const directory = makeDirectory(t);
  const start = async (name: SubjectName): Promise<Subject> => {
    const api = await startScriptedApi(t);
    const folder = join(directory, name);
    mkdirSync(folder);
    const ports = name === 'tollgate' ? await gates(t, folder, api.port) : await proxy(t, name, folder, api);
    return { name, api, ports };
  };
  return Promise.all(subjectNames.map(start));
};

/** A port that was free a moment ago may be another program's by now: then the proxy ends, and tries others. */
const startsMax = 4;

const proxy = async (
  t: Test,
  name: Exclude<SubjectName, 'tollgate'>,
  folder: string,
  api: ScriptedApi,
): Promise<Subject['ports']> => {
  for (let starts = 1; ; starts += 1) {
    const [plain, proxied] = [await freePort(), await freePort()];
    const { args, text, file } = configs[name](folder, { plain, proxied, api: api.port });
    writeFileSync(join(folder, file), text);
    const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
    try {
      const running = await startProcess(name, args, {
        cwd: folder,
        env,
        isReady: () => leadsTo(api, plain),
      });
      t.teardown(() => running.stop(3_000));
      // Caddy 2.6 reads no PROXY header.
      return name === 'caddy' ? { plain, special: plain } : { plain, proxied, special: plain };
    } catch (error) {
      if (starts === startsMax) throw error;
    }
  }
};

/** Whether what listens there is in front of this API. */
const leadsTo = async (api: ScriptedApi, port: number): Promise<boolean> => {
  api.play(answering(ok));
  try {
    await exchangeRaw(port, get('/ready'));
    return api.seen.some(({ head }) => head.startLine.startsWith('GET /ready '));
  } catch {
    return false;
  }
};

interface Ports extends Readonly<Record<'plain' | 'proxied', number>> {
  readonly api: number;
}

interface Config {
  readonly args: readonly string[];
  readonly file: string;
  readonly text: string;
}

const configs: Readonly<Record<Exclude<SubjectName, 'tollgate'>, (folder: string, ports: Ports) => Config>> =
  {
    nginx: (folder, { plain, proxied, api }) => ({
      args: ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'],
      file: 'nginx.conf',
      text: `${process.getuid?.() === 0 ? 'user root; ' : ''}daemon off; worker_processes 1; pid nginx.pid; error_log stderr;
events { worker_connections 64; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((part) => `${part}_temp_path ${folder}/${part};`).join(' ')}
  map $http_upgrade $upgraded { default upgrade; '' ''; }
  upstream api { server 127.0.0.1:${api}; keepalive 8; }
  proxy_http_version 1.1;
  proxy_request_buffering off;
  proxy_buffering off;
  absolute_redirect off;
  proxy_set_header Host $host;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $upgraded;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  server {
    listen 127.0.0.1:${plain};
    set_real_ip_from 127.0.0.0/8; real_ip_header X-Forwarded-For; real_ip_recursive on;
    location / { proxy_pass http://api; }
    location = /small { client_max_body_size 1000; proxy_pass http://api; }
    location = /from { allow 192.0.2.0/24; allow 2001:db8::/32; deny all; proxy_pass http://api; }
    location = /readonly { limit_except GET { deny all; } proxy_pass http://api; }
    location /prefix/ { proxy_pass http://api/; proxy_redirect default; proxy_redirect / /prefix/; proxy_cookie_path / /prefix/; }
  }
  server {
    listen 127.0.0.1:${proxied} proxy_protocol;
    set_real_ip_from 127.0.0.0/8; real_ip_header proxy_protocol;
    location / { proxy_pass http://api; }
  }
}
`,
    }),
    haproxy: (folder, { plain, proxied, api }) => ({
      args: ['-db', '-f', join(folder, 'haproxy.cfg')],
      file: 'haproxy.cfg',
      text: `global
  maxconn 100
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
  timeout http-request 5s
frontend plain
  bind 127.0.0.1:${plain}
  http-request set-src hdr_ip(x-forwarded-for,-1) if { req.hdr_cnt(x-forwarded-for) gt 0 }
  option forwardfor
  http-request deny deny_status 403 if { path /from } !{ src 192.0.2.0/24 2001:db8::/32 }
  http-request deny deny_status 413 if { path /small } { req.body_size gt 1000 }
  http-request deny deny_status 405 if { path /readonly } !{ method GET HEAD }
  http-request replace-path /prefix(/.*)? \\1 if { path_beg /prefix/ }
  default_backend api
frontend proxied
  bind 127.0.0.1:${proxied} accept-proxy
  option forwardfor
  default_backend api
backend api
  server api 127.0.0.1:${api}
`,
    }),
    caddy: (folder, { plain, api }) => ({
      args: ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'],
      file: 'Caddyfile',
      text: `{
	admin off
	default_bind 127.0.0.1
	auto_https off
}
http://:${plain} {
	@changing {
		path /readonly
		not method GET HEAD
	}
	respond @changing 405
	@foreign {
		path /from
		not remote_ip forwarded 192.0.2.0/24 2001:db8::/32
	}
	respond @foreign 403
	request_body /small {
		max_size 1000
	}
	handle_path /prefix/* {
		reverse_proxy 127.0.0.1:${api}
	}
	reverse_proxy 127.0.0.1:${api} {
		flush_interval -1
		trusted_proxies 127.0.0.0/8
	}
}
`,
    }),
  };

const gates = async (t: Test, folder: string, apiPort: number): Promise<Subject['ports']> => {
  const start = async (name: string, settings: object): Promise<number> => {
    const upstream = `http://127.0.0.1:${apiPort}`;
    const gate = await startGate(t, {
      directory: join(folder, name),
      name,
      settings: { upstream, log: { access: 'off' }, ...settings },
    });
    await gate.whenReady();
    return gate.port;
  };
  const open = { name: 'all', path: '/*', public: true };
  const [plain, proxied, special] = await Promise.all([
    start('plain', {
      trustedProxies: ['127.0.0.0/8'],
      routes: [
        open,
        { name: 'small', path: '/small', public: true, requestBodyBytesMax: 1000 },
        { name: 'socket', path: '/socket', public: true, upgrade: true },
        { name: 'from', path: '/from', public: true, allowFrom: ['192.0.2.0/24', '2001:db8::/32'] },
      ],
    }),
    start('proxied', {
      proxyProtocol: { listeners: ['callers'], trustedPeers: ['127.0.0.0/8'] },
      routes: [open],
    }),
    start('special', {
      via: { to: 'both', pseudonym: 'gate-1' },
      routes: [
        { name: 'readonly', path: '/readonly', methods: ['GET'], public: true },
        { name: 'files', path: '/files/*', public: true, encodedReserved: 'pass' },
        {
          name: 'prefix',
          path: '/prefix/*',
          public: true,
          stripPrefix: '/prefix',
          mapResponses: true,
        },
        {
          name: 'cors',
          path: '/cors/*',
          methods: ['GET', 'PUT'],
          public: true,
          cors: { origins: ['https://app.example'] },
        },
      ],
    }),
  ]);
  return { plain, proxied, special };
};
