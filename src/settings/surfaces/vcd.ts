// VMware Cloud Director, also as SberCloud Enterprise. Its own API lies all around these paths.

import { field } from '../field.ts';
import {
  accountId,
  describeSurface,
  prefixOrNone,
  surfaceGroup,
  tokenLifetimeMs,
} from '../surface-descriptor.ts';

export const vcd = describeSurface({
  name: 'vcd',
  fields: surfaceGroup('VMware Cloud Director, also as SberCloud Enterprise.', {
    prefix: prefixOrNone(
      '/vcd',
      'Path before /oauth/tenant/{org}/token, /cloudapi/1.0.0/sessions, /api/session and the others. Empty: none.',
    ),
    providerOrg: field(
      accountId('an org id'),
      'Org of the provider: its paths are /oauth/provider/..., and its name may be written in any case.',
    ).prefault('System'),
    tokenLifetimeMs,
  }),
  paths: (prefix) => ({
    tenantToken: `${prefix}/oauth/tenant/{org}/token`,
    providerToken: `${prefix}/oauth/provider/token`,
    tenantRegister: `${prefix}/oauth/tenant/{org}/register`,
    providerRegister: `${prefix}/oauth/provider/register`,
    tokens: `${prefix}/cloudapi/1.0.0/tokens/?`,
    token: `${prefix}/cloudapi/1.0.0/tokens/{urn}`,
    sessions: `${prefix}/cloudapi/1.0.0/sessions/?`,
    providerSessions: `${prefix}/cloudapi/1.0.0/sessions/provider`,
    currentSession: `${prefix}/cloudapi/1.0.0/sessions/current`,
    session: `${prefix}/cloudapi/1.0.0/sessions/{urn}`,
    currentRights: `${prefix}/cloudapi/1.0.0/sessions/current/rights`,
    legacySession: `${prefix}/api/session/?`,
    legacySessions: `${prefix}/api/sessions/?`,
  }),
  labels: {
    tenantToken: 'token',
    providerToken: 'token',
    tenantRegister: 'register',
    providerRegister: 'register',
    token: 'token-by-urn',
    providerSessions: 'sessions',
    currentSession: 'current-session',
    session: 'session-by-urn',
    currentRights: 'rights',
    legacySession: 'legacy-session',
    legacySessions: 'legacy-sessions',
  },
  isAmidVendorApi: true,
});
