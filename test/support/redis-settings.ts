// RedisSettings for tests: as the defaults of the settings room, where a test does not say otherwise.

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
  connectTimeoutMs: 500,
  readTimeoutMs: 100,
  writeTimeoutMs: 1000,
  replicasMin: 0,
  ...over,
});
