// Targets: their forms, their escapes, and where the API's answers point.

import type { Case } from './case.ts';
import { get, request } from './request-bytes.ts';
import { answering } from './scripted-api.ts';

const target = (name: string, written: string): Case => ({ name, send: get(written) });

/** Answered behind a prefix that is taken off before the API sees the path. */
const mapped = (name: string, line: string, watched: string): Case => ({
  name: `${name}, behind a prefix that is taken off`,
  send: get('/prefix/things'),
  answer: answering(
    `HTTP/1.1 ${line.startsWith('Location') ? '302 Found' : '200 OK'}\r\n${line}\r\nContent-Length: 0\r\n\r\n`,
  ),
  door: 'special',
  caller: [watched],
});

export const pathCases: readonly Case[] = [
  {
    name: 'a target in absolute form, for another host than Host',
    send: get('http://other.example/things?a=b', 'Host: api.example'),
    api: ['host'],
  },
  {
    name: 'a target in absolute form without a path',
    send: get('http://api.example'),
    api: ['host'],
  },
  { name: 'a target in absolute form of another scheme', send: get('ftp://api.example/things') },
  { name: 'OPTIONS *', send: request('OPTIONS * HTTP/1.1') },
  target('escaped characters that need no escape', '/%7Euser/%41%2D%5F%2E'),
  target('an escaped slash', '/a%2Fb'),
  target('an escaped backslash', '/a%5Cb'),
  target('an escaped question mark and number sign', '/a%3Fb%23c'),
  target('an escaped semicolon', '/a%3Bb'),
  target('an escaped percent sign', '/a%252Fb'),
  target('an escaped NUL', '/a%00b'),
  target('an escape in small letters', '/caf%c3%a9'),
  target('an escape that is none', '/a%zz'),
  target('dot segments', '/things/../secret'),
  target('escaped dot segments', '/things/%2e%2e/secret'),
  target('two slashes', '/things//1'),
  target('parameters of a segment', '/things;v=1/2'),
  target('a number sign', '/things#part'),
  target('a blank in the target', '/thi ngs'),
  target('bytes above 127 in the target', '/caf\xc3\xa9'),
  target('a backslash', '/things\\1'),
  target('characters that URIs do not have', '/a"b<c>d{e}|f^g`h'),
  target('a query with whatever is in it', '/things?a=%2F&b=[]&c=%zz&d=x+y'),
  target('an empty query', '/things?'),
  target('a target without a slash', 'things'),
  ...[
    '/files/a%2Fb',
    '/files/a%5Cb',
    '/files/a%3Fb%23c',
    '/files/a%3Bb',
    '/files/a%252Fb',
    '/files/%2e%2e%2fa',
  ].map((written): Case => ({
    name: `${written}, where a route passes reserved escapes`,
    send: get(written),
    door: 'special',
  })),
  { name: 'a prefix that is taken off', send: get('/prefix/things?a=b'), door: 'special' },
  mapped('a redirect to a path', 'Location: /elsewhere?a=b', 'location'),
  mapped(
    'a redirect to the host that the API was told',
    'Location: http://api.example/elsewhere',
    'location',
  ),
  mapped('a redirect to another host', 'Location: https://other.example/elsewhere', 'location'),
  mapped('a redirect to a relative path', 'Location: elsewhere', 'location'),
  mapped('Content-Location', 'Content-Location: /things/1', 'content-location'),
  mapped('a cookie of a path', 'Set-Cookie: a=1; Path=/things; HttpOnly', 'set-cookie'),
  mapped('a cookie of a path and a domain', 'Set-Cookie: a=1; Path=/; Domain=internal.example', 'set-cookie'),
];
