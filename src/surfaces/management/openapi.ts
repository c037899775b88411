// The OpenAPI 3.1 document, made of the operations: it describes the schemas they parse with. Pure.

import { z } from 'zod';
import { kindOf, type ManagementCode, managementCodes } from './problem-kinds.ts';
import type { Operation, Tag } from './operation.ts';
import { noBody } from './read-input.ts';
import { named, namedShapes } from './shapes.ts';

type Json = Readonly<Record<string, unknown>>;

const problem = named(
  'Problem',
  z
    .object({
      type: z.string().meta({ description: 'Where the page of the problem lies.', format: 'uri-reference' }),
      title: z.string(),
      status: z.int(),
      detail: z.string().meta({ description: 'What is wrong here, and what to do.' }),
      code: z.enum(managementCodes).meta({ description: 'Stable: scripts may match on it.' }),
      errors: z
        .array(
          z.strictObject({
            detail: z.string(),
            pointer: z.string().optional().meta({ description: 'Into the body (RFC 6901).' }),
            parameter: z.string().optional().meta({ description: 'Of the query.' }),
            header: z.string().optional(),
          }),
        )
        .optional()
        .meta({ description: 'Each thing that differs from what the operation asks for.' }),
    })
    .meta({ description: 'RFC 9457.' }),
);

const tags: Readonly<Record<Tag, string>> = {
  Sessions: 'Sign in, see who one is, sign out.',
  'API tokens': 'Make, list, see, give a new secret, revoke.',
  Users: 'Users, their roles and passwords, for an organization’s owner.',
  Organizations: 'Organizations, for the operator of the server.',
  Audit: 'Who did what to whom.',
  Server: 'Signing keys and numbers, for the operator of the server.',
  Description: 'What this API says of itself.',
};

const pathParameters: Readonly<Record<string, string>> = {
  org: 'Id of an organization: one’s own, or for the operator any.',
  user: 'Id of a user.',
  role: 'Name of a role.',
  tokenId: 'Id of an API token; never the secret.',
  code: 'Code of a problem.',
};

const session = 'session';

export const openapiDocument = (prefix: string, operations: readonly Operation[]): Json => {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const path = operation.path.slice(prefix.length);
    (paths[path] ??= {})[operation.method.toLowerCase()] = describe(prefix, operation);
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Tollgate management API',
      version: '1',
      summary: 'Sign-in, API tokens, users, organizations and the audit of a Tollgate.',
      description:
        'Durations are ISO 8601 in weeks, days, hours, minutes and seconds (`P90D`, `PT30M`); times are RFC 3339 in UTC. Unknown members and parameters are refused, a body has at most 64 KB. Every error is a problem of RFC 9457 with a stable `code`; what answers 503 or 429 says in `Retry-After` when to try again. Names of organizations, users and scopes in examples are made up.',
      license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: prefix, description: 'This server.' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    security: [{ [session]: [] }],
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        [session]: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description:
            'The access token of a session: from `POST /sessions`, or of an accepted identity provider.',
        },
      },
    },
  };
};

const describe = (prefix: string, operation: Operation): Json => ({
  operationId: operation.id,
  tags: [operation.tag],
  summary: operation.summary,
  description: operation.description,
  ...(operation.access === 'anyone' && { security: [] }),
  ...parametersOf(prefix, operation),
  ...(operation.body !== noBody && {
    requestBody: {
      required: true,
      content: {
        'application/json': { schema: schemaOf(operation.body), example: operation.example.body },
      },
    },
  }),
  responses: responsesOf(operation),
});

const parametersOf = (prefix: string, { path, query, takesIdempotencyKey, example }: Operation): Json => {
  const inPath = [...path.slice(prefix.length).matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    description: pathParameters[name] ?? name,
    schema: { type: 'string' },
    example: example.parameters?.[name],
  }));
  const inQuery = Object.entries(z.object(query.shape).shape).map(([name, field]) => {
    const { description, ...schema } = withoutDialect(z.toJSONSchema(field, { io: 'input' }));
    const value = example.query?.[name];
    return {
      name,
      in: 'query',
      required: false,
      description,
      schema,
      ...(value !== undefined && { example: schema['type'] === 'integer' ? Number(value) : value }),
    };
  });
  const inHead = {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      'A new text for each request, best a UUID. The same request with the same key within a day is answered the same, with the same secret; another request with it is refused with 422.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
    example: 'd5c2a4f0-3a51-4f0e-8f25-6f9b3a0d7c11',
  };
  const parameters = [...inPath, ...inQuery, ...(takesIdempotencyKey ? [inHead] : [])];
  return parameters.length === 0 ? {} : { parameters };
};

const responsesOf = ({
  access,
  tag,
  body,
  query,
  success,
  problems,
  takesIdempotencyKey,
}: Operation): Json => {
  const codes: readonly ManagementCode[] = [
    ...(body !== noBody || Object.keys(query.shape).length > 0 || takesIdempotencyKey
      ? (['request_malformed'] as const)
      : []),
    ...(body !== noBody ? (['request_too_large', 'media_type_refused'] as const) : []),
    ...(access !== 'anyone' ? (['credential_missing', 'credential_invalid'] as const) : []),
    // Any session may see and end itself.
    ...(access !== 'anyone' && tag !== 'Sessions'
      ? (['session_kind_refused', 'scope_missing', 'tenant_mismatch'] as const)
      : []),
    ...problems,
    'rate_limited',
    'internal',
    'unavailable',
  ];
  const statuses = new Map<number, ManagementCode[]>();
  for (const code of codes) {
    const { status } = kindOf(code);
    statuses.set(status, [...(statuses.get(status) ?? []), code]);
  }
  return {
    [success.status]: {
      description: success.description,
      ...(success.headers !== undefined && {
        headers: Object.fromEntries(
          Object.entries(success.headers).map(([name, description]) => [
            name,
            { description, schema: { type: 'string' } },
          ]),
        ),
      }),
      ...(success.body !== undefined && {
        content: { 'application/json': { schema: schemaOf(success.body) } },
      }),
    },
    ...Object.fromEntries([...statuses].map(([status, here]) => [status, problemResponse(status, here)])),
  };
};

const problemResponse = (status: number, codes: readonly ManagementCode[]): Json => ({
  description: codes.map((code) => `\`${code}\`: ${kindOf(code).title}.`).join(' '),
  ...((status === 429 || status === 503) && {
    headers: { 'Retry-After': { description: 'Seconds.', schema: { type: 'string' } } },
  }),
  ...(status === 401 && {
    headers: { 'WWW-Authenticate': { description: 'RFC 6750.', schema: { type: 'string' } } },
  }),
  content: { 'application/problem+json': { schema: schemaOf(problem) } },
});

const referenceTo = (id: string): string => `#/components/schemas/${id}`;

const schemaOf = (schema: z.ZodType): Json => {
  const id = namedShapes.get(schema)?.id;
  return id === undefined
    ? withoutDialect(z.toJSONSchema(schema, { io: 'input' }))
    : { $ref: referenceTo(id) };
};

const componentSchemas = (): Json => {
  const { schemas } = z.toJSONSchema(namedShapes, { io: 'input', uri: referenceTo });
  return Object.fromEntries(
    Object.entries(schemas)
      .map(([id, schema]) => [id, withoutDialect(schema)] as const)
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
};

/** What every schema of the document has in common is said by its version. */
const withoutDialect = (schema: Json): Json =>
  Object.fromEntries(Object.entries(schema).filter(([name]) => name !== '$schema' && name !== '$id'));
