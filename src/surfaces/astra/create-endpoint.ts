// POST .../users/{user}/tokens: makes an API token of all the user's roles. The answer is the only time it is seen.

import { isOutage } from '../../decision/outcome.ts';
import type { TokenCommands } from '../../lifecycle/token-commands.ts';
import type { Label } from '../../store/records.ts';
import { type Endpoint, neverStored, permitted, type SurfaceRequest } from '../answer.ts';
import type { ReadCallerDeps } from './astra-caller.ts';
import { badRequest } from './astra-problem.ts';
import { astraTokenOf, tokenType, tokenVersion, withSecret } from './astra-token.ts';
import { isRefused, commandEndpoint } from './command-endpoint.ts';

export interface CreateEndpointDeps extends ReadCallerDeps {
  readonly commands: Pick<TokenCommands, 'createApiToken'>;
  /** Where a token of this id lies. */
  readonly locationOf: (parameters: SurfaceRequest['parameters'], tokenId: string) => string;
}

const nameCharactersMax = 63;

export const createCreateEndpoint = (deps: CreateEndpointDeps): Endpoint =>
  commandEndpoint(deps, async ({ actor, owner }, request) => {
    const { tokenLifetimeMs } = deps.settings.surfaces.astra;
    const { identity } = actor;
    const command = readCommand(request);
    if (typeof command === 'string') return badRequest(command, request, identity);
    const org = await deps.store.findOrg(owner.orgId);
    if (isOutage(org)) return org;
    const lifetimeMax = org?.tokenLifetimeMsMax ?? Infinity;
    const lifetimeMs = Math.min(tokenLifetimeMs ?? Infinity, lifetimeMax);
    const result = await deps.commands.createApiToken(actor, {
      ...command,
      ...owner,
      scopes: 'all',
      lifetimeMs: lifetimeMs === Infinity ? null : lifetimeMs,
      length: 65,
      // A session of fewer scopes makes no token of more.
      within: identity.scopes,
    });
    if (isRefused(result)) return result;
    return {
      status: 201,
      headers: { ...neverStored, location: deps.locationOf(request.parameters, result.record.id) },
      body: withSecret(astraTokenOf(result.record), result.secret),
      note: permitted(identity),
    };
  });

interface Command {
  readonly name: string;
  readonly labels: readonly Label[];
}

/** The command, or a sentence about what is wrong with it. */
const readCommand = ({ body }: SurfaceRequest): Command | string => {
  if (body.kind === 'malformed') return `The body cannot be read: ${body.why}.`;
  const value = body.kind === 'json' ? body.value : undefined;
  if (!isMapping(value)) return 'Send the token to make as a JSON object.';
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
  if (!isMapping(metadata)) return undefined;
  const { labels = [] } = metadata;
  if (!Array.isArray(labels)) return undefined;
  const read: Label[] = [];
  for (const label of labels as readonly unknown[]) {
    if (!isMapping(label)) return undefined;
    const { name, value } = label;
    if (typeof name !== 'string' || typeof value !== 'string') return undefined;
    read.push({ name, value });
  }
  return read;
};

const isMapping = (value: unknown): value is Readonly<Partial<Record<string, unknown>>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
