// Number 13 of issue 9: a credential that a browser sends by itself. Values as Go's net/http.CrossOriginProtection has them, and
// OWASP's cheat sheet on CSRF ("Fetch Metadata headers", "verifying origin").

import t from 'tap';
import { type AmbientRequest, crossSiteFault } from '../../src/decision/cross-site.ts';

const request = (change: Partial<AmbientRequest>): AmbientRequest => ({
  method: 'POST',
  methodsAskedFor: [],
  isWebSocket: false,
  origin: undefined,
  fetchSite: undefined,
  host: 'api.example.com',
  ...change,
});
const origins = ['https://app.example.com', 'https://*.apps.example'];

t.test(
  '13: a request with a credential of the browser is of an own page, or of one that is named',
  async (t) => {
    for (const [sentence, change, fault] of [
      [
        'an own page, the browser says',
        { fetchSite: 'same-origin', origin: 'https://other.example' },
        undefined,
      ],
      ['typed by the user', { fetchSite: 'none' }, undefined],
      ['another site', { fetchSite: 'cross-site', origin: 'https://evil.example' }, 'Sec-Fetch-Site'],
      ['a sister site', { fetchSite: 'same-site', origin: 'https://evil.example.com' }, 'Sec-Fetch-Site'],
      ['another site that says nothing of its origin', { fetchSite: 'cross-site' }, 'Sec-Fetch-Site'],
      ['a word nobody knows', { fetchSite: 'Same-Origin' }, 'Sec-Fetch-Site'],
      ['two words', { fetchSite: 'same-origin, same-origin' }, 'Sec-Fetch-Site'],
      ['an origin that is named', { fetchSite: 'same-site', origin: 'https://app.example.com' }, undefined],
      ['one that a wildcard names', { fetchSite: 'cross-site', origin: 'https://a.apps.example' }, undefined],
      [
        'not two labels of it',
        { fetchSite: 'cross-site', origin: 'https://a.b.apps.example' },
        'Sec-Fetch-Site',
      ],
      // Older browsers, and plain http, where Sec-Fetch-Site is not sent.
      ['an own page by its origin', { origin: 'https://api.example.com' }, undefined],
      [
        'with the usual port in Host',
        { origin: 'https://api.example.com', host: 'API.example.com:443' },
        undefined,
      ],
      ['with a port', { origin: 'http://api.example.com:8080', host: 'api.example.com:8080' }, undefined],
      ['another port', { origin: 'http://api.example.com:8081', host: 'api.example.com:8080' }, 'Origin'],
      ['no Host', { origin: 'https://api.example.com', host: undefined }, 'Origin'],
      ['another origin', { origin: 'https://evil.example' }, 'Origin'],
      ['a page without an origin', { origin: 'null' }, 'Origin'],
      ['an empty origin', { origin: '' }, 'Origin'],
      ['two origins', { origin: 'https://api.example.com, https://api.example.com' }, 'Origin'],
      ['no browser: all of them say where such a request comes from', {}, undefined],
    ] as const)
      t.equal(crossSiteFault(request(change), origins), fault, sentence);
  },
);

t.test(
  '13: what only reads is free for every page, unless it opens a WebSocket or hides another method',
  async (t) => {
    const evil = { fetchSite: 'cross-site', origin: 'https://evil.example' };
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE'])
      t.equal(crossSiteFault(request({ ...evil, method }), origins), undefined, method);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'get', 'LINK'])
      t.equal(crossSiteFault(request({ ...evil, method }), origins), 'Sec-Fetch-Site', method);
    const get = { ...evil, method: 'GET' };
    t.equal(crossSiteFault(request({ ...get, isWebSocket: true }), origins), 'Sec-Fetch-Site');
    t.equal(crossSiteFault(request({ ...get, methodsAskedFor: ['delete'] }), origins), 'Sec-Fetch-Site');
    t.equal(crossSiteFault(request({ ...get, methodsAskedFor: ['head'] }), origins), undefined);
  },
);
