// Where a caller is: X-Forwarded-For and Forwarded of a trusted proxy, and the PROXY protocol. `/from` is for callers in 192.0.2.0/24 and
// 2001:db8::/32 alone.

import type { Case } from './case.ts';
import { get } from './request-bytes.ts';

const forwarded = (name: string, ...lines: readonly string[]): Case => ({
  name,
  send: get('/from', ...lines),
});

const proxied = (name: string, header: string): Case => ({
  name,
  send: header + get('/things'),
  door: 'proxied',
  methods: ['GET'],
  api: ['x-forwarded-for'],
});

const signature = '\r\n\r\n\0\r\nQUIT\n';
/** Version 2, for TCP over IPv4: from 192.0.2.1:5000 to 192.0.2.2:80; `more`: TLVs. */
const version2 = (command: string, family = '\x11', more = ''): string => {
  const length = String.fromCharCode(12 + more.length);
  return `${signature}${command}${family}\0${length}\xc0\0\x02\x01\xc0\0\x02\x02\x13\x88\0\x50${more}`;
};

export const addressCases: readonly Case[] = [
  {
    name: 'what goes on of X-Forwarded-For and Forwarded',
    send: get('/things', 'X-Forwarded-For: 192.0.2.1', 'Forwarded: for=192.0.2.1;proto=https'),
    api: ['x-forwarded-for', 'forwarded'],
  },
  {
    name: 'what goes on of X-Forwarded-Proto and X-Forwarded-Host',
    send: get('/things', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: shop.example'),
    api: ['x-forwarded-proto', 'x-forwarded-host'],
  },
  forwarded('X-Forwarded-For of a trusted proxy', 'X-Forwarded-For: 198.51.100.2, 192.0.2.1'),
  forwarded(
    'X-Forwarded-For that a caller forged before a trusted proxy',
    'X-Forwarded-For: 192.0.2.1, 198.51.100.2',
  ),
  forwarded('X-Forwarded-For with a port', 'X-Forwarded-For: 192.0.2.1:5000'),
  forwarded('X-Forwarded-For with IPv6 in brackets and a port', 'X-Forwarded-For: [2001:db8::1]:5000'),
  forwarded('X-Forwarded-For: unknown', 'X-Forwarded-For: unknown'),
  forwarded('X-Forwarded-For that is nonsense', 'X-Forwarded-For: 192.0.2.1, <script>'),
  forwarded('X-Forwarded-For on two lines', 'X-Forwarded-For: 198.51.100.2', 'X-Forwarded-For: 192.0.2.1'),
  forwarded('Forwarded (RFC 7239)', 'Forwarded: for="[2001:db8::1]:5000";proto=https;host=shop.example'),
  forwarded('Forwarded with an obfuscated name', 'Forwarded: for=_hidden, for=192.0.2.1'),
  proxied('a PROXY header of version 1', 'PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\n'),
  proxied('a PROXY header of version 1 for IPv6', 'PROXY TCP6 2001:db8::1 2001:db8::2 5000 80\r\n'),
  proxied('a PROXY header of version 1: UNKNOWN', 'PROXY UNKNOWN\r\n'),
  proxied('a PROXY header of version 1 that is nonsense', 'PROXY TCP4 192.0.2.999 192.0.2.2 5000 80\r\n'),
  proxied('a PROXY header of version 2', version2('\x21')),
  proxied('a PROXY header of version 2: LOCAL', version2('\x20')),
  proxied('a PROXY header of version 2, of another version', version2('\x31')),
  proxied('a PROXY header of version 1 that does not end', `PROXY TCP4 ${'1'.repeat(200)}`),
  proxied('a PROXY header of version 2 with an extension', version2('\x21', '\x11', '\x04\0\x01x')),
  proxied('no PROXY header', ''),
];
