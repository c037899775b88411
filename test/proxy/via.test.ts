// Issue 9, number 6: Via (RFC 9110 section 7.6.3) towards API and caller, and loops that it finds: 508 (RFC 5842 section 7.2).

import { assert, property, stringMatching } from 'fast-check';
import t, { type Test } from 'tap';
import { namesPseudonym, viaNames } from '../../src/proxy/via.ts';
import { type EdgeOptions, startEdge } from '../support/edge.ts';
import { exchangeRaw } from '../support/raw-client.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { aRule } from '../support/route-rule.ts';

const okay = 'HTTP/1.1 200 OK\r\nVia: 1.1 behind\r\nContent-Length: 0\r\n\r\n';
const upgraded = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

const setScene = async (t: Test, options: EdgeOptions) => {
  const upstream = await startRawUpstream({
    answer: ({ startLine }) => (startLine.includes('socket') ? upgraded : okay),
  });
  t.teardown(() => upstream.close());
  const edge = await startEdge(upstream, {
    routes: [aRule({ path: '/*', public: true, upgrade: true })],
    ...options,
  });
  t.teardown(() => edge.close());
  const send = (line: string, ...lines: readonly string[]) =>
    exchangeRaw(edge.port, [line, 'Host: api', ...lines, '', ''].join('\r\n'));
  return { edge, send, reached: upstream.requests };
};
const gate = { pseudonym: 'Gate-1' };

t.test('off by default: Via goes through both ways as it came, ours included', async (t) => {
  const { send, reached } = await setScene(t, {});
  const answer = await send('GET /x HTTP/1.1', 'Via: 1.0 before, 1.1 Gate-1');
  t.equal(answer.status, 200);
  t.same(reached[0]!.all('via'), ['1.0 before, 1.1 Gate-1']);
  t.same(answer.all('via'), ['1.1 behind']);
});

t.test('what a message says already is kept, and ours comes last', async (t) => {
  const { send, reached } = await setScene(t, { via: { to: 'both', ...gate } });
  const answer = await send('GET /x HTTP/1.1', 'via: 1.0 before', 'Via: HTTP/1.1 proxy (a, comment)');
  t.same(reached[0]!.all('via'), ['1.0 before', 'HTTP/1.1 proxy (a, comment)', '1.1 Gate-1']);
  t.same(answer.all('via'), ['1.1 behind', '1.1 Gate-1']);
  await send('GET /x HTTP/1.0');
  t.same(reached[1]!.all('via'), ['1.0 Gate-1'], 'the version of the message that was received');
  const refused = await send('GET //x HTTP/1.1');
  t.equal(refused.status, 400);
  t.same(refused.all('via'), [], 'an answer of ours was not passed on');
});

t.test('towards one side alone', async (t) => {
  const api = await setScene(t, { via: { to: 'api', ...gate } });
  t.same((await api.send('GET /x HTTP/1.1')).all('via'), ['1.1 behind']);
  t.same(api.reached[0]!.all('via'), ['1.1 Gate-1']);
  const caller = await setScene(t, { via: { to: 'caller', ...gate } });
  t.same((await caller.send('GET /x HTTP/1.1', 'Via: 1.1 Gate-1')).all('via'), ['1.1 behind', '1.1 Gate-1']);
  t.same(caller.reached[0]!.all('via'), ['1.1 Gate-1'], 'as it came: nothing of ours says that it was here');
});

t.test('a WebSocket handshake carries it both ways', async (t) => {
  const { send, reached } = await setScene(t, { via: { to: 'both', ...gate } });
  const answer = await send(
    'GET /socket HTTP/1.1',
    'Via: 1.1 before',
    'Connection: Upgrade',
    'Upgrade: websocket',
  );
  t.equal(answer.status, 101);
  t.same(reached[0]!.all('via'), ['1.1 before', '1.1 Gate-1']);
  t.same(answer.all('via'), ['1.1 Gate-1']);
});

t.test('a request that has been here before is 508, and counted by its reason', async (t) => {
  const { edge, send, reached } = await setScene(t, { via: { to: 'api', ...gate } });
  for (const via of [
    '1.1 Gate-1',
    '1.1 gate-1',
    'HTTP/1.1 GATE-1:8080 (Tollgate)',
    '1.0 other, 1.1 Gate-1, 1.1 third',
    // RFC 9110 section 5.6.5: a comment ends with its parenthesis; what a caller leaves open would hide the rest.
    '1.1 other (open, 1.1 Gate-1',
    '1.1 other (a \\) , 1.1 Gate-1',
    ', ,1.1\tGate-1 ,',
  ]) {
    t.equal((await send('GET /x HTTP/1.1', `Via: ${via}`)).status, 508, via);
    t.match(await edge.nextOutcome(), { result: 'denial', reason: 'loop_detected', status: 508 });
  }
  t.equal((await send('GET /x HTTP/1.1', 'Via: 1.1 other', 'VIA: 1.1 Gate-1')).status, 508);
  t.equal(reached.length, 0);
  for (const via of ['1.1 Gate-10', '1.1 my-Gate-1', '1.1 other', '', '1.1 Gate-1.example'])
    t.equal((await send('GET /x HTTP/1.1', `Via: ${via}`)).status, 200, via);
});

t.test('a loop through another server ends at the second turn', async (t) => {
  // What comes to the API goes back to the gate, as a proxy that is set up wrongly would send it.
  let port = 0;
  let turns = 0;
  const api = await startRawUpstream({
    serve: async (connection) => {
      for (;;) {
        const { startLine, headers } = await connection.readMessage();
        turns += 1;
        const lines = headers.map(([name, value]) => `${name}: ${value}`);
        const back = await exchangeRaw(port, `${[startLine, ...lines].join('\r\n')}\r\n\r\n`);
        connection.send(`HTTP/1.1 ${back.status} From Behind\r\nContent-Length: 0\r\n\r\n`);
      }
    },
  });
  t.teardown(() => api.close());
  const edge = await startEdge(api, {
    routes: [aRule({ path: '/*', public: true })],
    via: { to: 'api', pseudonym: undefined },
  });
  t.teardown(() => edge.close());
  port = edge.port;
  const answer = await exchangeRaw(port, 'GET /x HTTP/1.1\r\nHost: api\r\nVia: 1.1 forged (\r\n\r\n');
  t.equal(answer.status, 508);
  t.equal(turns, 1);
  t.same(
    edge.outcomes.map(({ reason, status }) => [reason, status]),
    [
      ['loop_detected', 508],
      [undefined, 508],
    ],
  );
});

t.test('a forged Via refuses that one request, and Connection cannot take ours away', async (t) => {
  const { edge, send } = await setScene(t, { via: { to: 'api', ...gate } });
  t.equal((await send('GET /x HTTP/1.1', 'Via: 1.1 Gate-1')).status, 508);
  t.equal((await send('GET /x HTTP/1.1')).status, 200, 'the next one passes');
  t.equal((await send('GET /x HTTP/1.1', 'Via: 1.1 a', 'Connection: via')).status, 400);
  t.equal(edge.outcomes.length, 3);
});

t.test('each process has its own pseudonym', async (t) => {
  t.same(viaNames({ to: 'off', pseudonym: undefined }), { toApi: undefined, toCaller: undefined });
  const { toApi, toCaller } = viaNames({ to: 'both', pseudonym: undefined });
  t.match(toApi, /^tollgate-[0-9a-f]{12}$/);
  t.equal(toCaller, `1.1 ${toApi}`);
});

t.test('property: whatever stands before it and behind it, ours is found', async () => {
  const noise = stringMatching(/^[a-z0-9(),;"\\ \t:./-]{0,30}$/);
  assert(
    property(noise, noise, (before, after) => namesPseudonym(`${before}, 1.1 gate-1, ${after}`, 'Gate-1')),
  );
});
