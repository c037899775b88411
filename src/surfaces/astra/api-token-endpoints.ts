// .../users/{user}/tokens and .../users/{user}/tokens/{token}: API tokens of all their user's roles, made, listed, seen and
// revoked. The answer that makes one is the only time it is seen. A token that no longer works does not exist. A listing has
// the tokens as resources, or with `include` as rows of the fields asked for.

import { isJsonObject } from '../../decision/strict-json.ts';
import { isFailure } from '../../lifecycle/command-error.ts';
import type { NewApiToken } from '../../lifecycle/create-api-token.ts';
import { orderOf } from '../../lifecycle/token-list.ts';
import type { Label } from '../../store/records.ts';
import { type Endpoint, success, type SurfaceRequest } from '../answer.ts';
import type { EndpointDeps } from '../endpoint-deps.ts';
import { badRequest } from '../failures.ts';
import { cursorOf } from '../token-cursor.ts';
import { ownerEndpoint } from './astra-endpoint.ts';
import { invalidQuery, notFound } from './astra-problem.ts';
import { astraTokenOf, tokenType, tokenVersion, withSecret } from './astra-token.ts';
import { isInvalid, readListQuery } from './list-query.ts';

/** `locationOf`: where a token of this id lies. */
export const postApiToken = (
  deps: EndpointDeps,
  locationOf: (parameters: SurfaceRequest['parameters'], tokenId: string) => string,
): Endpoint =>
  ownerEndpoint(deps, async (actor, owner, request) => {
    const { identity } = actor;
    const command = readCommand(request);
    if (typeof command === 'string') return badRequest(command, identity);
    const result = await deps.commands.createApiToken(actor, {
      ...command,
      ...owner,
      scopes: 'all',
      lifetimeMs: undefined,
      defaultLifetime: { ms: deps.settings.surfaces.astra.tokenLifetimeMs },
      length: 65,
    });
    if (isFailure(result)) return result;
    const { record, secret } = result;
    const headers = { location: locationOf(request.parameters, record.id) };
    return success(201, withSecret(astraTokenOf(record), secret), identity, headers);
  });

export const listApiTokens = (deps: EndpointDeps): Endpoint =>
  ownerEndpoint(deps, async (actor, owner, request) => {
    const query = readListQuery(request.query);
    if (isInvalid(query)) return invalidQuery(query.invalidParams, actor.identity);
    const { include, ...asked } = query;
    const listing = await deps.commands.listApiTokens(actor, { ...asked, ...owner, states: ['active'] });
    if (isFailure(listing)) return listing;
    const tokens = listing.items.map(astraTokenOf);
    const { next, total } = listing;
    const body = {
      items: include === undefined ? tokens : tokens.map((token) => include.map((read) => read(token))),
      metadata: {
        ...(total === undefined ? {} : { count: total }),
        ...(next === undefined ? {} : { continue: cursorOf(next, orderOf(query)) }),
      },
    };
    return success(200, body, actor.identity);
  });

export const getApiToken = (deps: EndpointDeps): Endpoint =>
  ownerEndpoint(deps, async (actor, owner, { parameters }) => {
    const found = await deps.commands.findApiToken(actor, parameters['token'] ?? '', owner);
    if (isFailure(found)) return found;
    return found.state === 'active'
      ? success(200, astraTokenOf(found), actor.identity)
      : notFound('token_revoked', actor.identity);
  });

/** 204 also when it has been revoked before: a command that was answered 503 is simply repeated. */
export const deleteApiToken = (deps: EndpointDeps): Endpoint =>
  ownerEndpoint(deps, async (actor, owner, { parameters }) => {
    const result = await deps.commands.revokeApiToken(actor, parameters['token'] ?? '', owner);
    return isFailure(result) ? result : success(204, undefined, actor.identity);
  });

const nameCharactersMax = 63;

/** The command, or a sentence about what is wrong with it. */
const readCommand = ({ body }: SurfaceRequest): Pick<NewApiToken, 'name' | 'labels'> | string => {
  if (body.kind === 'malformed') return `The body cannot be read: ${body.why}.`;
  const value = body.kind === 'json' ? body.value : undefined;
  if (!isJsonObject(value)) return 'Send the token to make as a JSON object.';
  const { type, version, name, metadata } = value;
  if (type !== tokenType) return `type is "${tokenType}".`;
  if (version !== tokenVersion) return `version is "${tokenVersion}".`;
  if (typeof name !== 'string' || name === '' || name.length > nameCharactersMax)
    return `name is a string of 1 to ${nameCharactersMax} characters.`;
  const labels = readLabels(metadata);
  return labels === undefined
    ? 'metadata is an object, whose labels are objects of a name and a value.'
    : { name, labels };
};

/** Timestamps and `createdBy` beside the labels are the server's to say. */
const readLabels = (metadata: unknown): readonly Label[] | undefined => {
  if (metadata === undefined || metadata === null) return [];
  if (!isJsonObject(metadata)) return undefined;
  const { labels = [] } = metadata;
  if (!Array.isArray(labels)) return undefined;
  const read: Label[] = [];
  for (const label of labels as readonly unknown[]) {
    if (!isJsonObject(label)) return undefined;
    const { name, value } = label;
    if (typeof name !== 'string' || typeof value !== 'string') return undefined;
    read.push({ name, value });
  }
  return read;
};
