// Errors of the csp surface, and of navigator's: one shape for every status, and which of them a client repeats.

import t, { type Test } from 'tap';
import { faultOf } from '../../../src/surfaces/faults.ts';
import { cspDialect } from '../../../src/surfaces/csp/csp-error.ts';
import { surface } from '../../../src/surfaces/navigator/navigator.ts';
import { csp, navigator, startVendors, type VendorReply } from '../vendor-server.ts';

const sevenKeys = ['metadata', 'traceId', 'cspErrorCode', 'message', 'statusCode', 'moduleCode', 'requestId'];

/** That a body has exactly the documented keys, and says the status it came with. */
const hasShape = (t: Test, { status, json }: Pick<VendorReply, 'status' | 'json'>): void => {
  t.same(Object.keys(json), sevenKeys, String(status));
  t.match(json, { metadata: null, traceId: /^[0-9a-f]{16}$/, statusCode: status, moduleCode: 340 });
};

t.test('errors: 400, 401, 404, 405, 413, 429 and 503 have the same seven keys', async (t) => {
  const server = await startVendors(t, { limits: { unknownTokensPerMinute: 3 } as never });
  const authorize = `${csp}/auth/api-tokens/authorize`;
  const replies = [
    await server.postForm(authorize, 'api_token=no-such-token-anywhere'),
    await server.postForm(`${csp}/auth/token`, 'grant_type=refresh_token'),
    await server.postJson(`${csp}/auth/api-tokens/details`, { tokenValue: 'no-such-token-either' }),
    await server.send(`GET ${authorize}`),
    await server.postForm(authorize, `api_token=${'a'.repeat(65 * 1024)}`),
    await server.postJson(`${navigator}/authn/accesstoken`, { refreshToken: 'no-such-token' }),
  ];
  let last = await server.postForm(authorize, 'api_token=x');
  for (let index = 0; index < 10; index++)
    last = await server.postForm(authorize, `api_token=guess-${index}`);
  server.surfaces.close();
  replies.push(last, await server.postForm(authorize, 'api_token=x'));
  t.same(
    replies.map(({ status }) => status),
    [400, 401, 404, 405, 413, 400, 429, 503],
  );
  for (const reply of replies) hasShape(t, reply);
  for (const reply of replies)
    t.equal(
      reply.header('retry-after') !== undefined,
      reply.status === 429 || reply.status === 503,
      `${reply.status}: what may be repeated says when; 400 and 404 are final`,
    );
});

t.test('errors: 500 has them too, and tells nothing of the bug', async (t) => {
  const server = await startVendors(t);
  const request = {
    method: 'POST',
    path: '/',
    query: '',
    headerLines: () => [],
    requestId: 'request-1',
    clientAddress: '192.0.2.7',
  };
  const [route] = surface(server, server.settings.surfaces.navigator);
  for (const answer of [cspDialect.onFault, route?.onFault ?? cspDialect.onFault].map((tell) =>
    tell(faultOf(new Error('broken invariant')), request),
  )) {
    t.equal(answer.status, 500);
    hasShape(t, { status: 500, json: answer.body as Record<string, unknown> });
    t.notOk(JSON.stringify(answer.body).includes('broken invariant'));
    t.match(answer.note, { result: 'bug' });
  }
});
