// Number 9: an address is down after failures in a row, is left alone for a while, and is tried again. Pure: the clock is a number.

import t from 'tap';
import { chooseAddress } from '../../../../src/proxy/upstream/addresses/address-choice.ts';
import { AddressHealth } from '../../../../src/proxy/upstream/addresses/address-health.ts';
import { UpstreamAddress } from '../../../../src/proxy/upstream/addresses/upstream-address.ts';
import { settingsWith } from '../../../support/settings.ts';

const rules = { failuresMax: 3, pauseMs: 10_000 };

const fail = (health: AddressHealth, times: number, nowMs = 0): void => {
  for (let count = 0; count < times; count += 1) health.connectFailed('refused', nowMs);
};

t.test('9: so many connects in a row must fail; one that succeeds begins the count anew', async (t) => {
  const health = new AddressHealth(rules);
  fail(health, 2);
  t.equal(health.state(0), 'up');
  health.connected();
  fail(health, 2);
  t.equal(health.state(0), 'up');
  fail(health, 1);
  t.equal(health.state(0), 'unreachable');
  t.equal(health.fault, 'refused');
  health.connected();
  t.equal(health.state(0), 'up');
  t.equal(health.fault, undefined);
});

t.test(
  '9: it is left alone for the pause, then one tries it, and a failure begins the pause anew',
  async (t) => {
    const health = new AddressHealth(rules);
    t.notOk(health.isDue(0), 'what is up is not tried');
    fail(health, 3);
    t.notOk(health.isDue(9_999));
    t.ok(health.isDue(10_000));
    health.isBeingTried = true;
    t.notOk(health.isDue(10_000), 'one at a time');
    health.isBeingTried = false;
    fail(health, 1, 10_000);
    t.notOk(health.isDue(19_999));
    t.ok(health.isDue(20_000));
  },
);

t.test('9: a probe that fails takes it down, and only a probe brings it back', async (t) => {
  const health = new AddressHealth(rules);
  for (let count = 0; count < 3; count += 1) health.probeFailed('503');
  t.equal(health.state(0), 'failing');
  health.connected();
  t.equal(health.state(0), 'failing', 'that it can be connected to is known');
  health.probeSucceeded();
  t.equal(health.state(0), 'up');
});

t.test('9: an address that was unreachable does not come up by a probe that fails', async (t) => {
  const health = new AddressHealth(rules);
  fail(health, 3);
  health.probeFailed('503');
  t.equal(health.state(0), 'failing');
});

t.test(
  '9: statuses that count take it down for a pause; then one more is enough, or a good one ends it',
  async (t) => {
    const health = new AddressHealth(rules);
    for (let count = 0; count < 2; count += 1) health.answeredBadly(503, 0);
    health.answeredWell();
    for (let count = 0; count < 3; count += 1) health.answeredBadly(503, 0);
    t.equal(health.state(9_999), 'failing');
    t.equal(health.state(10_000), 'up');
    health.answeredBadly(503, 10_000);
    t.equal(health.state(10_000), 'failing');
    health.answeredWell();
    t.equal(health.state(10_000), 'up');
  },
);

const addressesOf = (count: number): UpstreamAddress[] => {
  const settings = settingsWith().upstreams['default']!;
  return Array.from(
    { length: count },
    (_, at) => new UpstreamAddress({ host: `10.0.0.${at}`, port: 1 }, settings),
  );
};

t.test('8: the least busy address is chosen, and those that are equally busy in turns', async (t) => {
  const addresses = addressesOf(3);
  const [first, second, third] = addresses;
  t.same(
    [0, 1, 2, 3].map((turn) => chooseAddress(addresses, 0, turn, [])),
    [first, second, third, first],
  );
  second!.busy = 1;
  third!.busy = 1;
  t.same(
    [0, 1, 2].map((turn) => chooseAddress(addresses, 0, turn, [])),
    [first, first, first],
  );
  t.equal(chooseAddress(addresses, 0, 1, [first!]), second);
  t.equal(chooseAddress([], 0, 0, []), undefined);
});

t.test(
  '9: what is up comes first; when all are down the best is chosen, as in Envoy’s panic mode',
  async (t) => {
    const addresses = addressesOf(3);
    const [up, failing, gone] = addresses;
    up!.busy = 50;
    for (let count = 0; count < 3; count += 1) failing!.health.probeFailed('503');
    fail(gone!.health, 3);
    for (const turn of [0, 1, 2]) t.equal(chooseAddress(addresses, 0, turn, []), up);
    for (const turn of [0, 1, 2]) t.equal(chooseAddress(addresses, 0, turn, [up!]), failing);
    t.equal(chooseAddress(addresses, 0, 0, [up!, failing!]), gone, 'the pause does not count then');
    gone!.health.isBeingTried = true;
    t.equal(chooseAddress(addresses, 0, 0, [up!, failing!]), undefined, 'one at a time');
  },
);
