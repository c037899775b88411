// What the Redis user of the store must be allowed: every command this folder sends or runs in a script. The contract of
// the store is tested as a user who may do this and no more, so a command that is missing here fails a test.

const commands = [
  // On the connection, and about the server: whose master it is, and what time it is.
  'client|setname select info time wait',
  // Where store is redis-cluster://.
  'asking cluster|slots cluster|nodes',
  // On our keys.
  'eval evalsha exists del pttl pexpire pexpireat persist get set',
  'hget hgetall hmget hexists hset hsetnx hdel hincrby',
  'zadd zrem zcard zlexcount zrangebylex zrevrangebylex zrangebyscore',
  'xadd xdel xrange xrevrange xread xinfo|stream',
]
  .join(' ')
  .split(' ');

/** The rules of the user, as ACL SETUSER takes them, without a name and a password. `prefix`: store.prefix. */
export const aclRules = (prefix: string): readonly string[] => [
  `~${prefix}:*`,
  'resetchannels',
  '-@all',
  ...commands.map((command) => `+${command}`),
];

/** What an operator types; the user name and the prefix are examples. */
export const aclCommand = `ACL SETUSER tollgate on >PASSWORD ${aclRules('tollgate').join(' ')}`;
