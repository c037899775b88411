// The OpenAPI document that the surface serves of itself: every request example is sent to a real server, and what it
// answers has the documented status and shape.

import { createConfig, lintFromString } from '@redocly/openapi-core';
import t, { type Test } from 'tap';
import { z } from 'zod';
import { shardOfTokenId } from '../../../src/tokens/shard.ts';
import { example } from '../../../src/surfaces/management/examples.ts';
import { digestOf } from '../../../src/tokens/api-token.ts';
import { jsonType, type ManagementServer, prefix, startManagement } from './management-server.ts';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly example?: string | number;
}

interface DocumentedOperation {
  readonly operationId: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Record<string, { readonly example: unknown }> };
  readonly responses: Record<
    string,
    {
      readonly headers?: Record<string, unknown>;
      readonly content?: Record<string, { readonly schema: object }>;
    }
  >;
}

interface Document {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Record<string, Record<string, DocumentedOperation>>;
  readonly components: { readonly schemas: Record<string, object> };
}

const documentOf = async (server: ManagementServer): Promise<Document> =>
  (await server.order(undefined, 'GET /openapi.json')).body as unknown as Document;

/** A server with what the examples speak of: the token of that id and secret too. */
const startExamples = async (t: Test): Promise<ManagementServer> => {
  const server = await startManagement(t);
  await server.accounts.defineRole(example.org, 'operator', ['tollgate:operate']);
  await server.accounts.setRoles(example.org, example.user, ['owner', 'auditor', 'operator']);
  const { record } = await server.token(['things:read']);
  const token = { ...record, id: example.tokenId };
  t.equal(shardOfTokenId(example.tokenId), shardOfTokenId(record.id), 'the example lies where its user does');
  t.equal(await server.store.createToken(token, digestOf(example.secret)), 'created');
  return server;
};

/** The request that the document shows as the example of an operation. */
const requestOf = (
  document: Document,
  path: string,
  method: string,
  { parameters = [], requestBody, security }: DocumentedOperation,
  session: string,
) => {
  const valueOf = (place: Parameter['in'], name: string): string =>
    String(parameters.find((parameter) => parameter.in === place && parameter.name === name)?.example);
  const query = new URLSearchParams();
  for (const parameter of parameters)
    if (parameter.in === 'query' && parameter.example !== undefined)
      query.set(parameter.name, String(parameter.example));
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(valueOf('path', name)),
  );
  const body = requestBody?.content['application/json']?.example;
  return {
    line: `${method.toUpperCase()} ${document.servers[0]!.url}${filled}${query.size === 0 ? '' : `?${query.toString()}`}`,
    headers: [
      ...(security === undefined ? [`Authorization: Bearer ${session}`] : []),
      ...(body === undefined ? [] : [jsonType]),
      ...parameters
        .filter((parameter) => parameter.in === 'header')
        .map(({ name, example }) => `${name}: ${String(example)}`),
    ],
    body: body === undefined ? '' : JSON.stringify(body),
  };
};

t.test('the document is served to anybody, and says where the surface lies', async (t) => {
  const server = await startManagement(t);
  const reply = await server.order(undefined, 'GET /openapi.json');
  t.equal(reply.status, 200);
  t.match(reply.header('content-type'), /^application\/json/);
  t.match(reply.body, { openapi: '3.1.1', servers: [{ url: prefix }] });
});

t.test('the document lints clean, by the strict rules and a few more', async (t) => {
  const server = await startManagement(t);
  const source = (await server.order(undefined, 'GET /openapi.json')).text;
  const config = await createConfig({
    extends: ['recommended-strict'],
    rules: {
      'operation-description': 'error',
      'operation-4xx-problem-details-rfc7807': 'error',
      'operation-singular-tag': 'error',
      'operation-tag-defined': 'error',
      'parameter-description': 'error',
      'paths-kebab-case': 'error',
      'component-name-unique': 'error',
    },
  });
  const found = await lintFromString({ source, absoluteRef: 'openapi.json', config });
  t.same(
    found.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer ?? ''}`),
    [],
  );
  const broken = source.replace('"operationId":"signOut"', '"operationId":"signIn"');
  t.not((await lintFromString({ source: broken, absoluteRef: 'openapi.json', config })).length, 0);
});

t.test('every example is answered with its documented status and shape', async (t) => {
  const document = await documentOf(await startManagement(t));
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods)) {
      const server = await startExamples(t);
      const session = await server.signIn();
      const request = requestOf(document, path, method, operation, session);
      const reply = await server.send(request.line, request.headers, request.body);
      const [status, success] = Object.entries(operation.responses)[0]!;
      const what = `${operation.operationId}: ${request.line}`;
      t.equal(reply.status, Number(status), `${what} ${reply.text}`);
      const schema = success.content?.['application/json']?.schema;
      if (schema === undefined) t.equal(reply.text, '', `${what} has no body`);
      else {
        const whole = { ...schema, $defs: document.components.schemas };
        const local = JSON.parse(
          JSON.stringify(whole).replaceAll('#/components/schemas/', '#/$defs/'),
        ) as Parameters<typeof z.fromJSONSchema>[0];
        const read = z.fromJSONSchema(local).safeParse(reply.body);
        t.ok(read.success, `${what} answers its schema: ${JSON.stringify(read.error?.issues)}`);
      }
      for (const name of Object.keys(success.headers ?? {}))
        if (name !== 'Link') t.ok(reply.header(name), `${what} answers ${name}`);
    }
});
