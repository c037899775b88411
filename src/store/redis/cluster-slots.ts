// Which server of a Cluster holds which of our sixteen hash tags, and where servers send us. Pure.

import { type ServerAddress, type OwnerClaim, newestClaim } from './directory.ts';

const slotCount = 16_384;

/** CRC-16/XMODEM modulo 16384 (Redis Cluster specification, "Key distribution model"). */
export const slotOfTag = (tag: string): number => {
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = ((crc & 0x80_00 ? (crc << 1) ^ 0x10_21 : crc << 1) & 0xff_ff) >>> 0;
  }
  return crc % slotCount;
};

/** The hash tag of a key of ours: `tollgate:{7}:...` -> `7`. */
export const tagOfKey = (key: string): string => key.slice(key.indexOf('{') + 1, key.indexOf('}'));

/** How one node sees the Cluster. */
export interface ClusterView {
  /** Hash tag -> the master that holds it. */
  readonly claims: ReadonlyMap<string, OwnerClaim>;
  /** The masters and replicas that hold our tags. */
  readonly nodes: readonly ServerAddress[];
  /** The ids of these nodes: a node of another Cluster has none of them. */
  readonly ids: ReadonlySet<string>;
}

/**
 * Reads the replies of one node. CLUSTER SLOTS: [first, last, [host, port, id, ...] (the master), [...] (replicas)] per
 * range. `epochs`: by node id, from CLUSTER NODES; a node without one counts as 0.
 * `answeredBy`: the host that was asked, which an empty host means.
 */
export const readClusterView = (
  slots: unknown,
  epochs: ReadonlyMap<string, number>,
  tags: readonly string[],
  answeredBy: string,
): ClusterView => {
  const claims = new Map<string, OwnerClaim>();
  const nodes: ServerAddress[] = [];
  const ids = new Set<string>();
  for (const range of arrayOf(slots)) {
    const [first, last, ...servers] = arrayOf(range);
    if (typeof first !== 'number' || typeof last !== 'number') continue;
    const held = tags.filter((tag) => first <= slotOfTag(tag) && slotOfTag(tag) <= last);
    if (held.length === 0) continue;
    for (const [index, server] of servers.entries()) {
      const [host, port, id] = arrayOf(server);
      if (typeof port !== 'number' || host === '?') continue;
      const owner = { host: typeof host === 'string' && host !== '' ? host : answeredBy, port };
      nodes.push(owner);
      if (typeof id === 'string') ids.add(id);
      const epoch = (typeof id === 'string' ? epochs.get(id) : undefined) ?? 0;
      if (index === 0) for (const tag of held) claims.set(tag, { owner, epoch });
    }
  }
  return { claims, nodes, ids };
};

/** Reads CLUSTER NODES: `id address flags master ping-sent pong-received config-epoch ...` a line -> epoch by id. */
export const readEpochs = (nodes: unknown): ReadonlyMap<string, number> => {
  if (typeof nodes !== 'string') return new Map();
  const fields = nodes.split('\n').map((line) => line.split(' '));
  return new Map(
    fields
      .filter((field) => /^\d{1,15}$/.test(field[6] ?? ''))
      .map((field) => [field[0] ?? '', Number(field[6])]),
  );
};

/**
 * The views of nodes that know a node we knew: the address of a node that is gone may belong to another Cluster now. All
 * of them where none does: the Cluster was made anew.
 */
export const viewsOfCluster = (
  views: readonly ClusterView[],
  knownIds: ReadonlySet<string>,
): readonly ClusterView[] => {
  const own = views.filter(({ ids }) => !ids.isDisjointFrom(knownIds));
  return own.length > 0 ? own : views;
};

/** Who holds each tag, by all that nodes say: a node that was cut off, or slept, knows an older epoch. */
export const ownersOf = (
  views: readonly ClusterView[],
  tags: readonly string[],
): ReadonlyMap<string, ServerAddress> => {
  const owners = new Map<string, ServerAddress>();
  for (const tag of tags) {
    const claim = newestClaim(views.flatMap(({ claims }) => claims.get(tag) ?? []));
    if (claim !== undefined) owners.set(tag, claim.owner);
  }
  return owners;
};

const arrayOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A server's redirection: `MOVED 866 10.0.0.1:6379` (the slot lives there now), `ASK ...` (only this once). */
export interface Redirect {
  readonly to: ServerAddress;
  readonly isAsking: boolean;
}

/** Undefined when the error is none. An empty host means the one that answered. */
export const parseRedirect = (error: unknown, answeredBy: string | undefined): Redirect | undefined => {
  if (!(error instanceof Error)) return undefined;
  const match = /^(MOVED|ASK) \d{1,5} (.*):(\d{1,5})$/.exec(error.message);
  if (match === null) return undefined;
  const host = match[2] || answeredBy;
  if (host === undefined) return undefined;
  return { to: { host, port: Number(match[3]) }, isAsking: match[1] === 'ASK' };
};
