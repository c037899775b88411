// How many passwords may be tried in vain.

import t from 'tap';
import { createSignInLimit } from '../../src/identity/sign-in-limit.ts';

const limit = (perAccount: number, perAddress: number) =>
  createSignInLimit({ signInFailuresPerAccount: perAccount, signInFailuresPerAddress: perAddress });

t.test('an address may fail so often with one account; others may go on', async (t) => {
  const tries = limit(3, 0);
  for (let count = 0; count < 3; count++) t.equal(tries.begin('192.0.2.1', 'acme/ann'), true);
  t.equal(tries.begin('192.0.2.1', 'acme/ann'), false);
  t.equal(tries.begin('192.0.2.1', 'acme/bob'), true);
  t.equal(tries.begin('192.0.2.2', 'acme/ann'), true, 'her own machine is not locked out');
});

t.test('all addresses together may fail ten times as often', async (t) => {
  const tries = limit(3, 0);
  let begun = 0;
  for (let host = 1; host < 100; host++) if (tries.begin(`192.0.2.${host}`, 'acme/ann')) begun += 1;
  t.equal(begun, 30);
  t.equal(tries.begin('192.0.2.200', 'acme/bob'), true);
});

t.test('an address may fail so often, with whichever accounts', async (t) => {
  const tries = limit(0, 5);
  let begun = 0;
  for (let user = 0; user < 20; user++) if (tries.begin('2001:db8::1', `acme/user-${user}`)) begun += 1;
  t.equal(begun, 5);
  t.equal(tries.begin('2001:db8:0:0:ffff::2', 'acme/x'), false, 'a whole IPv6 customer is one address');
  t.equal(tries.begin('2001:db8:0:1::1', 'acme/x'), true);
});

t.test('tries at the same time all count, until they turn out good or came to nothing', async (t) => {
  const tries = limit(2, 3);
  t.same([tries.begin('a', 'x'), tries.begin('a', 'x'), tries.begin('a', 'x')], [true, true, false]);
  tries.cancel('a', 'x');
  t.equal(tries.begin('a', 'x'), true);
  tries.succeed('a', 'x');
  t.same([tries.begin('a', 'x'), tries.begin('a', 'x'), tries.begin('a', 'x')], [true, true, false]);
});

t.test('tries that came to nothing push out no failures, however many there are', async (t) => {
  const tries = limit(3, 0);
  for (let count = 0; count < 3; count++) tries.begin('192.0.2.1', 'acme/ann');
  for (let user = 0; user < 60_000; user++) {
    tries.begin('192.0.2.1', `acme/user-${user}`);
    tries.cancel('192.0.2.1', `acme/user-${user}`);
  }
  t.equal(tries.begin('192.0.2.1', 'acme/ann'), false);
});

t.test('0 is no limit', async (t) => {
  const tries = limit(0, 0);
  for (let count = 0; count < 1_000; count++) if (!tries.begin('a', 'x')) t.fail('limited');
  t.pass();
});
