// A server that knows of Tollgate's management API only what its OpenAPI document says: it judges each request by the document,
// and answers with a value that the document allows. It stands in for the browser's `fetch`.

import { z } from 'zod';

interface Schema {
  readonly $ref?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly minimum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

interface DocumentedOperation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** A value that the schema allows; another `turn` takes other ones of its choices. The first has every member, none null. */
const valueOf = (document: Document, schema: Schema, turn: number): unknown => {
  const { $ref, anyOf, type, items, properties } = schema;
  const pick = <T>(choices: readonly T[]): T => choices[turn % choices.length]!;
  if ($ref !== undefined)
    return valueOf(document, document.components.schemas[$ref.split('/').at(-1)!]!, turn);
  if (typeof type === 'object') return valueOf(document, { ...schema, type: pick(type) }, turn);
  if (anyOf !== undefined) return valueOf(document, pick(anyOf), turn);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return pick(schema.enum);
  switch (type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(properties ?? {}).map(([name, each]) => [name, valueOf(document, each, turn)]),
      );
    case 'array':
      return [valueOf(document, items ?? {}, turn)];
    case 'integer':
    case 'number':
      return schema.minimum ?? 0;
    case 'boolean':
      return turn % 2 === 0;
    case 'null':
      return null;
    case 'string':
    case undefined:
    default:
      return schema.format === 'duration' ? 'P30D' : '2026-01-01T00:00:00.000Z';
  }
};

/** Why the schema does not allow a value; undefined: it does. */
const differenceFrom = (document: Document, schema: Schema, value: unknown): string | undefined => {
  const whole = JSON.stringify({ ...schema, $defs: document.components.schemas });
  const local = JSON.parse(whole.replaceAll('#/components/schemas/', '#/$defs/')) as Parameters<
    typeof z.fromJSONSchema
  >[0];
  return z.fromJSONSchema(local).safeParse(value).error?.message;
};

interface Exchange {
  readonly operationId: string;
  readonly answer: unknown;
}

/** `prefix`: below which the API lies, with a slash at its end. */
export const createDescribedServer = (
  document: Document,
  prefix: string,
  onFault: (fault: string) => void,
) => {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      operation,
      isMeant: (line: string) =>
        new RegExp(`^${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(line),
    })),
  );
  const exchanges: Exchange[] = [];
  let turn = 0;
  const answer = (address: string, { method = 'GET', body }: { method?: string; body?: unknown }) => {
    const { pathname, searchParams } = new URL(address, 'http://gate.example');
    const line = `${method} /${pathname.slice(prefix.length)}`;
    const operation = operations.find(({ isMeant }) => isMeant(line))?.operation;
    if (operation === undefined) {
      onFault(`${line} is not described`);
      return new Response(null, { status: 404 });
    }
    const { operationId, parameters = [], requestBody, responses } = operation;
    for (const [name, value] of searchParams) {
      const schema = parameters.find((each) => each.in === 'query' && each.name === name)?.schema;
      const read = schema?.type === 'integer' ? Number(value) : value;
      const difference = schema === undefined ? 'unknown' : differenceFrom(document, schema, read);
      if (difference !== undefined) onFault(`${operationId}: ${name}=${value}: ${difference}`);
    }
    const asked = requestBody?.content['application/json']?.schema;
    const sent: unknown = typeof body === 'string' ? JSON.parse(body) : undefined;
    const difference = asked === undefined ? undefined : differenceFrom(document, asked, sent);
    if (difference !== undefined) onFault(`${operationId}: ${String(body)}: ${difference}`);
    if (asked === undefined && sent !== undefined) onFault(`${operationId} takes no body`);
    const [status = '', { content } = {}] = Object.entries(responses)[0] ?? [];
    const schema = content?.['application/json']?.schema;
    const shown = schema === undefined ? undefined : valueOf(document, schema, turn);
    exchanges.push({ operationId, answer: shown });
    return new Response(shown === undefined ? null : JSON.stringify(shown), { status: Number(status) });
  };
  return {
    exchanges,
    fetch: async (address: string, init: object) => answer(address, init),
    take: (next: number) => void (turn = next),
  };
};
