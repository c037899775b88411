// What a person reads after `npm start`: the token, once, and lines to paste.

import type { FirstToken } from './first-token.ts';

/** Prints to standard output. `first`: the token, or why there is none. */
export const printWelcome = (facts: {
  readonly address: string;
  readonly first: FirstToken | string;
  readonly isExample: boolean;
  readonly file: string;
}): void => {
  const url = `http://${facts.address}`;
  const lines = [`Tollgate listens on ${url} (settings: ${facts.file}).`, ''];
  if (typeof facts.first === 'string') lines.push(facts.first);
  else
    lines.push(
      `API token: ${facts.first.secret}`,
      `It belongs to ${facts.first.user} of ${facts.first.org} and is shown only now. Paste into another terminal:`,
      '',
      `  TOKEN=${facts.first.secret}`,
      ...(facts.isExample ? exampleLines(url) : ownLines(url)),
    );
  process.stdout.write(`${lines.join('\n')}\n\n`);
};

const exampleLines = (url: string): string[] => [
  `  curl -i -H "Authorization: Bearer $TOKEN" ${url}/echo               # 200; X-Identity is what the API received`,
  `  curl -i ${url}/things                                               # 401: no credential`,
  `  curl -i -X POST -H "Authorization: Bearer $TOKEN" ${url}/things     # 403: the token lacks things:write`,
  `  curl -s -d grant_type=refresh_token -d refresh_token=$TOKEN ${url}/oauth2/token   # an access token (JWT)`,
  `  curl -i -d token=$TOKEN ${url}/oauth2/revoke                        # 200: revoked`,
  `  curl -i -H "Authorization: Bearer $TOKEN" ${url}/echo               # 401: at once`,
];

const ownLines = (url: string): string[] => [
  `  curl -i -H "Authorization: Bearer $TOKEN" ${url}/`,
  `  curl -i ${url}/                                                     # 401: no credential`,
];
