// The real nginx, Caddy and HAProxy with the very files of config/proxies, each in front of an API and beside a gate that it
// asks. Only addresses and the paths of files are replaced.
//
//   const proxy = await startProxy(t, 'nginx', { gatePort, auth, apiPort });
//   (await call(proxy, '/things/1', token)).status

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Test } from 'tap';
import { freePort, root, startProcess } from './process.ts';

export type ProxyKind = 'nginx' | 'caddy' | 'haproxy';

export interface ProxyPlaces {
  readonly gatePort: number;
  /** Of forwardAuth.listen: a socket's path for nginx and Caddy, a port for HAProxy. */
  readonly auth: string | number;
  readonly apiPort: number;
}

export interface Proxy {
  readonly url: string;
  readonly port: number;
}

/** A recipe with every address replaced; a recipe that lacks one of them is a mistake. */
const recipe = (file: string, places: Readonly<Record<string, string>>): string => {
  let text = readFileSync(join(root, 'config/proxies', file), 'utf8');
  for (const [from, to] of Object.entries(places)) {
    if (!text.includes(from)) throw new Error(`${file} does not name ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
};

export const startProxy = async (t: Test, kind: ProxyKind, places: ProxyPlaces): Promise<Proxy> => {
  const directory = mkdtempSync('/tmp/tg-');
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const port = await freePort();
  const args = await commands[kind](directory, port, places);
  const running = await startProcess(kind, args, {
    cwd: directory,
    env: { ...process.env, HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory },
    isReady: () => accepts(port),
  });
  t.teardown(() => running.stop(3_000));
  return { url: `http://127.0.0.1:${port}`, port };
};

type Write = (
  directory: string,
  port: number,
  places: ProxyPlaces,
) => readonly string[] | Promise<readonly string[]>;

const commands: Readonly<Record<ProxyKind, Write>> = {
  nginx: (directory, port, { gatePort, auth, apiPort }) => {
    writeFileSync(
      join(directory, 'tollgate.conf'),
      recipe('nginx/tollgate.conf', {
        '127.0.0.1:8000': `127.0.0.1:${port}`,
        '127.0.0.1:8080': `127.0.0.1:${gatePort}`,
        '127.0.0.1:8081': `127.0.0.1:${apiPort}`,
        '/run/tollgate/auth.sock': String(auth),
      }),
    );
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${directory}/${name};`,
    );
    writeFileSync(
      join(directory, 'nginx.conf'),
      `${process.getuid?.() === 0 ? 'user root; ' : ''}daemon off; worker_processes 1; pid ${directory}/nginx.pid; error_log stderr;
events { worker_connections 256; }
http { access_log off; ${temporary.join(' ')} include ${directory}/tollgate.conf; }
`,
    );
    return ['-p', directory, '-c', join(directory, 'nginx.conf'), '-e', 'stderr'];
  },
  caddy: (directory, port, { gatePort, auth, apiPort }) => {
    const text = recipe('caddy/Caddyfile', {
      ':8000 {': `:${port} {`,
      '127.0.0.1:8080': `127.0.0.1:${gatePort}`,
      '127.0.0.1:8081': `127.0.0.1:${apiPort}`,
      '/run/tollgate/auth.sock': String(auth),
    });
    writeFileSync(join(directory, 'Caddyfile'), `{\n\tadmin off\n\tdefault_bind 127.0.0.1\n}\n${text}`);
    return ['run', '--config', join(directory, 'Caddyfile'), '--adapter', 'caddyfile'];
  },
  haproxy: (directory, port, { gatePort, auth, apiPort }) => {
    const lua = join(directory, 'tollgate.lua');
    writeFileSync(lua, recipe('haproxy/tollgate.lua', {}));
    writeFileSync(
      join(directory, 'haproxy.cfg'),
      recipe('haproxy/haproxy.cfg', {
        '/etc/haproxy/tollgate.lua': lua,
        '127.0.0.1:8000': `127.0.0.1:${port}`,
        '127.0.0.1:8080': `127.0.0.1:${gatePort}`,
        '127.0.0.1:8081': `127.0.0.1:${apiPort}`,
        '127.0.0.1:9180': `127.0.0.1:${auth}`,
      }),
    );
    return ['-db', '-f', join(directory, 'haproxy.cfg')];
  },
};

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(port, '127.0.0.1');
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
