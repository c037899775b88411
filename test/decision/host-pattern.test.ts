// Issue 9, number 10: routes by host name. No spelling of a name is another name.

import t from 'tap';
import {
  compareHosts,
  coversHost,
  type HostPattern,
  normalHost,
  parseHostPattern,
} from '../../src/decision/host-pattern.ts';

const pattern = (written: string): HostPattern => {
  const host = parseHostPattern(written);
  if ('fault' in host) throw new Error(host.fault);
  return host;
};

t.test('case, port and one final dot do not count', async (t) => {
  for (const written of [
    'api.example.com',
    'API.Example.COM',
    'api.example.com:8443',
    'api.example.com.',
    'Api.Example.Com.:80',
  ])
    t.equal(normalHost(written), 'api.example.com', written);
  t.equal(normalHost('[::1]:80'), '[::1]');
  t.equal(normalHost('10.0.0.1:80'), '10.0.0.1');
});

t.test('what servers could read as two hosts is none', async (t) => {
  for (const written of [
    '',
    '.',
    '..',
    'a..b',
    '.a',
    'a..',
    'a,b',
    'a b',
    'a/b',
    'a@b',
    'a:b',
    'a:',
    'a%2eb',
    '*.a',
    'é',
    `${'a.'.repeat(200)}a`,
  ])
    t.equal(normalHost(written), undefined, written);
});

t.test('a host is a name, or every name below one', async (t) => {
  t.match(pattern('API.example.com'), { name: 'api.example.com', isWildcard: false });
  t.match(pattern('*.Example.com'), { name: 'example.com', isWildcard: true });
  for (const [written, fault] of [
    ['*', /\* stands for the first labels/],
    ['api.*.com', /\* stands for the first labels/],
    ['https://api.example.com', /write the name alone/],
    ['api.example.com/x', /write the name alone/],
    ['api.example.com:443', /has a port/],
    ['10.0.0.1', /is no host name/],
    ['[::1]', /is no host name/],
    ['a..b', /is no host name/],
    ['', /is no host name/],
    ['caf\u00e9.example', /xn--caf-dma.example/],
  ] as const)
    t.match(parseHostPattern(written), { fault }, written);
});

t.test('the more exact host covers less', async (t) => {
  const [name, deep, wide] = [pattern('a.b.example'), pattern('*.b.example'), pattern('*.example')];
  for (const [one, other] of [
    [undefined, wide],
    [wide, deep],
    [deep, name],
    [undefined, name],
  ] as const) {
    t.ok(coversHost(one, other));
    t.notOk(coversHost(other, one));
    t.ok(compareHosts(other, one) > 0);
  }
  t.notOk(coversHost(pattern('*.b.example'), pattern('b.example')), 'a wildcard is not the name itself');
  t.notOk(coversHost(pattern('*.ample'), pattern('b.example')), 'labels are whole');
});
