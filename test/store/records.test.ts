// The one reader of each record, for both stores: what does not fit is refused, and the message names record and field.

import t from 'tap';
import { DamagedRecord } from '../../src/store/record-reader.ts';
import {
  readAuditEntry,
  readChange,
  readOrg,
  readSigningKey,
  readToken,
  readUser,
} from '../../src/store/records.ts';
import { exampleKey, exampleOrg, exampleToken, exampleUser } from '../contract/examples.ts';

const user = exampleUser('acme', { passwordHash: '$scrypt$x' });
const change = { kind: 'user', orgId: 'acme', userId: 'u', generation: 3, tokenGenerationMin: 1, atMs: 5 };
const secret = { kind: 'secret', tokenId: 'id', secretNumber: 1, digest: 'd', previousUntilMs: 9, atMs: 5 };

/** What is read, from a value that is whole. */
const records = {
  org: [readOrg, exampleOrg({ tokenLifetimeMsMax: 5 })],
  user: [readUser, user],
  token: [readToken, exampleToken(user, { expiresAtMs: 7, labels: [{ name: 'a', value: 'b' }] }).token],
  'signing key': [readSigningKey, exampleKey({ retireAtMs: 9 })],
  'line of an account': [readChange, { ...change, state: 'disabled' }],
  'line of a secret': [readChange, secret],
} as const;

/** None of them fits anywhere: no text, number or list that this program writes. */
const damages = [{}, [[]], Number.NaN, 1.5, Infinity, Symbol.iterator];

for (const [name, [read, whole]] of Object.entries(records))
  t.test(`a ${name} is read as it was; damage in any field is refused by its name`, async (t) => {
    t.strictSame(read(whole, 'it'), whole);
    const present = Object.entries(whole).filter(([, value]) => value !== undefined);
    for (const [field] of present.filter(([field]) => field !== 'openid'))
      for (const damage of damages) {
        // An empty object is no damage of roles; that a list of parts holds no object is said of the whole record.
        if (field === 'roles' && damage === damages[0]) continue;
        const damaged = { ...whole, [field]: damage };
        t.throws(() => read(damaged, 'it'), { name: 'DamagedRecord', message: /^it is not a record/ }, field);
        if (!['labels', 'generation'].includes(field))
          t.throws(() => read(damaged, 'it'), { message: `: ${field} ` });
      }
  });

t.test('what is absent is undefined; what later versions added has its default', async (t) => {
  const { token } = exampleToken(user);
  const { labels: _labels, secretNumber: _number, openid: _openid, ...older } = token;
  t.strictSame(readToken({ ...older, expiresAtMs: null }, 'it'), token);
  const { state: _state, ...line } = { ...change, state: undefined };
  t.strictSame(readChange({ ...change, state: null }, 'it'), line);
});

t.test('14: a list of networks that is damaged is no shorter list, and lets nobody in', async (t) => {
  const { token } = exampleToken(user, { allowFrom: ['10.0.0.0/8'] });
  t.strictSame(readToken(token, 'it'), token);
  for (const allowFrom of [['10.0.0.0/8', 'x'], ['10.1.2.3/8'], [null], '10.0.0.0/8', {}])
    t.throws(
      () => readToken({ ...token, allowFrom }, 'it'),
      { message: /: allowFrom / },
      JSON.stringify(allowFrom),
    );
});

t.test('no role becomes the prototype, whatever its name', async (t) => {
  const roles: unknown = JSON.parse('{"__proto__":["a:b"],"constructor":["c:d"]}');
  const org = readOrg({ ...exampleOrg(), roles }, 'it');
  t.same(Object.entries(org.roles), [
    ['__proto__', ['a:b']],
    ['constructor', ['c:d']],
  ]);
  t.equal(Object.getPrototypeOf(org.roles), Object.prototype);
});

t.test('what is no object is no record, and no entry of the audit', async (t) => {
  for (const value of [null, undefined, 'x', 5, []]) t.throws(() => readOrg(value, 'it'), DamagedRecord);
  for (const text of ['', '[]', 'null', '{}', '{"id":1}', '{"id":'])
    t.throws(() => readAuditEntry(text), { message: /^an entry of the audit is not a record/ });
});
