// Reads where the token store is. The URL may hold a password, so a message never repeats more of it than its scheme.

import { parseHostPort, parseSocketPath } from './network-readers.ts';
import { type Read, type Reader, right, wrong } from './reader.ts';

/** What the URL alone says. */
export type StorePlace =
  | { readonly kind: 'sqlite'; readonly file: string }
  | {
      readonly kind: 'redis';
      readonly mode: 'standalone' | 'sentinel' | 'cluster';
      readonly nodes: readonly { readonly host: string; readonly port: number }[];
      readonly socketPath: string | undefined;
      readonly sentinelName: string | undefined;
      readonly tls: boolean;
      readonly username: string | undefined;
      readonly password: string | undefined;
      readonly database: number;
    };

const forms =
  'sqlite:./tollgate.db, redis://HOST:6379, rediss://HOST:6379 (TLS), redis+unix:/run/redis.sock, ' +
  'redis-sentinel://A,B,C/NAME or redis-cluster://A,B,C';

export const storeUrl: Reader<StorePlace> = {
  read: (value): Read<StorePlace> => {
    const url = typeof value === 'string' ? value : '';
    const scheme = /^([a-z+-]+):/.exec(url)?.[1];
    if (scheme === undefined) return wrong(`is not a store (its value is not shown); write ${forms}`);
    if (scheme === 'sqlite') return readSqlite(url);
    if (scheme === 'unix' || scheme === 'redis+unix') return readRedisSocket(url);
    const match = /^(rediss?)(-sentinel|-cluster)?$/.exec(scheme);
    return match === null
      ? wrong(`${scheme}: is not a kind of store; write ${forms}`)
      : readRedis(url, scheme, match[1] === 'rediss', match[2] ?? '');
  },
  expects: forms,
  json: { type: 'string', pattern: '^(sqlite|unix|redis\\+unix|rediss?|rediss?-(sentinel|cluster)):.+' },
  secret: true,
  twin: true,
};

const readSqlite = (url: string): Read<StorePlace> => {
  const file = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
  if (file === '' || /[\0-\x1f?#]/.test(file) || file.startsWith('//') || file === ':memory:')
    return wrong(
      'sqlite: must name a file; write e.g. sqlite:./tollgate.db or sqlite:/var/lib/tollgate/tollgate.db',
    );
  return right({ kind: 'sqlite', file });
};

const nowhere = {
  kind: 'redis',
  mode: 'standalone',
  nodes: [],
  socketPath: undefined,
  sentinelName: undefined,
  tls: false,
  username: undefined,
  password: undefined,
  database: 0,
} as const;

const readRedisSocket = (url: string): Read<StorePlace> => {
  const [place = '', query] = url.split('?', 2);
  const database = query === undefined ? 0 : parseDatabase(/^db=(\d{1,5})$/.exec(query)?.[1]);
  if (database === undefined)
    return wrong('redis+unix: takes only ?db=NUMBER after the path; the password goes into store.password');
  const socket = parseSocketPath(place);
  return socket.ok ? right({ ...nowhere, socketPath: socket.value, database }) : socket;
};

const readRedis = (url: string, scheme: string, tls: boolean, kind: string): Read<StorePlace> => {
  const match = /^[a-z-]+:\/\/(?:(.*)@)?([^/?#@]+)(?:\/([^?#@]*))?$/s.exec(url);
  const example = `${scheme}://${kind === '' ? 'HOST:6379' : 'A,B,C'}${kind === '-sentinel' ? '/NAME' : ''}`;
  const malformed = wrong(
    `the ${scheme}: address cannot be read (not shown, it may hold a password); write ${example}, and percent-encode / ? # @ in a password`,
  );
  if (match === null) return malformed;
  const portDefault = kind === '-sentinel' ? 26_379 : 6379;
  const nodes = (match[2] ?? '').split(',').map((node) => parseHostPort(node, portDefault));
  const known = nodes.filter((node) => node !== undefined);
  const user = parseUserInfo(match[1]);
  if (known.length < nodes.length || user === undefined) return malformed;
  const path = (match[3] ?? '').split('/');
  const place = { ...nowhere, ...user, nodes: known, tls };
  if (kind === '-sentinel') {
    const [name = '', database] = path;
    const index = database === undefined ? 0 : parseDatabase(database);
    return name === '' || index === undefined || path.length > 2
      ? wrong(`names no master, or no database by number; write ${example} or ${example}/0`)
      : right({ ...place, mode: 'sentinel', sentinelName: name, database: index });
  }
  if (kind === '-cluster')
    return path.join('') === ''
      ? right({ ...place, mode: 'cluster' })
      : wrong(`a Cluster has no databases and no name; write ${example}`);
  const index = path.join('') === '' ? 0 : parseDatabase(path.length === 1 ? path[0] : undefined);
  if (known.length > 1)
    return wrong(
      `${scheme}: takes one server; write redis-sentinel://A,B,C/NAME or redis-cluster://A,B,C for several`,
    );
  return index === undefined
    ? wrong(`the part after the / must be a database number; write ${example}/0`)
    : right({ ...place, database: index });
};

const parseDatabase = (value: string | undefined): number | undefined =>
  value !== undefined && /^\d{1,5}$/.test(value) ? Number(value) : undefined;

const parseUserInfo = (
  value: string | undefined,
): { readonly username: string | undefined; readonly password: string | undefined } | undefined => {
  if (value === undefined) return { username: undefined, password: undefined };
  const colon = value.indexOf(':');
  try {
    const username = decodeURIComponent(colon < 0 ? value : value.slice(0, colon));
    const password = colon < 0 ? '' : decodeURIComponent(value.slice(colon + 1));
    return { username: username || undefined, password: password || undefined };
  } catch {
    return undefined;
  }
};
