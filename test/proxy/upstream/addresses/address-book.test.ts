// Number 8: the addresses of an upstream, and how a name that moves is followed.

import t from 'tap';
import { AddressBook } from '../../../../src/proxy/upstream/addresses/address-book.ts';
import type { UpstreamSettings } from '../../../../src/settings/settings.ts';
import { upstreamSettings } from '../../../support/forwarding.ts';

const open = (origin: string, more: Partial<UpstreamSettings> = {}) => {
  const events: string[] = [];
  const asked: string[] = [];
  const answers: (readonly string[] | Error)[] = [];
  const book = new AddressBook(
    upstreamSettings({ origin }, more),
    async (name) => {
      asked.push(name);
      const answer = answers.shift() ?? [];
      if (answer instanceof Error) throw answer;
      return answer.map((address) => ({ address }));
    },
    {
      onChanged: (addresses) => void events.push(addresses.map(({ shown }) => shown).join(' ')),
      onUnknown: ({ cause }) => void events.push(cause instanceof Error ? cause.message : ''),
    },
  );
  return { book, events, asked, answers, shown: () => book.addresses.map(({ shown }) => shown) };
};

t.test('8: addresses in the settings, or in the URL, are never looked up', async (t) => {
  const addresses = [
    { host: '10.0.0.7', port: 1 },
    { host: 'fd00::7', port: 2 },
  ];
  for (const [origin, more, expected] of [
    ['http://api.internal:80', { addresses }, ['10.0.0.7:1', '[fd00::7]:2']],
    ['http://localhost', { socketPath: '/run/api.sock' }, ['unix:/run/api.sock']],
    ['http://127.0.0.1:8081', {}, ['127.0.0.1:8081']],
    ['https://[::1]', {}, ['[::1]:443']],
    ['http://10.0.0.1', {}, ['10.0.0.1:80']],
  ] as const) {
    const { book, asked, shown } = open(origin, more);
    t.same(shown(), expected);
    t.equal(book.refreshed(performance.now()), undefined);
    await book.refresh();
    t.same(asked, []);
  }
});

t.test('8: all addresses of a name, A and AAAA, each once', async (t) => {
  const { book, answers, shown, asked } = open('https://api.internal');
  answers.push(['10.0.0.7', 'fd00::7', '10.0.0.7']);
  const [one, two] = [book.refreshed(0), book.refreshed(0)];
  t.ok(one);
  await Promise.all([one, two]);
  t.same(asked, ['api.internal'], 'those who ask meanwhile share it');
  t.same(shown(), ['10.0.0.7:443', '[fd00::7]:443']);
  t.equal(book.refreshed(performance.now()), undefined, 'fresh');
});

t.test('8: a name that moves is followed; what stays keeps what is known of it', async (t) => {
  const { book, answers, events, shown } = open('http://api.internal');
  answers.push(['10.0.0.1', '10.0.0.2'], ['10.0.0.2', '10.0.0.3'], ['10.0.0.3', '10.0.0.2']);
  await book.refresh();
  const [first, second] = book.addresses;
  await book.refresh();
  t.same(shown(), ['10.0.0.2:80', '10.0.0.3:80']);
  t.equal(book.addresses[0], second);
  t.equal(first?.isListed, false);
  t.equal(second?.isListed, true);
  await book.refresh();
  t.same(events, ['10.0.0.1:80 10.0.0.2:80', '10.0.0.2:80 10.0.0.3:80'], 'another order is no change');
});

t.test('8: a look-up that fails leaves the addresses as they are, and is told once', async (t) => {
  const { book, answers, events, shown } = open('http://api.internal');
  answers.push(['10.0.0.1'], new Error('getaddrinfo EAI_AGAIN api.internal'), [], ['10.0.0.1'], []);
  await book.refresh();
  await book.refresh();
  await book.refresh();
  t.same(shown(), ['10.0.0.1:80']);
  t.match(events, [
    '10.0.0.1:80',
    'the name api.internal of upstream api has no address: getaddrinfo EAI_AGAIN api.internal',
  ]);
  t.equal(events.length, 2);
  await book.refresh();
  t.equal(book.fault, undefined);
  await book.refresh();
  t.match(events.at(-1), /the name api.internal of upstream api has no address: the answer is empty/);
});

t.test('8: a name without addresses is not asked for at every request', async (t) => {
  const { book, answers, asked } = open('http://api.internal');
  answers.push(new Error('getaddrinfo ENOTFOUND api.internal'));
  await book.refreshed(0);
  t.match(book.fault, { reason: 'upstream_unreachable', cause: { message: /api\.internal.*ENOTFOUND/ } });
  t.equal(book.refreshed(performance.now()), undefined);
  t.ok(book.refreshed(performance.now() + 1_000), 'but again after a second');
  await book.refresh();
  t.equal(asked.length, 2);
});
