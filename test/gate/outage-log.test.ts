import t from 'tap';
import { outage } from '../../src/decision/outcome.ts';
import { createOutageLog } from '../../src/gate/outage-log.ts';
import { RedisFault } from '../../src/store/redis/fault.ts';

t.test('a store that is out for rate limits is said once a minute, with what to do', async (t) => {
  const lines: unknown[] = [];
  const log = {
    info: (message: string) => void lines.push(message),
    warn: (_message: string, fields?: object) => void lines.push(fields),
  };
  let nowMs = 0;
  const hear = createOutageLog(log, () => nowMs);
  const full = outage('store_unavailable', new RedisFault('OOM', 'OOM command not allowed'));
  hear(full);
  hear(full);
  t.match(lines, [{ err: { code: 'OOM' }, advice: /maxmemory.*noeviction/ }]);
  nowMs += 60_000;
  hear(full);
  hear(undefined);
  hear(undefined);
  t.equal(lines.length, 3);
  t.match(lines[2], /answers for rate limits and quotas again/);
});
