// The settings of CORS, for all routes or for one, and the rule that is made of them.

import type { z } from 'zod';
import { anyOrigin, type CorsRule } from '../decision/cors.ts';
import { methodsOf, type RouteRule } from '../decision/route-rule.ts';
import { field, group } from './field.ts';
import { headerName, method, webOrigin } from './network-readers.ts';
import { duration } from './quantity.ts';
import { flag, listOf, not, type Read, type Reader, right, wrong } from './reader.ts';

const wildcard = /^(https?:\/\/)\*\.([^/*?#]+)(\/.*)?$/i;

/** An origin as browsers write it; `*` may stand for its first label. */
export const originPattern: Reader<string> = {
  read: (value): Read<string> => {
    if (typeof value !== 'string') return not(value, 'an origin', originPattern.expects);
    // To a browser it is the origin of every page that has none, such as a sandboxed frame of anybody.
    if (value === 'null') return wrong('"null" is what any page without an origin sends; leave it out');
    const [, scheme, rest = ''] = wildcard.exec(value) ?? [];
    if (scheme === undefined)
      return value.includes('*') ? not(value, 'an origin', originPattern.expects) : webOrigin.read(value);
    const read = webOrigin.read(value.replace('*.', ''));
    if (!read.ok) return read;
    return rest.includes('.')
      ? right(read.value.replace('://', '://*.'))
      : wrong(`${value} is for a whole top-level domain; write ${originPattern.expects}`);
  },
  expects: 'https://app.example.com, or https://*.example.com',
  json: { type: 'string' },
};

const corsOrigin: Reader<string> = {
  ...originPattern,
  read: (value) => (value === anyOrigin ? right(anyOrigin) : originPattern.read(value)),
};

const requestHeader: Reader<string> = {
  ...headerName,
  read: (value) => (value === '*' ? right('*') : headerName.read(value)),
};

export const corsFields = group({
  origins: field(
    listOf(corsOrigin),
    'Origins whose pages may read answers: exact, `https://*.example.com` (one label), or `*` for every page. An empty list: none.',
  ),
  methods: field(
    listOf(method, 1),
    'Methods that the answer to a preflight allows. Without it: those of the route.',
  ).optional(),
  headers: field(
    listOf(requestHeader),
    'Headers that a page may send; `*`: whichever it asks for. Without it: Authorization and Content-Type.',
  ).optional(),
  exposedHeaders: field(
    listOf(headerName),
    'Headers of an answer that a page may read, beside those that every page may.',
  ).prefault([]),
  credentials: field(flag, 'Whether the browser sends cookies along. Not with `*` as an origin.').prefault(
    false,
  ),
  maxAgeMs: field(duration('0s', '1d'), 'How long a browser remembers a preflight.').prefault('10m'),
});

/** Undefined: nothing of CORS is said here. */
export const corsRuleOf = (
  cors: z.output<typeof corsFields> | undefined,
  { methods, mode }: Pick<RouteRule, 'methods' | 'mode'>,
): CorsRule | undefined => {
  // In shadow mode what the API answers goes on as it is.
  if (cors === undefined || cors.origins.length === 0 || mode === 'shadow') return undefined;
  const allowed = methodsOf({ methods: cors.methods ?? methods });
  return {
    ...cors,
    headers: cors.headers ?? ['Authorization', 'Content-Type'],
    methods: [...new Set(allowed.includes('GET') ? [...allowed, 'HEAD'] : allowed)],
  };
};
