// The operations on the server itself, for its operator: signing keys, and how this replica does. The lifecycle commands
// check the rights.

import { z } from 'zod';
import { isFailure } from '../../lifecycle/command-error.ts';
import type { ListedKey } from '../../lifecycle/listed-keys.ts';
import type { ServerCommands } from '../../lifecycle/server-commands.ts';
import type { ManagementPaths } from '../../settings/surfaces/management.ts';
import { signingAlgorithms } from '../../tokens/signature.ts';
import { type Operation, operation, reply } from './operation.ts';
import { noBody } from './read-input.ts';
import { named, noQuery, operatorSentence, time, timeOf, timeOrNull, timeOrNever } from './shapes.ts';
import { serverStatus, showStatus } from './status-shape.ts';

export interface ServerOperationsDeps {
  readonly commands: ServerCommands;
  readonly paths: ManagementPaths;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly storeKind: string;
}

const algorithm = z.enum(signingAlgorithms);

const key = named(
  'SigningKey',
  z.strictObject({
    kid: z.string(),
    algorithm,
    state: z.enum(['next', 'signing', 'verifying', 'retired', 'revoked']).meta({
      description:
        '`next`: published, and signs later; `verifying`: published for what it has signed; `retired`, `revoked`: believed no more.',
    }),
    origin: z.enum(['mounted', 'store']).meta({ description: 'A file of the settings, or the store.' }),
    createdAt: timeOrNever('Null: not known.'),
    activeFrom: timeOrNever('From when it signs. Null: since it was made.'),
    retiresAt: timeOrNever('Until when it is published. Null: until the next rotation.'),
  }),
);

const keyList = named('SigningKeyList', z.strictObject({ items: z.array(key) }));

const rotation = named(
  'KeyRotation',
  z.strictObject({
    algorithm: algorithm.optional().meta({ description: 'Without it that of the server’s tokens.' }),
  }),
);

const rotatedKey = named(
  'RotatedKey',
  z.strictObject({
    kid: z.string(),
    algorithm,
    activeFrom: time('From when it signs, unless there is no other.'),
    othersRetireAt: time('Until when the keys before it are published.'),
  }),
);

export const serverOperations = ({
  commands,
  paths,
  now,
  storeKind,
}: ServerOperationsDeps): readonly Operation[] => {
  const shared = { tag: 'Server', query: noQuery, problems: [], example: {} } as const;
  return [
    operation({
      ...shared,
      id: 'listSigningKeys',
      method: 'GET',
      path: paths.keys,
      summary: 'List the signing keys',
      description: `Every one and what it is for; never a private half. ${operatorSentence}`,
      body: noBody,
      success: { status: 200, description: 'The keys.', body: keyList },
      run: async (_, actor) => {
        const keys = await commands.listKeys(actor);
        return isFailure(keys) ? keys : reply({ items: keys.map(showKey) });
      },
    }),
    operation({
      ...shared,
      id: 'rotateSigningKey',
      method: 'POST',
      path: paths.rotateKeys,
      summary: 'Rotate a signing key',
      description: `Publishes a new key now and signs with it once every replica and API can know it; the one before stays published until its last token has expired, so nobody notices. After a leak that is not enough: revoke the key at the command line. ${operatorSentence}`,
      body: rotation,
      success: { status: 200, description: 'The new key.', body: rotatedKey },
      problems: ['key_mounted', 'key_sealed'],
      example: { body: { algorithm: 'ES256' } },
      run: async ({ body }, actor) => {
        const rotated = await commands.rotateKey(actor, body.algorithm);
        if (isFailure(rotated)) return rotated;
        const { kid, algorithm: of, activeFromMs, retireOthersAtMs } = rotated;
        const times = { activeFrom: timeOf(activeFromMs), othersRetireAt: timeOf(retireOthersAtMs) };
        return reply({ kid, algorithm: of, ...times });
      },
    }),
    operation({
      ...shared,
      id: 'getStatus',
      method: 'GET',
      path: paths.status,
      summary: 'See how this replica does',
      description: `Requests, refusals by reason, revocations, store and feed, from the metrics of the process that answers, since its start. ${operatorSentence}`,
      body: noBody,
      success: { status: 200, description: 'Its numbers.', body: serverStatus },
      run: async (_, actor) => {
        const status = await commands.readStatus(actor);
        return isFailure(status) ? status : reply(showStatus(status, storeKind, now()));
      },
    }),
  ];
};

const showKey = (listed: ListedKey): z.output<typeof key> => ({
  kid: listed.kid,
  algorithm: listed.algorithm,
  state: listed.state,
  origin: listed.origin === 'file' ? 'mounted' : 'store',
  createdAt: timeOrNull(listed.createdAtMs),
  activeFrom: listed.activeFromMs <= 0 ? null : timeOf(listed.activeFromMs),
  retiresAt: listed.retireAtMs === 0 ? null : timeOrNull(listed.retireAtMs),
});
