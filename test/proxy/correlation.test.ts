import t from 'tap';
import { isSaneTraceparent, makeTraceparent, requestIdOf } from '../../src/proxy/correlation.ts';

t.test('a sane X-Request-Id is carried', async (t) => {
  for (const id of ['abc', '0b1f2c3d-0000-4000-8000-000000000000', 'a.b:c/d+e=f@g~h_i', 'x'.repeat(128)])
    t.equal(requestIdOf(id), id);
});

t.test('any other is replaced', async (t) => {
  for (const id of [undefined, '', 'a b', 'a, b', 'a\nb', '\u001b[31m', 'é', '"a"', 'x'.repeat(129)])
    t.match(requestIdOf(id), /^[0-9a-f]{16}-[0-9a-z]+$/, JSON.stringify(id));
  t.not(requestIdOf(undefined), requestIdOf(undefined));
});

t.test('an id that looks like a credential is replaced, for ids are logged and passed on', async (t) => {
  const token = `tg${'0aB'.repeat(21)}`;
  for (const id of [
    token,
    token.slice(0, 32),
    `${token}.1`,
    `a/${token}`,
    `x${token}`,
    `abcde12345${token.slice(0, 24)}`,
    `id:${token.toLowerCase()}`,
    `Bearer=${token.toUpperCase()}`,
    `xeyJhbGciOiJFUzI1NiJ9`,
    'AbCd1234EfGh5678IjKl9012MnOp3456QrSt',
    'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl',
  ])
    t.match(requestIdOf(id), /^[0-9a-f]{16}-[0-9a-z]+$/, id);
  for (const id of ['tg-7', 'tgabc', 'eyJ', 'outgoing-7f3a', 'Root=1-67891233-abcdef012345678912345678'])
    t.equal(requestIdOf(id), id);
  const [trace, span] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];
  t.notOk(isSaneTraceparent(`cc-${trace}-${span}-00-x${token.slice(0, 60)}`), 'nor in a later traceparent');
});

t.test('W3C Trace Context decides which traceparent is carried', async (t) => {
  const [trace, span] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];
  for (const sane of [`00-${trace}-${span}-01`, `01-${trace}-${span}-01`, `cc-${trace}-${span}-00-extra`])
    t.ok(isSaneTraceparent(sane), sane);
  for (const insane of [
    undefined,
    '',
    `00-${trace}-${span}`,
    `00-${trace}-${span}-01-extra`,
    `ff-${trace}-${span}-01`,
    `00-${'0'.repeat(32)}-${span}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `00-${trace}-${span}-01, 00-${trace}-${span}-01`,
    `cc-${trace}-${span}-00-${'x'.repeat(65)}`,
  ])
    t.notOk(isSaneTraceparent(insane), `${insane}`);
});

t.test('a made traceparent is valid and new', async (t) => {
  const made = new Set(Array.from({ length: 1_000 }, makeTraceparent));
  t.equal(made.size, 1_000);
  for (const traceparent of made) if (!isSaneTraceparent(traceparent)) t.fail(traceparent);
});
