// The operation that reads an organization's audit: who did what to whom, newest first.

import { z } from 'zod';
import type { AccountCommands } from '../../lifecycle/account-commands.ts';
import { isFailure } from '../../lifecycle/command-error.ts';
import type { ManagementPaths } from '../../settings/surfaces/management.ts';
import type { AuditEntry, AuditParty } from '../../store/records.ts';
import { example } from './examples.ts';
import { type Operation, operation, pageReply, pageSuccess } from './operation.ts';
import { noBody } from './read-input.ts';
import { named, nextCursor, pageFields, time, timeOf } from './shapes.ts';

const party = named(
  'AuditParty',
  z.strictObject({
    org: z.string().nullable(),
    user: z.string().nullable(),
    apiTokenId: z.string().nullable(),
  }),
);

const entry = named(
  'AuditEntry',
  z.strictObject({
    id: z.string(),
    at: time('When.'),
    actor: party.meta({ description: 'Who. All null: the operator, or nobody known.' }),
    action: z.string().meta({ description: 'What, e.g. `token.create`.' }),
    subject: party.meta({ description: 'To whom. Null: not known, or does not apply.' }),
    result: z.enum(['done', 'refused']),
    reason: z.string().nullable().meta({ description: 'Why it was refused.' }),
    clientAddress: z.string().meta({ description: 'From where; `cli`: the operator’s command line.' }),
    via: z
      .enum(['api', 'console', 'cli'])
      .meta({ description: 'By an API, in the browser console, or at the operator’s command line.' }),
    requestId: z.string(),
  }),
);

const auditPage = named('AuditPage', z.strictObject({ items: z.array(entry), nextCursor }));

export const auditOperation = ({
  commands,
  paths,
}: {
  readonly commands: Pick<AccountCommands, 'readAudit'>;
  readonly paths: ManagementPaths;
}): Operation =>
  operation({
    id: 'readAudit',
    method: 'GET',
    path: paths.audit,
    tag: 'Audit',
    summary: 'Read the audit of an organization',
    description:
      'What its users did, and what was done to it; newest first, and a moment after it happened. Of what was done the newest 20,000 entries of the organization are kept, and as many of what its users were refused, and of what strangers were. It needs the right `tollgate:audit:read`. A session made from an API token may not.',
    query: z.strictObject(pageFields),
    body: noBody,
    success: pageSuccess('A page of entries.', auditPage),
    problems: [],
    example: { parameters: { org: example.org }, query: { limit: '100' } },
    run: async ({ request, parameters, query }, actor) => {
      const page = await commands.readAudit(actor, parameters['org'] ?? '', {
        limit: query.limit,
        cursor: query.cursor,
      });
      return isFailure(page)
        ? page
        : pageReply(request, { items: page.items.map(showEntry) }, page.nextCursor);
    },
  });

const showEntry = ({ atMs, actor, subject, reason, via, ...rest }: AuditEntry): z.output<typeof entry> => ({
  ...rest,
  at: timeOf(atMs),
  actor: showParty(actor),
  subject: showParty(subject),
  reason: reason ?? null,
  via: via ?? (rest.clientAddress === 'cli' ? 'cli' : 'api'),
});

const showParty = ({ org, user, tokenId }: AuditParty): z.output<typeof party> => ({
  org: org ?? null,
  user: user ?? null,
  apiTokenId: tokenId ?? null,
});
