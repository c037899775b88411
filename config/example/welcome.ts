// What a person reads after `npm start`: the token, once, and lines to paste.

import { defaultMethods, type RouteRule } from '../../src/decision/route-rule.ts';
import type { Settings } from '../../src/settings/settings.ts';
import { type FirstToken, scopesOfFirst } from './first-token.ts';

/** Prints to standard output. `first`: the token, or why there is none. */
export const printWelcome = (facts: {
  /** `127.0.0.1:8080` or `unix:/path`. */
  readonly address: string;
  /** Where the console has a listener of its own. */
  readonly consoleAddress: string | undefined;
  readonly settings: Pick<Settings, 'routes' | 'tls' | 'surfaces'>;
  readonly first: FirstToken | string;
  readonly isExample: boolean;
  readonly file: string;
}): void => {
  const { routes, tls } = facts.settings;
  const scheme = tls === undefined ? 'http' : 'https';
  const socket = facts.address.startsWith('unix:') ? facts.address.slice('unix:'.length) : undefined;
  const url = `${scheme}://${socket === undefined ? facts.address : 'localhost'}`;
  const curl = socket === undefined ? 'curl' : `curl --unix-socket ${socket}`;
  const lines = [
    `Tollgate listens on ${socket === undefined ? url : facts.address} (settings: ${facts.file}).`,
    '',
  ];
  if (typeof facts.first === 'string') lines.push(facts.first);
  else
    lines.push(
      `API token: ${facts.first.secret}`,
      `It belongs to ${facts.first.user} of ${facts.first.org} and is shown only now. Paste into another terminal:`,
      '',
      `  TOKEN=${facts.first.secret}`,
      ...(facts.isExample ? exampleLines(curl, url) : ownLines(curl, url, pathFor(facts.first.org, routes))),
      ...(tls === undefined ? [] : ['', 'Where curl does not know the certificate: --cacert FILE']),
    );
  const { console: pages } = facts.settings.surfaces;
  const at = facts.consoleAddress ?? facts.address;
  if (pages.enabled && !at.startsWith('unix:'))
    lines.push('', `Console: ${scheme}://${at}${pages.prefix}/${signInOf(facts.first)}`);
  process.stdout.write(`${lines.join('\n')}\n\n`);
};

const signInOf = (first: FirstToken | string): string => {
  if (typeof first === 'string') return '';
  const { org, administrator } = first;
  return administrator === undefined
    ? ''
    : `\nSign in there as ${administrator.user} of ${org}. Password, shown only now: ${administrator.password}`;
};

const exampleLines = (curl: string, url: string): string[] => [
  `  ${curl} -i -H "Authorization: Bearer $TOKEN" ${url}/echo               # 200; X-Identity is what the API received`,
  `  ${curl} -i ${url}/things                                               # 401: no credential`,
  `  ${curl} -i -X POST -H "Authorization: Bearer $TOKEN" ${url}/things     # 403: the token lacks things:write`,
  `  ${curl} -s -d grant_type=refresh_token -d refresh_token=$TOKEN ${url}/oauth2/token   # an access token (JWT)`,
  `  ${curl} -i -d token=$TOKEN ${url}/oauth2/revoke                        # 200: revoked`,
  `  ${curl} -i -H "Authorization: Bearer $TOKEN" ${url}/echo               # 401: at once`,
];

const ownLines = (curl: string, url: string, path: string | undefined): string[] =>
  path === undefined
    ? [
        '',
        `No route of the settings is for this token, whose scopes are ${scopesOfFirst.join(' ')}. Who may what says`,
        '  tollgate explain GET /PATH --scopes SCOPE',
      ]
    : [
        `  ${curl} -i -H "Authorization: Bearer $TOKEN" ${url}${path}`,
        `  ${curl} -i ${url}${path}`.padEnd(70) + '  # 401: no credential',
      ];

/** A path that the first token may GET, of the first route there is for it. */
const pathFor = (org: string, routes: readonly RouteRule[]): string | undefined => {
  const route = routes.find(
    ({ methods, public: isPublic, scopes, sessions }) =>
      (methods ?? defaultMethods).includes('GET') &&
      !isPublic &&
      sessions === 'any' &&
      scopes.every((scope) => scopesOfFirst.includes(scope)),
  );
  if (route === undefined) return undefined;
  const { segments, hasRest } = route.path;
  const parts = segments.map((segment) => {
    if (segment.kind === 'literal') return segment.text;
    return segment.name === route.tenantParameter ? org : '1';
  });
  return `/${[...parts, ...(hasRest ? [''] : [])].join('/')}`;
};
