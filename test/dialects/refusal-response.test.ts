// Refusals of the proxied path in each vendor's shape: every reason, in every dialect, with the status and the headers
// that a problem of RFC 9457 has.

import t from 'tap';
import { denial, denialReasons, outage, outageReasons } from '../../src/decision/outcome.ts';
import { wireOf } from '../../src/decision/refusal.ts';
import { classifyRefusal } from '../../src/decision/refusal-class.ts';
import { refusalResponse } from '../../src/dialects/refusal-response.ts';

const secret = 'tgSecretEvidence';
const refusals = [
  ...denialReasons.map((reason) => denial(reason, secret)),
  { ...denial('tenant_mismatch', secret), isHidden: true as const },
  ...outageReasons.map((reason) => outage(reason, new Error(secret))),
];
const dialects = ['problem', 'csp', 'astra', 'vcd'] as const;
const request = { path: '/api/vdc/9', requestId: 'request-1', headers: {} };
const clientRequestIdHeader = 'x-vmware-vcloud-client-request-id';

const headerOf = (headers: readonly string[], name: string): string | undefined => {
  const at = headers.findIndex((value, index) => index % 2 === 0 && value === name);
  return at < 0 ? undefined : headers[at + 1];
};

t.test('every reason has the same status, Retry-After and kind of challenge in every dialect', async (t) => {
  for (const refusal of refusals)
    for (const dialect of dialects) {
      const what = `${refusal.reason} in ${dialect}`;
      const expected = wireOf(refusal);
      const { status, headers, body } = refusalResponse(dialect, classifyRefusal(refusal), request);
      t.equal(status, expected.status, what);
      t.equal(headerOf(headers, 'Retry-After'), headerOf(expected.headers, 'Retry-After'), what);
      const challenge = headerOf(headers, 'WWW-Authenticate');
      t.equal(challenge === undefined, headerOf(expected.headers, 'WWW-Authenticate') === undefined, what);
      if (challenge !== undefined) t.match(challenge, /^(?:Bearer|Basic)(?: realm=|$)/, what);
      if (status === 403 && challenge !== undefined) t.match(challenge, /error="insufficient_scope"/, what);
      t.equal(headerOf(headers, 'Cache-Control'), 'no-store', what);
      t.equal(headerOf(headers, 'Content-Length'), String(body.length), `${what}: ASCII alone`);
      t.notMatch(body + headers.join(), secret, what);
    }
});

t.test('csp: seven keys, the status among them', async (t) => {
  for (const refusal of refusals) {
    const { status, headers, body } = refusalResponse('csp', classifyRefusal(refusal), request);
    t.equal(headerOf(headers, 'Content-Type'), 'application/json; charset=utf-8');
    const json = JSON.parse(body) as Record<string, unknown>;
    t.same(Object.keys(json), [
      'metadata',
      'traceId',
      'cspErrorCode',
      'message',
      'statusCode',
      'moduleCode',
      'requestId',
    ]);
    t.match(json, { traceId: /^[0-9a-f]{16}$/, statusCode: status, message: /^[a-z_]+: [A-Z]/ });
  }
});

t.test('astra: `status` is a string, and a missing token has its documented type', async (t) => {
  for (const refusal of refusals) {
    const { status, headers, body } = refusalResponse('astra', classifyRefusal(refusal), request);
    t.equal(headerOf(headers, 'Content-Type'), 'application/problem+json');
    const json: unknown = JSON.parse(body);
    t.match(json, { status: String(status), title: /./, detail: /\.$/, correlationID: 'request-1' });
    t.match(json, {
      type: refusal.reason === 'credential_missing' ? 'https://astra.netapp.io/problems/3' : 'about:blank',
    });
  }
});

t.test(
  'vcd: XML below /api, JSON elsewhere and where no XML is accepted, with the request’s id',
  async (t) => {
    const xml = 'application/*+xml;version=36.0';
    const json = 'application/*+json;version=36.0';
    for (const [path, acceptLines, isXml] of [
      ['/api/vdc/9', [], true],
      ['/api', [xml], true],
      ['/vcd/api/query', ['application/*;version=36.1'], true],
      ['/api/org/', [json, xml], true],
      ['/api/org/', [`${json},application/json;version=36.0`], false],
      ['/cloudapi/1.0.0/vdcs', [], false],
      ['/cloudapi/1.0.0/api', [xml], false],
      ['/apis', [], false],
      ['', [], false],
    ] as const)
      for (const refusal of refusals) {
        const { status, headers, body } = refusalResponse('vcd', classifyRefusal(refusal), {
          path,
          requestId: 'request-1',
          headers: {
            [clientRequestIdHeader]: 'client-7',
            ...(acceptLines.length > 0 && { accept: acceptLines.join(', ') }),
          },
        });
        t.equal(headerOf(headers, 'X-VMWARE-VCLOUD-REQUEST-ID'), 'client-7', path);
        if (isXml) {
          t.match(headerOf(headers, 'Content-Type'), /^application\/vnd\.vmware\.vcloud\.error\+xml/, path);
          t.match(
            body,
            new RegExp(`<Error xmlns="[^"]+" majorErrorCode="${status}" minorErrorCode="[A-Z_]+"`),
          );
          t.match(body, /message="\[ client-7 \] [^"]+" stackTrace=""\/>\n$/);
        } else {
          const error = JSON.parse(body) as Record<string, unknown>;
          t.same(Object.keys(error), ['minorErrorCode', 'message', 'stackTrace'], path);
          t.match(error, { minorErrorCode: /^[A-Z_]+$/, message: /^\[ client-7 \] /, stackTrace: null });
        }
      }
  },
);

t.test('vcd: a client’s request id that could forge a header or a document is not repeated', async (t) => {
  for (const clientRequestId of ['a b', '"/><x', 'é', '', 'x'.repeat(129), 'a\r\nb: c']) {
    const { headers, body } = refusalResponse('vcd', 'scope_missing', {
      ...request,
      headers: { [clientRequestIdHeader]: clientRequestId },
    });
    t.equal(headerOf(headers, 'X-VMWARE-VCLOUD-REQUEST-ID'), 'request-1');
    t.match(body, '[ request-1 ]');
  }
});
