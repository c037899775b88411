// Reads the input of an operation by the schemas that it is described with: query, body, idempotency key. Every
// difference is reported at once. Never quotes a value: it may be a secret in the wrong field.

import { z } from 'zod';
import type { SurfaceRequest } from '../answer.ts';
import { parseForm } from '../body.ts';
import type { Difference } from './management-problem.ts';

export interface InputSchemas<Query extends z.ZodType, Body extends z.ZodType> {
  readonly query: Query;
  /** `noBody`: the operation takes none, and ignores one. */
  readonly body: Body;
  readonly takesIdempotencyKey: boolean;
}

/** The schema of the body where there is none to read. */
export const noBody = z.undefined();

export interface InputRead<Query, Body> {
  readonly query: Query;
  readonly body: Body;
  readonly idempotencyKey: string | undefined;
}

export interface InputFault {
  readonly fault: 'malformed' | 'media_type';
  readonly detail: string | undefined;
  readonly errors: readonly Difference[] | undefined;
}

const differencesMax = 20;
const nameCharactersMax = 64;

export const readInput = <Query extends z.ZodType, Body extends z.ZodType>(
  request: SurfaceRequest,
  schemas: InputSchemas<Query, Body>,
): InputRead<z.output<Query>, z.output<Body>> | InputFault => {
  const parameters = readQuery(request.query);
  if ('fault' in parameters) return parameters;
  const keys = schemas.takesIdempotencyKey ? request.headerLines('idempotency-key') : [];
  if (keys.length > 1) return malformed([{ header: 'Idempotency-Key', detail: 'Send it once.' }]);
  const member = readBody(request, schemas.body);
  if ('fault' in member) return member;
  const query = schemas.query.safeParse(parameters.values);
  const body = schemas.body.safeParse(member.value);
  if (query.success && body.success)
    return { query: query.data, body: body.data, idempotencyKey: keys[0]?.trim() };
  return malformed([
    ...(query.error?.issues ?? []).flatMap((issue) => differencesOf(issue, 'parameter')),
    ...(body.error?.issues ?? []).flatMap((issue) => differencesOf(issue, 'pointer')),
  ]);
};

const malformed = (errors: readonly Difference[], detail?: string): InputFault => ({
  fault: 'malformed',
  detail,
  errors: errors.slice(0, differencesMax),
});

const readQuery = (text: string): { readonly values: Readonly<Record<string, string>> } | InputFault => {
  const read = parseForm(text);
  if (read.kind !== 'form')
    return malformed([], 'The query is not percent-encoded UTF-8, or has too many parameters.');
  const values = new Map(read.parameters);
  if (values.size < read.parameters.length) {
    const names = read.parameters.map(([name]) => name);
    const twice = names.find((name, index) => names.indexOf(name) < index) ?? '';
    return malformed([{ parameter: shortened(twice), detail: 'Send it once.' }]);
  }
  return { values: Object.fromEntries(values) };
};

const readBody = ({ body }: SurfaceRequest, schema: z.ZodType): { readonly value: unknown } | InputFault => {
  if (schema === noBody) return { value: undefined };
  switch (body.kind) {
    case 'json':
      return { value: body.value };
    case 'none':
      return { value: {} };
    case 'malformed':
      return malformed([{ pointer: '', detail: `The body cannot be read: ${body.why}.` }]);
    case 'form':
    case 'other':
      return { fault: 'media_type', detail: undefined, errors: undefined };
  }
};

const differencesOf = (issue: z.core.$ZodIssue, where: 'pointer' | 'parameter'): readonly Difference[] => {
  const at = (path: readonly PropertyKey[], detail: string): Difference =>
    where === 'pointer'
      ? { pointer: path.map((step) => `/${escaped(String(step))}`).join(''), detail }
      : { parameter: shortened(path.map(String).join('.')), detail };
  if (issue.code === 'unrecognized_keys')
    return issue.keys
      .slice(0, differencesMax)
      .map((key) =>
        at(
          [...issue.path, key],
          `The operation has no such ${where === 'pointer' ? 'member' : 'parameter'}.`,
        ),
      );
  return [at(issue.path, sentenceOf(issue))];
};

/** What a type is called in the description of the operation. */
const typeNames: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** The schema's own sentence where it has one; the library's words for a wrong type say nothing to a caller. */
const sentenceOf = ({ code, message, ...issue }: z.core.$ZodIssue): string => {
  if (code !== 'invalid_type' || !message.startsWith('Invalid input')) return `${message}.`;
  const expected = 'expected' in issue ? (typeNames[String(issue.expected)] ?? String(issue.expected)) : '';
  return `Give ${expected}${message.endsWith('received undefined') ? ': it is missing' : ''}.`;
};

/** RFC 6901 section 3. */
const escaped = (step: string): string => shortened(step).replaceAll('~', '~0').replaceAll('/', '~1');

const shortened = (name: string): string =>
  name.length > nameCharactersMax ? `${name.slice(0, nameCharactersMax)}...` : name;
