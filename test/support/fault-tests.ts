// Which test shows what README.md says of a fault: the row's first cell, and files with the titles of their tests.

type TestTitle = readonly [file: string, title: string];

export const faultTests: Readonly<Record<string, readonly TestTitle[]>> = {
  'The store is out, and there are limits': [
    ['test/limits/outage.test.ts', 'requests do not wait for a Redis that hangs, but for a moment once'],
  ],
  'One address of the API is down': [
    [
      'test/proxy/upstream/upstream-health.test.ts',
      '9: an address that refuses costs no request; after three connects it is left alone',
    ],
  ],
  'The only address of the API is gone': [
    [
      'test/proxy/upstream/upstream-health.test.ts',
      '9: one address, and it is gone: one request tries it, the others are 502 at once',
    ],
  ],
  "The API's name has no address": [
    [
      'test/proxy/upstream/upstream-addresses.test.ts',
      '8: a name without addresses is a clear refusal: 502, and the log names it',
    ],
  ],
  'Redis, for less than `feed.maxStaleness` (10 s)': [
    [
      'test/system/redis-faults.test.ts',
      'killed under load: who is known is served, up to the bound; then 503, never 401',
    ],
  ],
  'A changed settings file has a fault': [
    [
      'test/system/reload.test.ts',
      'what is wrong is refused as a whole; log, metric and /readyz say so until it is right',
    ],
  ],
  'Redis, for longer': [
    [
      'test/system/redis-faults.test.ts',
      'frozen: every answer comes in bounded time, and after the bound it is 503',
    ],
    [
      'test/system/long-outage.test.ts',
      'Redis gone for long: all replicas not ready; `whenStale: serve` ends with its cache',
    ],
    ['test/proxy/handler.test.ts', 'with `whenStale: serve` a silent feed lets the known through'],
  ],
  'Redis, when Tollgate starts': [
    [
      'test/system/redis-faults.test.ts',
      'Redis down at boot: alive, not ready and says why, 503 at once, and ready by itself',
    ],
  ],
  'One replica of Tollgate is cut off from Redis': [
    [
      'test/system/partition.test.ts',
      'cut off, a replica serves a revoked token no longer than the bound, and refuses it for good once mended',
    ],
  ],
  'Redis lost its last writes': [
    [
      'test/store/redis/sentinel.test.ts',
      'a failover that loses a revocation: reset, and written back it is in force again',
    ],
  ],
  'Lines of the change feed were trimmed or deleted': [
    ['test/store/redis/lost-lines.test.ts', 'told again to a replica that starts later, each once'],
  ],
  'Redis was emptied': [
    [
      'test/system/redis-backup.test.ts',
      'Redis emptied, then restored from an older backup: tokens are back, revocations stay',
    ],
    [
      'test/system/redis-faults.test.ts',
      'FLUSHALL: what a replica saw revoked stays revoked, and the loss is counted',
    ],
    [
      'test/system/lost-keys.test.ts',
      'FLUSHALL: the signing key is written back before another gate makes a new one',
    ],
  ],
  'Redis was restored from an older backup': [
    [
      'test/system/redis-backup.test.ts',
      'Redis emptied, then restored from an older backup: tokens are back, revocations stay',
    ],
    [
      'test/lifecycle/confirmed-revocation.test.ts',
      'the secret alone revokes nothing, and the answer says so',
    ],
    [
      'test/lifecycle/confirmed-revocation.test.ts',
      'the id ends its sessions on every replica, and a record that comes back is revoked',
    ],
  ],
  'The Redis user lacks a right': [
    ['test/system/store-user.test.ts', ': /readyz names the command and the ACL line'],
  ],
  'Redis is at `maxmemory`': [
    [
      'test/system/full-store.test.ts',
      'Redis at maxmemory: look-ups and revocations go on, new tokens are 503, until there is room',
    ],
    [
      'test/store/redis/server-settings.test.ts',
      'a full server still takes revocations; it refuses what makes more, whole',
    ],
  ],
  'Fewer Redis replicas than `store.replicasMin`': [
    [
      'test/system/confirmed-revocation.test.ts',
      'a revocation that reached no replica is 503 on every surface, as often as it is asked',
    ],
  ],
  'Sentinel promotes another Redis server': [
    [
      'test/store/redis/sentinel-failover.test.ts',
      'a failover that an operator orders: the old master is left while it still calls itself one',
    ],
    [
      'test/store/redis/sentinel-failover.test.ts',
      'a master that hangs is replaced; it goes on, and nobody believes it',
    ],
  ],
  'No sentinel answers': [
    [
      'test/store/redis/sentinel-failover.test.ts',
      'no sentinel answers: the present master goes on, and nothing is lost',
    ],
  ],
  'A master of a Redis Cluster dies': [
    [
      'test/store/redis/cluster-failover.test.ts',
      'a killed master and its promoted replica, and both again the other way round',
    ],
  ],
  'The disk of SQLite is full': [
    [
      'test/system/full-store.test.ts',
      'the disk of SQLite is full: look-ups go on, every write is 503, until there is room',
    ],
    ['test/store/sqlite/sqlite-store.test.ts', 'a full disk is an outage that says so'],
  ],
  'The SQLite file is damaged when Tollgate starts': [
    ['test/store/sqlite/damaged-file.test.ts', 'is refused at the start, and left as it is'],
    ['test/system/life.test.ts', 'a store file that cannot be used is one clear line, and exit code 69'],
  ],
  'The signing keys cannot be opened': [
    ['test/system/life.test.ts', 'a wrong sealing key: alive, not ready, and the reason says what to do'],
  ],
  'The clock of one machine is wrong': [
    [
      'test/system/clocks.test.ts',
      'an access token made by any replica is good at each, and ends when the others say so',
    ],
    [
      'test/system/clocks.test.ts',
      'a clock over tokens.clockLeeway off is told by /readyz and a metric; the gate is ready',
    ],
  ],
  'The API does not answer': [
    ['test/proxy/upstream/forward-failures.test.ts', 'refused: 502'],
    [
      'test/proxy/upstream/forward-failures.test.ts',
      'a hang, and a hang in the middle of the head: 504, and the upstream socket is destroyed',
    ],
  ],
  'The API breaks off a response': [
    ['test/proxy/upstream/forward-failures.test.ts', 'a body that falls silent: the connection breaks'],
  ],
  'The API closes idle connections': [
    [
      'test/proxy/upstream/stale-connections.test.ts',
      'a GET meets as many closed connections as it likes, and never fails',
    ],
    [
      'test/proxy/upstream/stale-connections.test.ts',
      'a POST meets a closed connection once; then its age is known, and such are not used',
    ],
  ],
  'The API is slow, and one caller sends too much': [
    [
      'test/proxy/upstream/fair-shares.test.ts',
      'a caller that waits too long for its own share is told so: 429, not 503',
    ],
  ],
  "A caller's body stops, ends early or is too slow": [
    [
      'test/system/broken-bodies.test.ts',
      'a body that does not arrive is 408 or 400 on every route and surface',
    ],
  ],
  'An external issuer': [
    [
      'test/system/external-issuer.test.ts',
      'endpoint down: known keys serve on; a gate without keys says 503, never 401, and recovers',
    ],
  ],
  'The process gets SIGTERM': [
    [
      'test/system/life.test.ts',
      'SIGTERM: not ready at once, serves on through the drain delay, finishes what is under way, exits with 0',
    ],
  ],
  'Replicas restart one after another': [
    [
      'test/system/rolling-restart.test.ts',
      'two rolling restarts behind HAProxy: every request is answered as ever',
    ],
  ],
  'The process is killed': [
    [
      'test/system/durability.test.ts',
      'SQLite: a token that was shown works after kill -9 of whoever made it, and of the gate',
    ],
    [
      'test/system/durability.test.ts',
      'Redis with appendfsync always: token and revocation outlive kill -9 of Redis and the gate',
    ],
  ],
};
