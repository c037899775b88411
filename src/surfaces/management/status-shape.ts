// How a replica does, as the management surface shows it.

import { z } from 'zod';
import type { ServerStatus } from '../../observe/metrics.ts';
import { named, time, timeOf, timeOrNever, timeOrNull } from './shapes.ts';

const count = z.number().min(0);
const ms = z.number().min(0).nullable();

export const serverStatus = named(
  'ServerStatus',
  z.strictObject({
    replica: z.string().meta({ description: 'Tells replicas apart, until the process ends.' }),
    version: z.string(),
    startedAt: time('When the process began.'),
    now: time('By the store’s clock.'),
    ready: z.boolean().meta({ description: 'Whether it may be sent requests.' }),
    reasons: z.array(z.string()).meta({ description: 'Why not, a sentence each.' }),
    warnings: z.array(z.string()).meta({ description: 'What to look at nevertheless.' }),
    requests: z.strictObject({ total: count, forwarded: count, refused: count, failed: count }),
    refusals: z
      .array(z.strictObject({ reason: z.string(), count }))
      .meta({ description: 'The most frequent first.' }),
    latency: z.strictObject({ p50Ms: ms, p99Ms: ms }).meta({
      description: 'Rounded up to a bound of the histogram. Null: not known, or over 30 seconds.',
    }),
    feed: z.strictObject({
      connected: z.boolean(),
      silentMs: ms.meta({ description: 'Since its last sign of life.' }),
      lastChangeAt: timeOrNever('Null: none yet.'),
      resets: count.meta({ description: 'How often its continuity was lost.' }),
      tombstones: count.meta({ description: 'Revocations and changed accounts in memory.' }),
    }),
    revocation: z
      .strictObject({ count, lastLagMs: ms, maxLagMs: ms })
      .meta({ description: 'How long revocations took from being written to being in force here.' }),
    store: z.strictObject({
      kind: z.string(),
      answers: z.boolean(),
      clockOffsetMs: z.number().nullable().meta({ description: 'How far this machine’s clock is ahead.' }),
    }),
    cache: z.strictObject({ identities: count, hits: count, misses: count }),
    connections: z.strictObject({ clients: count, upgraded: count }),
  }),
);

export const showStatus = (
  { replica, version, startedAtMs, requests, sources }: ServerStatus,
  storeKind: string,
  nowMs: number,
): z.output<typeof serverStatus> => {
  const { forwarded, refused, failed, refusals, p50Ms = null, p99Ms = null } = requests;
  const { ready, reasons, warnings } = sources?.readiness() ?? { ready: false, reasons: [], warnings: [] };
  const feed = sources?.feed();
  const cache = sources?.cache();
  const connections = sources?.connections();
  const heardAtMs = feed?.lastHeardAtMs;
  return {
    replica,
    version,
    startedAt: timeOf(startedAtMs),
    now: timeOf(nowMs),
    ready,
    reasons: [...reasons],
    warnings: [...warnings],
    requests: { total: forwarded + refused + failed, forwarded, refused, failed },
    refusals: refusals.map((each) => ({ ...each })),
    latency: { p50Ms, p99Ms },
    feed: {
      connected: feed?.connected ?? false,
      silentMs: heardAtMs === undefined ? null : Math.max(0, Math.round(Date.now() - heardAtMs)),
      lastChangeAt: timeOrNull(feed?.lastChangeAtMs),
      resets: Object.values(feed?.resets ?? {}).reduce((sum, each) => sum + each, 0),
      tombstones: feed?.tombstones ?? 0,
    },
    revocation: {
      count: feed?.lag.count ?? 0,
      lastLagMs: feed?.lag.lastMs ?? null,
      maxLagMs: feed?.lag.maxMs ?? null,
    },
    store: {
      kind: storeKind,
      answers: sources?.storeAnswers() ?? false,
      clockOffsetMs: sources?.clockOffsetMs() ?? null,
    },
    cache: { identities: cache?.identities ?? 0, hits: cache?.hits ?? 0, misses: cache?.misses ?? 0 },
    connections: { clients: connections?.client ?? 0, upgraded: connections?.upgraded ?? 0 },
  };
};
