// What the Redis user of the store must be allowed: every command this folder sends or runs in a script. The contract of
// the store is tested as a user who may do this and no more, so a command that is missing here fails a test.

/** On the connection itself, and with the servers: whose master it is, what time it is. */
const connectionCommands = ['client|setname', 'select', 'info', 'time', 'wait'];

/** Where redis-cluster:// is used. */
const clusterCommands = ['asking', 'cluster|slots', 'cluster|nodes'];

const dataCommands = [
  ...['eval', 'evalsha'],
  ...['exists', 'del', 'pttl', 'pexpire', 'pexpireat', 'get', 'set'],
  ...['hget', 'hgetall', 'hmget', 'hexists', 'hset', 'hsetnx', 'hdel', 'hincrby'],
  ...['zadd', 'zrem', 'zcard', 'zlexcount', 'zrangebylex', 'zrevrangebylex', 'zrangebyscore'],
  ...['xadd', 'xdel', 'xrange', 'xrevrange', 'xread', 'xinfo|stream'],
];

/** The rules of the user, as ACL SETUSER takes them, without a name and a password. `prefix`: store.prefix. */
export const aclRules = (prefix: string): readonly string[] => [
  `~${prefix}:*`,
  'resetchannels',
  '-@all',
  ...[...connectionCommands, ...clusterCommands, ...dataCommands].map((command) => `+${command}`),
];

/** What an operator types; the user name and the prefix are examples. */
export const aclCommand = `ACL SETUSER tollgate on >PASSWORD ${aclRules('tollgate').join(' ')}`;
