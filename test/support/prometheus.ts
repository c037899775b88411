// Debian's `prometheus` as an API nobody here wrote: with its admin endpoints, on a free port, storing under `directory`.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answers200, type RunningProcess, startProcess } from './process.ts';

export interface Prometheus extends RunningProcess {
  readonly url: string;
  readonly dataDirectory: string;
}

/** `targets`: `host:port` of what it scrapes every second, as job `tollgate`. */
export const startPrometheus = async (
  directory: string,
  targets: readonly string[],
  port: number,
): Promise<Prometheus> => {
  const url = `http://127.0.0.1:${port}`;
  const configFile = join(directory, 'prometheus.yaml');
  const dataDirectory = join(directory, 'prometheus');
  writeFileSync(
    configFile,
    JSON.stringify({
      global: { scrape_interval: '1s' },
      scrape_configs: [
        { job_name: 'prometheus', static_configs: [{ targets: [`127.0.0.1:${port}`] }] },
        { job_name: 'tollgate', static_configs: [{ targets }] },
      ],
    }),
  );
  const running = await startProcess(
    'prometheus',
    [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${dataDirectory}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-admin-api',
      '--log.level=warn',
    ],
    { isReady: () => answers200(`${url}/-/ready`) },
  );
  return { ...running, url, dataDirectory };
};
