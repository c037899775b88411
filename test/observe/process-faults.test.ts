// The process ends only on SIGTERM or SIGINT: a bug at the top of the process is counted, told, and survived.

import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';

const observe = (file: string): string =>
  JSON.stringify(join(import.meta.dirname, '../../src/observe', file));

t.test(
  'an uncaught exception and an unhandled rejection are counted and logged, and the process lives',
  async (t) => {
    const program = `
    import { once } from 'node:events';
    import { createLog } from ${observe('log.ts')};
    import { createMetrics } from ${observe('metrics.ts')};
    import { watchProcessFaults } from ${observe('process-faults.ts')};
    const metrics = createMetrics({ version: '1', routes: [], extraRoutes: [], storeCommands: [], authenticators: ['api_token', 'session'] });
    const log = createLog({ level: 'info', fd: 1, onDrop: () => undefined });
    watchProcessFaults(metrics, log);
    setImmediate(() => { throw new Error('thrown', { cause: new Error('below') }); });
    void Promise.reject(new TypeError('rejected'));
    void Promise.reject(undefined);
    setTimeout(async () => {
      log.info('alive', { text: (await metrics.render()).split('\\n').filter((line) => line.includes('faults_total{')) });
    }, 50);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (output += piece));
    const [code] = (await once(child, 'close')) as [number];
    t.equal(code, 0);
    const lines = output
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const of = (kind: string) => lines.filter((line) => line['kind'] === kind);
    t.match(of('uncaught_exception'), [
      { level: 'error', err: { message: 'thrown', cause: { message: 'below' } } },
    ]);
    t.equal(of('unhandled_rejection').length, 2);
    t.match(of('unhandled_rejection')[0], { err: { type: 'TypeError', message: 'rejected' } });
    t.strictSame(lines.at(-1)?.['text'], [
      'tollgate_process_faults_total{kind="uncaught_exception"} 1',
      'tollgate_process_faults_total{kind="unhandled_rejection"} 2',
    ]);
  },
);
