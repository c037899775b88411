// The pages' readers and the server's description are written by hand on both sides. Here they are held to each other: every
// operation that the pages call is called, what it sends is judged by the OpenAPI document, and what it reads is an answer
// made of that document. Only the browser's `fetch` is stood in for.

import t from 'tap';
import { createApi } from '../../src/console/api/api.ts';
import { prefix } from '../../src/console/api/prefix.ts';
import { isProblem } from '../../src/console/api/problem.ts';
import { signedIn, signInOptions } from '../../src/console/api/shapes.ts';
import { auditResults } from '../../src/console/lists/audit-query.ts';
import { askTokens, plainTokenQuery, tokenSorts, tokenStates } from '../../src/console/lists/token-query.ts';
import { emptyOrgForm, orgBody } from '../../src/console/operator/org-form.ts';
import { commandOf, emptyForm } from '../../src/console/tokens/new-token.ts';
import { overlaps, regenerationOf } from '../../src/console/tokens/regeneration.ts';
import { createDescribedServer, type Document } from '../support/described-server.ts';
import { startConsole } from '../surfaces/console/console-server.ts';
import { startManagement } from '../surfaces/management/management-server.ts';

type Api = ReturnType<typeof createApi>;

const form = emptyForm({ lifetimeMax: null, lifetimeDefault: null });
const listed = { limit: '20', cursor: 'next' };
const period = { from: '2026-01-01T00:00:00.000Z', until: '2026-02-01T00:00:00.000Z' };

/** Of the console alone: the document does not have them. */
type SessionCall = 'signInOptions' | 'findSession' | 'signIn' | 'beginOpenid' | 'signOut' | 'switchOrg';

/** Each operation as the pages call it; the compiler asks for a new one. */
const calls: Record<Exclude<keyof Api, SessionCall>, (api: Api) => readonly Promise<unknown>[]> = {
  listTokens: (api) => [
    ...['ann', undefined].flatMap((user) =>
      tokenSorts.map((sort) =>
        api.listTokens(
          'acme',
          user,
          askTokens({ ...plainTokenQuery, sort, search: 'x' }, 'next', 20),
          undefined,
        ),
      ),
    ),
    ...tokenStates.map((state) =>
      api.listTokens(
        'acme',
        undefined,
        askTokens({ ...plainTokenQuery, state, user: 'ann' }, undefined, 20),
        undefined,
      ),
    ),
  ],
  findToken: (api) => [api.findToken('acme', 'id', undefined)],
  findTokenUsage: (api) => [api.findTokenUsage('acme', 'id', undefined)],
  findGrantable: (api) => [api.findGrantable('acme', 'ann', undefined)],
  generateToken: (api) =>
    (['default', 'none', 'once'] as const).flatMap((reminder) =>
      [true, false].map((both) => {
        const typed = {
          ...form,
          name: 'ci',
          reminder,
          takesAll: both,
          isForever: both,
          chosen: ['things:read'],
        };
        return api.generateToken('acme', 'ann', commandOf(typed), 'key');
      }),
    ),
  regenerateToken: (api) => [
    ...overlaps.flatMap((overlap) =>
      (['keep', 'new'] as const).map((expiry) =>
        api.regenerateToken('acme', 'id', regenerationOf({ ...form, overlap, expiry }), 'key'),
      ),
    ),
    api.regenerateToken('acme', 'id', { lifetime: 'never' }, 'key'),
  ],
  revokeToken: (api) => [api.revokeToken('acme', 'id')],
  revokeMine: (api) => [api.revokeMine()],
  revokeOrg: (api) => [api.revokeOrg('acme')],
  revokeUser: (api) => [api.revokeUser('acme', 'ann')],
  listUsers: (api) => [api.listUsers('acme', listed, undefined)],
  findUser: (api) => [api.findUser('acme', 'ann', undefined)],
  createUser: (api) => [
    api.createUser('acme', {
      id: 'bob',
      name: 'Bob',
      email: 'bob@example.com',
      roles: ['reader'],
      password: 'long enough',
    }),
  ],
  changeUser: (api) => [
    api.changeUser('acme', 'ann', { name: 'Ann', email: null, roles: [] }),
    api.changeUser('acme', 'ann', { state: 'disabled' }),
  ],
  deleteUser: (api) => [api.deleteUser('acme', 'ann')],
  changeEmail: (api) => [
    api.changeEmail('acme', 'ann', 'ann@example.com'),
    api.changeEmail('acme', 'ann', null),
  ],
  changePassword: (api) => [
    api.changePassword('acme', 'ann', { currentPassword: 'before', newPassword: 'long enough' }),
    api.changePassword('acme', 'ann', { newPassword: 'long enough' }),
  ],
  endSessions: (api) => [api.endSessions('acme', 'ann')],
  listRoles: (api) => [api.listRoles('acme', undefined)],
  putRole: (api) => [api.putRole('acme', 'reader', ['things:read'])],
  deleteRole: (api) => [api.deleteRole('acme', 'reader')],
  readAudit: (api) =>
    ['acme', undefined].flatMap((org) =>
      auditResults.map((result) => {
        const narrowed = { ...listed, ...period, action: 'token.create', user: 'ann' };
        return api.readAudit(org, { ...narrowed, result: result === 'any' ? undefined : result }, undefined);
      }),
    ),
  listOrgs: (api) => [api.listOrgs(listed, undefined)],
  findOrg: (api) => [api.findOrg('acme', undefined)],
  createOrg: (api) => [
    api.createOrg({
      id: 'globex',
      ...orgBody({ ...emptyOrgForm, name: 'Globex' }),
      roles: { owner: ['org:owner'] },
      owner: { id: 'dee', roles: ['owner'], password: 'long enough' },
    }),
  ],
  changeOrg: (api) => [
    api.changeOrg('acme', orgBody({ ...emptyOrgForm, name: 'Acme', hasMax: true, remindDays: '14, 1' })),
    api.changeOrg('acme', { state: 'active' }),
  ],
  deleteOrg: (api) => [api.deleteOrg('acme')],
  listKeys: (api) => [api.listKeys(undefined)],
  rotateKey: (api) => [api.rotateKey(undefined), api.rotateKey('ES256')],
  findStatus: (api) => [api.findStatus(undefined)],
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** What was read and is not in the answer. */
const inventedIn = (read: unknown, answer: unknown, at = ''): readonly string[] => {
  if (!isObject(read)) return read === answer ? [] : [at];
  return Object.entries(read).flatMap(([name, value]) =>
    inventedIn(value, isObject(answer) ? answer[name] : undefined, `${at}/${name}`),
  );
};

t.test(
  'every operation that the pages call is described, with what they send and what they read',
  async (t) => {
    const management = await startManagement(t);
    const document = (await management.order(undefined, 'GET /openapi.json')).body as unknown as Document;
    const server = createDescribedServer(document, `${prefix}api/`, (fault) => t.fail(fault));
    t.intercept(globalThis, 'fetch', { value: server.fetch });
    const api = createApi(() => t.fail('the session is lost'));
    // As many as the longest list of choices in an answer.
    for (let turn = 0; turn < 6; turn++) {
      server.take(turn);
      for (const [name, call] of Object.entries(calls)) {
        const before = server.exchanges.length;
        const outcomes = await Promise.all(call(api));
        for (const [index, outcome] of outcomes.entries()) {
          const { operationId, answer } = server.exchanges[before + index] ?? {};
          if (!t.notOk(isProblem(outcome), `${name} reads the answers of ${operationId}`)) continue;
          if (turn === 0 && outcome !== undefined)
            t.same(inventedIn(outcome, answer), [], `${name} reads no more`);
        }
      }
    }
  },
);

t.test('the pages read what the console says of the session', async (t) => {
  const browser = (await startConsole(t)).browser();
  const options = (await browser.send('GET /session/options')).body;
  t.same(inventedIn(signInOptions(options), options), []);
  const { body } = await browser.signIn();
  t.same(inventedIn(signedIn(body), body), []);
});
