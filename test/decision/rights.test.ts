// Who may manage what, as a table. The surfaces and the command line rely on it; nothing else decides it.

import t from 'tap';
import type { Identity } from '../../src/decision/identity.ts';
import type { Denial } from '../../src/decision/outcome.ts';
import {
  mayManageUser,
  mayManageAccounts,
  mayManageTokens,
  mayReadAudit,
  rights,
} from '../../src/decision/rights.ts';
import { anIdentity } from '../support/identity.ts';

const org = { id: 'acme', name: 'Acme' };
const ann = (scopes: readonly string[], sessionKind: Identity['sessionKind'] = 'interactive'): Identity => ({
  ...anIdentity({}),
  org,
  user: { id: 'ann', name: 'Ann', roles: [] },
  scopes: new Set(scopes),
  sessionKind,
});
const own = { orgId: 'acme', userId: 'ann' };
const bobs = { orgId: 'acme', userId: 'bob' };
const wholeOrg = { orgId: 'acme', userId: undefined };
const { ownTokens, allTokens, orgOwner, readAudit } = rights;
const everyRight = Object.values(rights);

const cases: Record<string, readonly [Denial | undefined, string | undefined]> = {
  'own tokens, with the right to own tokens': [mayManageTokens(ann([ownTokens]), own), undefined],
  'own tokens, with the right to all tokens': [mayManageTokens(ann([allTokens]), own), undefined],
  'own tokens, without a right': [mayManageTokens(ann(['things:read']), own), `scope_missing ${ownTokens}`],
  "another user's tokens, with the right to all": [mayManageTokens(ann([allTokens]), bobs), undefined],
  "another user's tokens, with the right to own": [
    mayManageTokens(ann([ownTokens]), bobs),
    `scope_missing ${allTokens}`,
  ],
  "the org's tokens, with the right to all": [mayManageTokens(ann([allTokens]), wholeOrg), undefined],
  "the org's tokens, with the right to own": [
    mayManageTokens(ann([ownTokens]), wholeOrg),
    `scope_missing ${allTokens}`,
  ],
  "the org's tokens, as its owner": [mayManageTokens(ann([orgOwner]), wholeOrg), undefined],
  "another org's tokens, with every right": [
    mayManageTokens(ann(everyRight), { orgId: 'other', userId: 'ann' }),
    'tenant_mismatch other',
  ],
  'own tokens, in a session made from an API token, with every right': [
    mayManageTokens(ann(everyRight, 'api_token'), own),
    'session_kind_refused api_token',
  ],
  "another org's tokens, in a session made from an API token": [
    mayManageTokens(ann(everyRight, 'api_token'), { orgId: 'other', userId: undefined }),
    'session_kind_refused api_token',
  ],
  'own password, without a right': [mayManageUser(ann([]), own), undefined],
  'own password, in a session made from an API token': [
    mayManageUser(ann(everyRight, 'api_token'), own),
    'session_kind_refused api_token',
  ],
  "another user's password, as the org's owner": [mayManageUser(ann([orgOwner]), bobs), undefined],
  "another user's password, with the right to all tokens": [
    mayManageUser(ann([allTokens]), bobs),
    `scope_missing ${orgOwner}`,
  ],
  "another org's password, with every right": [
    mayManageUser(ann(everyRight), { orgId: 'other', userId: 'ann' }),
    'tenant_mismatch other',
  ],
  "users and roles, as the org's owner": [mayManageAccounts(ann([orgOwner]), 'acme'), undefined],
  'users and roles, with the right to all tokens': [
    mayManageAccounts(ann([allTokens, readAudit]), 'acme'),
    `scope_missing ${orgOwner}`,
  ],
  'users and roles, in a session made from an API token': [
    mayManageAccounts(ann(everyRight, 'api_token'), 'acme'),
    'session_kind_refused api_token',
  ],
  'users and roles of another org': [mayManageAccounts(ann(everyRight), 'other'), 'tenant_mismatch other'],
  "the org's audit, with the right to it": [mayReadAudit(ann([readAudit]), 'acme'), undefined],
  "the org's audit, without it": [mayReadAudit(ann([allTokens]), 'acme'), `scope_missing ${readAudit}`],
  "another org's audit": [mayReadAudit(ann(everyRight), 'other'), 'tenant_mismatch other'],
};

for (const [name, [answer, expected]] of Object.entries(cases))
  t.test(`${name}: ${expected ?? 'allowed'}`, async (t) => {
    t.equal(answer && `${answer.reason} ${answer.evidence}`, expected);
  });

t.test('a user of the same id in another org is somebody else', async (t) => {
  t.match(mayManageTokens(ann([allTokens]), { orgId: 'other', userId: 'ann' }), {
    reason: 'tenant_mismatch',
  });
});
