// The pure parts of the Redis store: key names, lines of the feed, redirections, slots and faults.

import * as fc from 'fast-check';
import t from 'tap';
import type { Change } from '../../../src/store/records.ts';
import { lineOf, parseLine } from '../../../src/store/redis/change-codec.ts';
import {
  parseRedirect,
  readClusterView,
  readEpochs,
  slotOfTag,
  tagOfKey,
  viewsOfCluster,
} from '../../../src/store/redis/cluster-slots.ts';
import { type OwnerClaim, newestClaim } from '../../../src/store/redis/directory.ts';
import { faultOf, RedisFault } from '../../../src/store/redis/fault.ts';
import { isStorableId, KeySpace } from '../../../src/store/redis/key-space.ts';
import { readSentinelView } from '../../../src/store/redis/sentinel-directory.ts';
import { shardOfAccount } from '../../../src/tokens/shard.ts';

t.test('two accounts never share a key, whatever their ids are made of', async (t) => {
  const keys = new KeySpace('tollgate');
  const id = fc.string({ unit: fc.constantFrom('a', '/', '%', '2', 'F', ':', '{', '}', '5'), minLength: 1 });
  fc.assert(
    fc.property(id, id, id, id, (org, user, otherOrg, otherUser) => {
      const isSame = org === otherOrg && user === otherUser;
      return isSame === (keys.user(org, user) === keys.user(otherOrg, otherUser));
    }),
  );
  t.not(keys.user('a/b', 'c'), keys.user('a', 'b/c'));
  t.throws(() => new KeySpace('toll{gate}'), /prefix/);
  t.equal(isStorableId('a\ud800'), false);
});

t.test('all keys of a user carry the tag of its shard, whatever braces its id has', async (t) => {
  const keys = new KeySpace('tollgate');
  const tag = String(shardOfAccount('{x}', '}{'));
  for (const key of [keys.user('{x}', '}{'), keys.tokensOf('{x}', '}{')]) t.equal(tagOfKey(key), tag);
});

t.test('a change is read back from its line as it was', async (t) => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 });
  const atMs = fc.nat();
  const facts = fc.record(
    {
      generation: fc.nat(),
      tokenGenerationMin: fc.nat(),
      state: fc.constantFrom('active', 'disabled'),
      atMs,
    },
    { requiredKeys: ['generation', 'atMs'] },
  );
  const change: fc.Arbitrary<Change> = fc.oneof(
    fc.record({ kind: fc.constant('token' as const), tokenId: text, atMs }),
    fc.record({ kind: fc.constant('session' as const), sessionId: text, atMs }),
    fc
      .record(
        { tokenId: text, secretNumber: fc.nat(), digest: text, previousUntilMs: fc.nat(), atMs },
        { requiredKeys: ['tokenId', 'secretNumber', 'digest', 'atMs'] },
      )
      .map((facts) => ({ kind: 'secret', ...facts }) as Change),
    fc.record({ kind: fc.constant('keys' as const), atMs }),
    fc
      .tuple(fc.record({ kind: fc.constant('user' as const), orgId: text, userId: text }), facts)
      .map(([who, what]) => ({ ...who, ...what }) as Change),
    fc
      .tuple(fc.record({ kind: fc.constant('org' as const), orgId: text }), facts)
      .map(([who, what]) => ({ ...who, ...what }) as Change),
  );
  fc.assert(
    fc.property(change, (change) => void t.strictSame(parseLine(lineOf(change)), { ...change })),
    { numRuns: 50 },
  );
});

t.test('a line that is not understood is no change', async (t) => {
  for (const words of [
    [],
    ['kind', 'token'],
    ['kind', 'token', 'token', 'x'],
    ['kind', 'token', 'at', '1'],
    ['kind', 'token', 'token', 'x', 'at', 'soon'],
    ['kind', 'token', 'token', 'x', 'at', '1e9'],
    ['kind', 'secret', 'token', 'x', 'digest', 'y', 'at', '1'],
    ['kind', 'secret', 'token', 'x', 'number', '1', 'at', '1'],
    ['kind', 'user', 'org', 'a', 'user', 'b', 'at', '1'],
    ['kind', 'user', 'org', 'a', 'at', '1', 'generation', '1'],
    ['kind', 'org', 'at', '1', 'generation', '1'],
    ['kind', 'planet', 'at', '1'],
    ['at', '1'],
  ])
    t.equal(parseLine(words), undefined, words.join(' '));
});

t.test('redirections are read, and nothing else is one', async (t) => {
  t.same(parseRedirect(new Error('MOVED 866 10.0.0.1:6379'), 'x'), {
    to: { host: '10.0.0.1', port: 6379 },
    isAsking: false,
  });
  t.same(parseRedirect(new Error('ASK 866 ::1:7000'), 'x'), {
    to: { host: '::1', port: 7000 },
    isAsking: true,
  });
  t.match(parseRedirect(new Error('MOVED 866 :7000'), '10.0.0.9'), { to: { host: '10.0.0.9' } });
  for (const message of ['MOVED', 'MOVED x 10.0.0.1:6379', 'MOVED 866 10.0.0.1', 'ERR MOVED 1 a:1', ''])
    t.equal(parseRedirect(new Error(message), 'x'), undefined);
  t.equal(parseRedirect('MOVED 866 10.0.0.1:6379', 'x'), undefined);
});

t.test('slots are those of the Cluster specification', async (t) => {
  t.equal(slotOfTag('123456789'), 0x31c3, "the specification's check value");
  t.equal(slotOfTag('foo'), 12_182);
  const reply = [
    [0, 8191, ['10.0.0.1', 7000, 'a', []], ['10.0.0.2', 7000, 'b', []]],
    [8192, 16_383, ['', 7001, 'c', []]],
    [1, 2],
    'nonsense',
  ];
  const epochs = readEpochs('c 10.0.0.9:7001@17001 master - 0 0 7 connected 8192-16383\nnonsense\n');
  const view = readClusterView(reply, epochs, ['foo', 'bar'], '10.0.0.9');
  t.same(view.claims.get('foo'), { owner: { host: '10.0.0.9', port: 7001 }, epoch: 7 });
  t.same(view.claims.get('bar'), { owner: { host: '10.0.0.1', port: 7000 }, epoch: 0 });
  t.same(
    view.nodes.map(({ host }) => host),
    ['10.0.0.1', '10.0.0.2', '10.0.0.9'],
    'replicas too: they may be masters soon',
  );
  t.equal(readClusterView('nonsense', readEpochs(undefined), ['foo'], 'x').claims.size, 0);
});

t.test('a node of another Cluster at a known address is not believed, unless ours is gone', async (t) => {
  const view = (id: string) => readClusterView([[0, 16_383, [id, 7000, id]]], new Map(), ['foo'], 'x');
  const [ours, foreign] = [view('ours'), view('foreign')];
  t.same(viewsOfCluster([foreign, ours], new Set(['ours', 'gone'])), [ours]);
  t.same(viewsOfCluster([foreign], new Set(['ours'])), [foreign]);
  t.same(viewsOfCluster([foreign, ours], new Set()), [foreign, ours]);
});

t.test('of what servers say of the owner the newest epoch is believed, then the most of them', async (t) => {
  const claim = (host: string, epoch: number) => ({ owner: { host, port: 1 }, epoch });
  const cases: Readonly<Record<string, readonly [claims: readonly OwnerClaim[], host: string | undefined]>> =
    {
      'nobody says anything': [[], undefined],
      'one newer than two that were cut off': [[claim('old', 4), claim('new', 5), claim('old', 4)], 'new'],
      'two of three of one epoch': [[claim('a', 0), claim('b', 0), claim('b', 0)], 'b'],
      'one against one: the first': [[claim('a', 2), claim('b', 2)], 'a'],
    };
  for (const [name, [claims, host]] of Object.entries(cases))
    t.equal(newestClaim(claims)?.owner.host, host, name);
});

t.test(
  'a sentinel says who is the master, in which epoch, and which other sentinels there are',
  async (t) => {
    const master = ['name', 'main', 'ip', 'the old one', 'config-epoch', '3'];
    const others = [
      ['name', 'x', 'ip', '10.0.0.8', 'port', '26379', 'runid', 'f00'],
      ['ip', '10.0.0.9'],
    ];
    t.same(readSentinelView(['10.0.0.1', '6379'], master, others), {
      claim: { owner: { host: '10.0.0.1', port: 6379 }, epoch: 3 },
      sentinels: [{ host: '10.0.0.8', port: 26379, runId: 'f00' }],
    });
    t.throws(() => readSentinelView(null, master, others), { code: 'NO_SENTINEL' });
  },
);

t.test('a fault has a stable code and no secret in it; a bug stays a bug', async (t) => {
  const reply = Object.assign(new Error("ERR unknown command 'AUTH', with args: 'pa55'"), {
    name: 'ReplyError',
    command: { name: 'auth', args: ['pa55'] },
  });
  const fault = faultOf(reply, ['pa55']);
  t.equal(fault.code, 'ERR');
  t.notMatch(JSON.stringify([fault, fault.message, fault.stack, fault.cause]), /pa55/);
  t.equal(faultOf(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), []).code, 'ECONNREFUSED');
  t.equal(faultOf(new Error('Command timed out'), []).code, 'TIMEOUT');
  t.equal(faultOf('what', []).code, 'UNKNOWN');
  const same = new RedisFault('CORRUPT', 'x');
  t.equal(faultOf(same, []), same);
  t.throws(() => faultOf(new TypeError('our bug'), []), /our bug/);
});
