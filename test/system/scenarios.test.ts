// The scenarios of an API token's life, on both stores, with two replicas each.

import t from 'tap';
import { type Replicas, startReplicas, type StoreKind } from '../support/replicas.ts';
import { openidClientFlow } from './scenario-oauth-client.ts';
import * as surfaces from './scenario-surfaces.ts';
import { importedExpires, importThenUse } from './scenario-import.ts';
import * as life from './scenario-life.ts';
import { liveOnes, revocation } from './scenario-revocation.ts';

t.setTimeout(240_000);

const kinds: readonly StoreKind[] = ['sqlite', 'redis'];

for (const kind of kinds)
  t.test(`two replicas on ${kind}`, async (t) => {
    const replicas: Replicas = await startReplicas(t, kind);
    for (const [sentence, scenario] of Object.entries({
      'made in one org, exchanged, and called with at the other replica; refused in another org’s place':
        life.createAndCall,
      'what was made from an API token makes, sees and ends no API token, and is no person':
        life.restrictions,
      'regenerated: both secrets in the overlap, only the new one after it': life.regeneration,
      'roles changed and a user disabled are in force at the other replica': life.rolesAndState,
      'revoke all: mine, a user’s, the org’s': life.revokeAll,
      'in the dialect of VMware Cloud Services': surfaces.cspFlow,
      'in the dialect of Cloud Partner Navigator': surfaces.navigatorFlow,
      'in the dialect of Cloud Director': surfaces.vcdFlow,
      'in the dialect of Astra Control': surfaces.astraFlow,
      'over our own REST API': surfaces.managementFlow,
      'by openid-client, unmodified': openidClientFlow,
      'revoked: every session is dead at the other replica': revocation,
      'revoked: WebSockets and streams end on both': liveOnes,
      'imported, then used, without reissuing': importThenUse,
      'imported with an end': importedExpires,
      'expiring and never expiring': life.expiry,
    }))
      await t.test(sentence, (t) => scenario(t, replicas));
  });
