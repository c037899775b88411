// The operation that shows what there is to know of an API token to its holder. It needs no other right than
// possession; the token stands in the body, never in the URL, and is not repeated.

import { z } from 'zod';
import { parseCredential } from '../../decision/credential.ts';
import { isDenial, isRefusal } from '../../decision/outcome.ts';
import type { FindDetails } from '../../lifecycle/details.ts';
import type { Settings } from '../../settings/settings.ts';
import type { ManagementPaths } from '../../settings/surfaces/management.ts';
import { example } from './examples.ts';
import { fault, type Operation, openOperation, reply } from './operation.ts';
import { named, noQuery } from './shapes.ts';
import { apiToken, showToken } from './token-shapes.ts';

export interface DetailsOperationDeps {
  readonly findDetails: FindDetails;
  readonly settings: Pick<Settings, 'credential'>;
  readonly paths: ManagementPaths;
}

const body = named(
  'PresentedApiToken',
  z.strictObject({
    token: z.string().min(1).max(8192).meta({ description: 'The API token itself.', writeOnly: true }),
  }),
);

export const detailsOperation = ({ findDetails, settings, paths }: DetailsOperationDeps): Operation =>
  openOperation({
    id: 'getApiTokenDetails',
    method: 'POST',
    path: paths.tokenDetails,
    tag: 'API tokens',
    summary: 'See an API token one holds',
    description:
      'For whoever has the token itself and no session. A revoked one is still told of; an unknown or expired one is not. Unknown ones count against the caller’s address.',
    query: noQuery,
    body,
    success: { status: 200, description: 'The token.', body: apiToken },
    problems: ['token_unknown'],
    example: { body: { token: example.secret } },
    run: async ({ request, body }) => {
      const credential = parseCredential(body.token, settings.credential);
      if (isDenial(credential)) return fault('token_unknown');
      const found = await findDetails(credential, request.clientAddress);
      if (found === 'unknown') return fault('token_unknown');
      if (isRefusal(found)) return found;
      return reply(showToken({ ...found.token, state: found.isRevoked ? 'revoked' : 'active' }));
    },
  });
