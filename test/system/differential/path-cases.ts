// Targets: their forms, their escapes, and where the API's answers point.

import { type Case, get, request } from './case.ts';

const target = (name: string, written: string): Case => ({ name, send: get(written) });

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
];
