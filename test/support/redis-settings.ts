// RedisSettings for tests: as the defaults of the settings room where a test does not say otherwise, but patient, so that
// a busy machine is not taken for an outage. A test about time-outs says its own.

import type { RedisSettings } from '../../src/settings/settings.ts';

export const redisSettings = (over: Partial<RedisSettings> = {}): RedisSettings => ({
  kind: 'redis',
  mode: 'standalone',
  nodes: [],
  socketPath: undefined,
  sentinelName: undefined,
  tls: false,
  ca: undefined,
  username: undefined,
  password: undefined,
  database: 0,
  prefix: 'tollgate',
  connectTimeoutMs: 5_000,
  readTimeoutMs: 5_000,
  writeTimeoutMs: 10_000,
  replicasMin: 0,
  ...over,
});
