// Where a credential may stand in a request, and which pages may use what a browser sends by itself.

import { originPattern } from './cors-fields.ts';
import { field, group } from './field.ts';
import { headerName } from './network-readers.ts';
import { size } from './quantity.ts';
import { flag, listOf, text } from './reader.ts';

export const credentialFields = group({
  headers: field(
    listOf(headerName),
    'More headers that may carry the bare credential, beside Authorization, csp-auth-token and X-VMWARE-VCLOUD-ACCESS-TOKEN.',
  ).prefault([]),
  cookie: field(
    text('a cookie name', 'the name of a cookie', /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/),
    'Cookie that may carry the credential. A browser sends it by itself: see `cookieOrigins`.',
  ).optional(),
  cookieOrigins: field(
    listOf(originPattern),
    'Origins of pages, beside the own one, from which a browser may send that cookie with an unsafe method or to a WebSocket: exact, or `https://*.example.com`.',
  ).prefault([]),
  basic: field(
    flag,
    'Whether the password of HTTP Basic may be an API token, whatever the user name; 401 then asks for Basic too.',
  ).prefault(false),
  webSocketProtocol: field(
    text(
      'the beginning of a subprotocol',
      'e.g. bearer. (letters, digits, . and -, with a . at the end)',
      /^[A-Za-z0-9][A-Za-z0-9.-]{0,62}\.$/,
    ),
    'How an entry of Sec-WebSocket-Protocol begins that carries the credential, e.g. `bearer.`; the entry is removed before forwarding.',
  ).optional(),
  apiTokenBytesMax: field(size('65B', '4KB'), 'Longest API token.').prefault(512),
  accessTokenBytesMax: field(size('512B', '64KB'), 'Longest access token.').prefault('8KB'),
});
