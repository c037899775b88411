// One operation of the management surface: what its description says and what it does, in one value, so that the two
// cannot drift apart. The OpenAPI document and the endpoint are both made from it.

import type { z } from 'zod';
import type { Identity } from '../../decision/identity.ts';
import type { Refusal } from '../../decision/outcome.ts';
import type { PathParameters } from '../../decision/path-tree.ts';
import type { Actor } from '../../lifecycle/actor.ts';
import type { CommandError } from '../../lifecycle/command-error.ts';
import type { Method, SurfaceRequest } from '../answer.ts';
import type { ManagementCode } from './problem-kinds.ts';
import { type InputFault, type InputRead, readInput } from './read-input.ts';

export type Tag = 'Sessions' | 'API tokens' | 'Users' | 'Organizations' | 'Audit' | 'Server' | 'Description';

export interface Success {
  readonly status: 200 | 201 | 204;
  readonly description: string;
  /** Of the body; undefined: there is none. */
  readonly body: z.ZodType | undefined;
  /** Name -> what it says. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that a server with the accounts of the examples answers with `success`. */
export interface RequestExample {
  readonly parameters?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What the description says. */
export interface OperationFacts {
  /** `operationId`, and with `management:` before it the name in metrics and log. */
  readonly id: string;
  readonly method: Method;
  /** A pattern of `managementPaths`. */
  readonly path: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description: string;
  readonly success: Success;
  /** What can be answered beside it, apart from what every operation can. */
  readonly problems: readonly ManagementCode[];
  readonly example: RequestExample;
}

export interface Reply {
  readonly kind: 'reply';
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Who began a session by it. */
  readonly identity?: Identity;
}

export const reply = (body: unknown, more: Omit<Reply, 'kind' | 'body'> = {}): Reply => ({
  kind: 'reply',
  body,
  ...more,
});

/** A page of a listing: its body has `nextCursor`, and so has `Link`. */
export const pageSuccess = (description: string, body: z.ZodType): Success => ({
  status: 200,
  description,
  body,
  headers: { Link: 'The next page, with `rel="next"`, if there is one.' },
});

/** `cursor`: where the next page begins; undefined: this is the last one. */
export const pageReply = ({ query }: SurfaceRequest, page: object, cursor: string | undefined): Reply => {
  const nextCursor = cursor ?? null;
  return reply({ ...page, nextCursor }, { headers: nextLink(query, nextCursor) });
};

/** The query of the same request with another cursor, as `Link` (RFC 8288) wants it: relative to the request's URI. */
const nextLink = (query: string, cursor: string | null): Readonly<Record<string, string>> => {
  if (cursor === null) return {};
  const next = new URLSearchParams(query);
  next.set('cursor', cursor);
  return { link: `<?${next.toString().replaceAll('>', '%3E')}>; rel="next"` };
};

/** A path of the surface with its parameters filled in, for `Location`. */
export const pathOf = (pattern: string, parameters: Readonly<Record<string, string>>): string =>
  pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parameters[name] ?? ''));

/** A code of this surface itself. */
export interface OwnFault {
  readonly kind: 'fault';
  readonly code: ManagementCode;
}

export const fault = (code: ManagementCode): OwnFault => ({ kind: 'fault', code });

export type Result = Reply | OwnFault | CommandError | Refusal;

export interface OperationInput<Query, Body> extends InputRead<Query, Body> {
  readonly request: SurfaceRequest;
  /** Values of the parameters of the path. */
  readonly parameters: PathParameters;
}

export interface Operation extends OperationFacts {
  /** `leaving`: also a session that has ended already. */
  readonly access: 'anyone' | 'session' | 'leaving';
  readonly query: z.ZodObject;
  readonly body: z.ZodType;
  readonly takesIdempotencyKey: boolean;
  /** `actor`: undefined only where `access` is `anyone`. */
  readonly run: (request: SurfaceRequest, actor: Actor | undefined) => Promise<Result> | InputFault;
}

type Schemas<Query extends z.ZodObject, Body extends z.ZodType> = {
  readonly query: Query;
  readonly body: Body;
  readonly takesIdempotencyKey?: boolean;
};

/** For a user who is signed in. */
export const operation = <Query extends z.ZodObject, Body extends z.ZodType>({
  run,
  ...facts
}: OperationFacts &
  Schemas<Query, Body> & {
    readonly run: (input: OperationInput<z.output<Query>, z.output<Body>>, actor: Actor) => Promise<Result>;
  }): Operation =>
  whole('session', facts, async (input, actor) => {
    if (actor === undefined) throw new Error(`${facts.id} was run for nobody`);
    return run(input, actor);
  });

/** For signing out, also of a session that has ended already. */
export const leavingOperation: typeof operation = (facts) => ({ ...operation(facts), access: 'leaving' });

/** For anybody. */
export const openOperation = <Query extends z.ZodObject, Body extends z.ZodType>({
  run,
  ...facts
}: OperationFacts &
  Schemas<Query, Body> & {
    readonly run: (input: OperationInput<z.output<Query>, z.output<Body>>) => Promise<Result>;
  }): Operation => whole('anyone', facts, run);

const whole = <Query extends z.ZodObject, Body extends z.ZodType>(
  access: Operation['access'],
  facts: OperationFacts & Schemas<Query, Body>,
  run: (input: OperationInput<z.output<Query>, z.output<Body>>, actor: Actor | undefined) => Promise<Result>,
): Operation => {
  const schemas = {
    query: facts.query,
    body: facts.body,
    takesIdempotencyKey: facts.takesIdempotencyKey ?? false,
  };
  return {
    ...facts,
    ...schemas,
    access,
    run: (request, actor) => {
      const read = readInput(request, schemas);
      return 'fault' in read ? read : run({ ...read, request, parameters: request.parameters }, actor);
    },
  };
};
