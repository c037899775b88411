// Shapes of the management surface that several operations share, as zod schemas: the parser and the OpenAPI document
// are both made from them. They have types and bounds; the lifecycle checks names.

import { z } from 'zod';
import { scopeLengthMax, scopesMax } from '../../decision/scope.ts';
import { emailCharactersMax } from '../../lifecycle/email.ts';
import { allowFromMax, nameCharactersMax } from '../../lifecycle/names.ts';
import { durationMs, durationPattern } from './duration.ts';

/** Schemas that have a name in the document: `components.schemas`. */
export const namedShapes = z.registry<{ readonly id: string }>();

export const named = <Schema extends z.ZodType>(id: string, schema: Schema): Schema => {
  namedShapes.add(schema, { id });
  return schema;
};

export const idText = (description: string) => z.string().min(1).max(128).meta({ description });

export const nameText = z
  .string()
  .min(1)
  .max(nameCharactersMax)
  .meta({ description: 'For people; printable characters.' });

/** Read as milliseconds. */
export const duration = (description: string) =>
  z
    .string()
    .regex(
      durationPattern,
      'Write a duration of ISO 8601 in weeks, days, hours, minutes or seconds, e.g. P90D',
    )
    .meta({ description, format: 'duration' })
    .transform(durationMs);

/** Of an API token. Read as milliseconds; null for ever. */
export const tokenLifetime = z.union(
  [
    z.literal('never').transform(() => null),
    duration('From one minute to a hundred years, within the organization’s maximum.'),
  ],
  'Write a duration of ISO 8601 in weeks, days, hours, minutes or seconds, e.g. P90D, or "never"',
);

/** Parts of a body or a query that may be an address; the lifecycle says which can be one. */
export const emailText = z.string().max(emailCharactersMax).meta({ format: 'email' });

export const passwordText = z.string().max(1024).meta({ format: 'password', writeOnly: true });

export const scopeText = z.string().min(1).max(scopeLengthMax);

export const scopeList = z
  .union([z.literal('all'), z.array(scopeText).max(scopesMax)], 'Write a list of scopes, or "all"')
  .meta({ description: 'Scopes, or `all`: whatever the user’s roles grant at the time of use.' });

export const networkList = z.array(z.string().min(1).max(64)).max(allowFromMax).meta({
  description:
    'Networks from which the token, and what is made from it, may be used: `10.0.0.0/8`, `2001:db8::/32`, or one address.',
});

/** As it is answered. */
export const shownDuration = z.string().meta({ format: 'duration' });

export const time = (description: string) => z.iso.datetime().meta({ description });

/** Of a query, read as milliseconds since the epoch. */
export const queryTime = z.iso
  .datetime({ error: 'Write a time of RFC 3339 in UTC, e.g. 2027-01-31T00:00:00Z' })
  .transform((text) => Date.parse(text));

export const timeOrNever = (description: string) => z.iso.datetime().nullable().meta({ description });

export const timeOf = (ms: number): string => new Date(ms).toISOString();

export const timeOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : timeOf(ms));

/** A whole number in a query. */
const queryCount = (least: number, most: number) =>
  z.preprocess(
    (text) => (typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : text),
    z.int().min(least).max(most),
  );

const pageSizeMax = 200;
const pageSizeUsual = 50;

export const pageFields = {
  limit: queryCount(1, pageSizeMax)
    .default(pageSizeUsual)
    .meta({ description: `Most items of the page; without it ${pageSizeUsual}.` }),
  cursor: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .meta({ description: '`nextCursor` of the page before. Without it the first page.' }),
};

export const nextCursor = z
  .string()
  .nullable()
  .meta({ description: 'For the next page; null on the last one. `Link` with `rel="next"` says the same.' });

export const noQuery = z.strictObject({});

/** Who may, of what the operator alone may do. */
export const operatorSentence =
  'It needs the right `tollgate:operate`. A session made from an API token may not.';
