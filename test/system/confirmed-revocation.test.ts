// Every command of every surface that revokes or ends something, on a gate whose Redis has lost its replica: 503 as often as
// it is asked, though the gate itself refuses the credential by then; 2xx only once a replica has it. Whoever asks has read
// "repeat it", and must be able to rely on the answer.

import t from 'tap';
import { type Answer, call, exchange, type GateProcess, revoke, until } from '../support/gate-process.ts';
import { startRedisPair } from '../support/redis-pair.ts';
import { type Replicas, sendJson, startReplicas, statusOf } from '../support/replicas.ts';
import { makeToken } from './scenario-commands.ts';

t.setTimeout(240_000);

interface RevokingCommand {
  readonly name: string;
  /** What is dead afterwards. */
  readonly credential: string;
  readonly send: () => Promise<Answer>;
}

const form = (gate: GateProcess, path: string, fields: Readonly<Record<string, string>>, token?: string) =>
  call(gate, path, token, { method: 'POST', body: new URLSearchParams(fields) });

const remove = (gate: GateProcess, path: string, token: string): Promise<Answer> =>
  call(gate, path, token, { method: 'DELETE', headers: { accept: '*/*;version=39.0' } });

/** Each revokes a credential of its own; `owner` is the session of ann, who stays. */
const commandsOn = async ({ a, signIn }: Replicas, owner: string): Promise<readonly RevokingCommand[]> => {
  const csp = '/csp/gateway/am/api';
  const token = () => makeToken(a, owner);
  const session = async (): Promise<string> => exchange(a, (await token()).secret);
  const person = (): Promise<string> => signIn('acme', 'bob');
  const [oauth, cspToken, byId, inVcd, inAstra, deactivated] = [
    await token(),
    await token(),
    await token(),
    await token(),
    await token(),
    await token(),
  ];
  const [oauthSession, cspSession] = [await session(), await session()];
  const [managed, cloud, legacy] = [await person(), await person(), await person()];
  return [
    { name: 'oauth revoke, an API token', credential: oauth.secret, send: () => revoke(a, oauth.secret) },
    { name: 'oauth revoke, a session', credential: oauthSession, send: () => revoke(a, oauthSession) },
    {
      name: 'csp revoke',
      credential: cspToken.secret,
      send: () => form(a, `${csp}/auth/revoke`, { token: cspToken.secret, client_id: 'any' }),
    },
    {
      name: 'csp logout',
      credential: cspSession,
      send: () => form(a, `${csp}/auth/logout`, { idToken: cspSession }),
    },
    {
      name: 'csp deactivate',
      credential: deactivated.secret,
      send: () => sendJson(a, `${csp}/orgs/acme/api-tokens/deactivate`, { ids: [deactivated.id] }, owner),
    },
    {
      name: 'vcd DELETE of a token',
      credential: inVcd.secret,
      send: () => remove(a, `/cloudapi/1.0.0/tokens/urn:vcloud:token:${inVcd.id}`, owner),
    },
    {
      name: 'vcd DELETE of a session',
      credential: cloud,
      send: () => remove(a, '/cloudapi/1.0.0/sessions/current', cloud),
    },
    {
      name: 'vcd DELETE of a session, the older API',
      credential: legacy,
      send: () => remove(a, '/api/session', legacy),
    },
    {
      name: 'astra DELETE of a token',
      credential: inAstra.secret,
      send: () => remove(a, `/accounts/acme/core/v1/users/ann/tokens/${inAstra.id}`, owner),
    },
    {
      name: 'management DELETE of a token',
      credential: byId.secret,
      send: () => remove(a, `/tollgate/v1/orgs/acme/api-tokens/${byId.id}`, owner),
    },
    {
      name: 'management sign-out',
      credential: managed,
      send: () => remove(a, '/tollgate/v1/sessions/current', managed),
    },
  ];
};

t.test('a revocation that reached no replica is 503 on every surface, as often as it is asked', async (t) => {
  const pair = await startRedisPair(t);
  const replicas = await startReplicas(t, 'redis', {
    url: `redis://127.0.0.1:${pair.master.port}`,
    readTimeout: '5s',
    writeTimeout: '2s',
    replicasMin: 1,
  });
  const { a } = replicas;
  const commands = await commandsOn(replicas, await replicas.signIn('acme', 'ann'));
  // Cached, so that memory could answer.
  for (const { credential, name } of commands) t.equal(await statusOf(a, '/things', credential), 200, name);
  await pair.cutOff();
  for (const attempt of ['first', 'second']) {
    const answers = await Promise.all(commands.map(({ send }) => send()));
    for (const [index, { name }] of commands.entries())
      t.equal(answers[index]?.status, 503, `${name}, the ${attempt} time`);
    for (const { credential } of commands)
      await until(async () => (await statusOf(a, '/things', credential)) === 401);
  }
  await pair.mend();
  for (const { name, send } of commands) {
    const { status, text } = await send();
    t.ok(status >= 200 && status < 300, `${name}: ${status} ${text}`);
    t.equal((await send()).status, status, `${name}, once more`);
  }
});
