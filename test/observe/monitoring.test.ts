// The files operators copy: alerts, dashboard, scrape configuration and Kubernetes manifests say only what is true.

import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import { denialReasons, outageReasons } from '../../src/decision/outcome.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const promtool = (...args: string[]): { readonly status: number | null; readonly output: string } => {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { cwd: root, encoding: 'utf8' });
  return {
    status,
    output: error === undefined ? stdout + stderr : `install prometheus (promtool): ${error.message}`,
  };
};

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
}
const rules = (
  parse(read('config/prometheus/alerts.yaml')) as { groups: { rules: Rule[] }[] }
).groups.flatMap(({ rules }) => rules);

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}
const panels = (JSON.parse(read('config/grafana/dashboard.json')) as { panels: Panel[] }).panels;

t.test('the alert rules are valid, and fire in the scenes they are for', async (t) => {
  const check = promtool('check', 'rules', 'config/prometheus/alerts.yaml');
  t.equal(check.status, 0, check.output);
  for (const file of ['alerts.test.yaml', 'alerts-over-days.test.yaml']) {
    const scenes = promtool('test', 'rules', `test/observe/${file}`);
    t.equal(scenes.status, 0, scenes.output);
  }
});

t.test('the scrape configuration is valid', async (t) => {
  const check = promtool('check', 'config', 'config/prometheus/scrape.yaml');
  t.equal(check.status, 0, check.output);
});

t.test('every alert says how urgent it is, what happened and what to do', async (t) => {
  for (const { alert, labels, annotations } of rules) {
    t.match(labels['severity'], /^(page|ticket)$/, alert);
    t.ok(annotations['summary'] && annotations['description'], `${alert} is explained`);
  }
});

t.test('alerts and dashboard ask only for metrics that exist', async (t) => {
  const metrics = createMetrics({
    version: '1',
    routes: [],
    extraRoutes: [],
    storeCommands: [],
    authenticators: ['api_token', 'session'],
  });
  const registered = new Set<string>();
  for (const [, name = '', type] of (await metrics.render()).matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    registered.add(name);
    if (type === 'histogram') for (const end of ['_bucket', '_sum', '_count']) registered.add(name + end);
  }
  const queries = [
    ...rules.map(({ alert, expr }) => [alert, expr] as const),
    ...panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
  ];
  t.ok(queries.length > 30);
  for (const [where, query] of queries)
    for (const [name] of query.matchAll(/\b(?:tollgate|nodejs|process)_[a-z0-9_]+\b/g))
      t.ok(registered.has(name), `${where} asks for ${name}`);
});

t.test(
  'the dashboard shows clocks, certificates, refused connections, upstreams, reloads and shadow mode',
  async (t) => {
    const asked = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join('\n');
    for (const name of [
      'tollgate_store_clock_offset_seconds',
      'tollgate_tls_certificate_expiry_timestamp_seconds',
      'tollgate_client_connections_refused_total',
      'tollgate_client_connections_refused_by_address_total',
      'tollgate_upstream_connections',
      'tollgate_upstream_requests_waiting',
      'tollgate_upstream_callers_at_share',
      'tollgate_upstream_address_up',
      'tollgate_config_reloads_total',
      'tollgate_config_last_reload_successful',
      'tollgate_shadow_decisions_total',
      'tollgate_identified_requests_total',
    ])
      t.match(asked, name);
  },
);

t.test('alerts and dashboard ask only for reasons that exist', async (t) => {
  const feedResets = ['trimmed', 'server_replaced'];
  const known: readonly string[] = [...denialReasons, ...outageReasons, ...feedResets];
  const queries = [
    ...rules.map(({ expr }) => expr),
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ];
  const asked = queries.flatMap((query) =>
    [...query.matchAll(/reason[=!]~?"([^"]+)"/g)].flatMap(([, pattern = '']) => pattern.split('|')),
  );
  t.ok(asked.length > 3);
  for (const pattern of asked)
    t.ok(
      known.some((reason) => new RegExp(`^(?:${pattern})$`).test(reason)),
      `${pattern} is a reason`,
    );
});

interface Container {
  readonly name: string;
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly [key: string]: unknown;
}
interface Manifest {
  readonly kind: string;
  readonly data?: Record<string, string>;
  readonly stringData?: Record<string, string>;
  readonly spec?: {
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly Container[];
      };
    };
  };
}
const manifests = parseAllDocuments(read('config/kubernetes/sidecar.yaml')).map(
  (document) => document.toJS() as Manifest,
);
const manifest = (kind: string): Manifest => manifests.find((each) => each.kind === kind)!;

t.test('the Kubernetes sidecar: its settings load, with secrets from files', async (t) => {
  const directory = t.testdir();
  const file = join(directory, 'tollgate.yaml');
  writeFileSync(file, manifest('ConfigMap').data!['tollgate.yaml']!);
  writeFileSync(join(directory, 'store-url'), manifest('Secret').stringData!['store-url']!);
  writeFileSync(join(directory, 'encryption-key'), Buffer.alloc(32, 7).toString('base64'));
  const placeholder = loadSettings({
    file,
    env: { TOLLGATE_KEYS_ENCRYPTION_KEY: manifest('Secret').stringData!['encryption-key'] },
    flags: { store: 'rediss://redis.example.com' },
  });
  t.match(placeholder, { ok: false }, 'the placeholder of the sealing key is refused');
  t.match(JSON.stringify(placeholder), /encryptionKey.*placeholder.*openssl rand -base64 32/);
  const pod = manifest('Deployment').spec!.template.spec;
  const tollgate = pod.containers.find(({ name }) => name === 'tollgate')!;
  const env = Object.fromEntries(
    tollgate.env!.map(({ name, value }) => [name, value.replace('/run/secrets/tollgate', directory)]),
  );
  const result = loadSettings({ file, env, flags: {} });
  t.ok(result.ok, JSON.stringify(result));
  if (!result.ok) return;
  const { settings } = result;
  t.match(settings.store, { kind: 'redis', tls: true });
  const portOf = (name: string): number | undefined =>
    tollgate.ports!.find((port) => port.name === name)?.containerPort;
  t.match(settings.listen, { kind: 'tcp', port: portOf('http') });
  t.match(settings.ops, { kind: 'tcp', host: '0.0.0.0', port: portOf('ops') });
  const { drainDelayMs, deadlineMs } = settings.shutdown;
  t.ok(
    pod.terminationGracePeriodSeconds * 1000 >= drainDelayMs + deadlineMs + 5000,
    'the pod waits longer than the drain takes',
  );
  t.match(tollgate, {
    startupProbe: { httpGet: { path: '/livez', port: 'ops' } },
    livenessProbe: { httpGet: { path: '/livez', port: 'ops' } },
    readinessProbe: { httpGet: { path: '/readyz', port: 'ops' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
  });
});

t.test('alerts and dashboard need no label that the manifest does not give', async (t) => {
  for (const { alert, expr } of rules) t.notMatch(expr, /job=/, `${alert} asks for a job`);
  t.notMatch(read('config/grafana/dashboard.json'), /job=/);
});

t.test('the Kubernetes sidecar: the pod is ready when the API answers through Tollgate', async (t) => {
  const api = manifest('Deployment').spec!.template.spec.containers.find(({ name }) => name === 'api')!;
  const { path, port } = (api['readinessProbe'] as { httpGet: { path: string; port: number } }).httpGet;
  const file = join(t.testdir(), 'tollgate.yaml');
  writeFileSync(file, manifest('ConfigMap').data!['tollgate.yaml']!);
  const loaded = loadSettings({ file, env: {}, flags: { store: 'sqlite:./tollgate.db' } });
  t.ok(loaded.ok);
  if (!loaded.ok) return;
  t.match(
    loaded.settings.listen,
    { port },
    'the port of Tollgate, not that of the API, which nobody outside reaches',
  );
  t.match(
    loaded.settings.routes.find((route) => route.path.written === path),
    { public: true },
    'a route without a credential',
  );
});

t.test('every YAML file under config can be read', async (t) => {
  for (const file of globSync('config/**/*.yaml', { cwd: root }))
    for (const document of parseAllDocuments(read(file))) t.strictSame(document.errors, [], file);
});
