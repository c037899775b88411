// Route rules for tests: a whole one, changed where the test says.

import { patternOf } from '../../src/decision/path-pattern.ts';
import type { RouteRule } from '../../src/decision/route-rule.ts';

/** `/things/*` for every usual method, without scopes, to the upstream `default`. */
export const aRule = ({
  path = '/things/*',
  ...change
}: Partial<Omit<RouteRule, 'path'>> & { readonly path?: string }): RouteRule => ({
  name: 'things',
  mode: 'enforce',
  methods: undefined,
  path: patternOf(path),
  public: false,
  scopes: [],
  tenantParameter: undefined,
  foreignTenant: 'forbidden',
  errors: 'problem',
  sessions: 'any',
  upstream: 'default',
  forwardCredential: 'strip',
  credentialQueryParameter: undefined,
  upgrade: false,
  requestBodyBytesMax: 1_048_576,
  responseTimeoutMs: 5_000,
  ...change,
});
