// What an operator does about a fault of the connection to Redis: one sentence for each that has its own remedy. Names
// settings, never their values. Faults that pass by themselves have no advice.

import { aclCommand } from './acl.ts';

const untrusted = 'Name the CA that signed it in store.ca (TOLLGATE_STORE_CA_FILE).';
const credentials =
  'Check store.username and store.password (TOLLGATE_STORE_PASSWORD_FILE) against the users of Redis (ACL LIST).';
const noRedis = 'What listens there is no Redis: check host and port of store.';
const noTls =
  'The server there does not speak TLS, or is no Redis: with redis:// it is spoken to without TLS.';
const isCluster = 'The server belongs to a Redis Cluster: write store: redis-cluster://HOST:PORT.';

const adviceByCode: Readonly<Record<string, string>> = {
  WRONGPASS: `Redis refuses the user name or the password. ${credentials}`,
  NOAUTH:
    'Redis asks for a password and none is set: set store.password (TOLLGATE_STORE_PASSWORD_FILE), and store.username if it is for a named user.',
  NOPERM: `The Redis user of the store (store.username) lacks a command or its keys; ACL LOG shows what was refused. It needs: ${aclCommand} (tollgate:* is store.prefix).`,
  OOM: 'Redis is full (maxmemory): make room, or raise maxmemory. It must not evict keys (maxmemory-policy noeviction).',
  ENOTFOUND: 'No such host: check the host name of store, and that this machine can resolve it.',
  EAI_AGAIN: 'The name service does not answer: check the host name of store, and DNS on this machine.',
  ECONNREFUSED:
    'Nothing listens there: start Redis, or check host and port of store, and the address Redis binds to.',
  ECONNRESET:
    'The server hung up: if it speaks TLS, write rediss:// in store; else look at its log and its limit of clients.',
  EHOSTUNREACH: 'There is no way to that host: check the network, and the address in store.',
  ENETUNREACH: 'There is no way to that host: check the network, and the address in store.',
  ENOENT: 'There is no such socket: start Redis, or check the path in store.',
  EACCES: 'This user may not open the socket: let it (unixsocketperm in redis.conf).',
  ETIMEDOUT:
    'The connection was not made within store.connectTimeout: check host and port, a firewall on the way, and whether the server speaks TLS (rediss://) or not (redis://).',
  TIMEOUT:
    'Something listens there but did not answer in time: Redis hangs or is loading, or it is no Redis.',
  NOT_REDIS: noRedis,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  EPROTO: noTls,
  SELF_SIGNED_CERT_IN_CHAIN: `The server's certificate is signed by a CA that is not trusted. ${untrusted}`,
  DEPTH_ZERO_SELF_SIGNED_CERT: `The server's certificate is signed by itself. ${untrusted}`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: `The server's certificate is signed by a CA that is not trusted. ${untrusted}`,
  UNABLE_TO_GET_ISSUER_CERT: `The server's certificate is signed by a CA that is not trusted. ${untrusted}`,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: `The server's certificate is signed by a CA that is not trusted. ${untrusted}`,
  CERT_HAS_EXPIRED: "The server's certificate has expired: renew it.",
  CERT_NOT_YET_VALID: "The server's certificate is not valid yet: check the clocks of both machines.",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "The server's certificate is for another name: write in store the name it was made for.",
  MOVED: isCluster,
  CROSSSLOT: isCluster,
  CLUSTERDOWN:
    'The Redis Cluster has slots nobody serves: see CLUSTER INFO on one of its nodes. A Cluster is written redis-cluster://HOST:PORT in store.',
  NOT_MASTER: 'The server is a replica: name the master in store, or the sentinels (redis-sentinel://).',
  READONLY: 'The server is a replica: name the master in store, or the sentinels (redis-sentinel://).',
  NO_SENTINEL:
    'No sentinel names a master: check hosts and ports of store, and the name after the last slash.',
};

/** Replies whose error word says nothing: known by their text (Redis 6.2 to 8). */
const adviceByText: readonly (readonly [part: string, advice: string])[] = [
  [
    'cluster support disabled',
    'The server is no Redis Cluster: write store: redis://HOST:PORT, or redis-sentinel://.',
  ],
  ['DB index is out of range', 'The server has no such database: check the number at the end of store.'],
  ['SELECT is not allowed in cluster mode', isCluster],
];

/** A sentence or two; undefined where there is nothing to do but to wait. */
export const adviceOn = (code: string, message: string): string | undefined =>
  (Object.hasOwn(adviceByCode, code) ? adviceByCode[code] : undefined) ??
  adviceByText.find(([part]) => message.includes(part))?.[1];
