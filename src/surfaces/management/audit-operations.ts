// The operations that read the audit, of an organization or of all: who did what to whom, newest first.

import { z } from 'zod';
import type { Refusal } from '../../decision/outcome.ts';
import type { AccountCommands } from '../../lifecycle/account-commands.ts';
import { type CommandError, isFailure } from '../../lifecycle/command-error.ts';
import type { OrgCommands } from '../../lifecycle/org-commands.ts';
import type { ManagementPaths } from '../../settings/surfaces/management.ts';
import type { AuditEntry, AuditParty } from '../../store/records.ts';
import type { Page } from '../../store/token-store.ts';
import type { SurfaceRequest } from '../answer.ts';
import { example } from './examples.ts';
import { type Operation, operation, pageReply, pageSuccess, type Result } from './operation.ts';
import { noBody } from './read-input.ts';
import { idText, named, nextCursor, pageFields, queryTime, time, timeOf } from './shapes.ts';

const result = z.enum(['done', 'refused']);

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
    result,
    reason: z.string().nullable().meta({ description: 'Why it was refused.' }),
    expires: z.string().nullable().meta({
      description: 'When the API token expires that was given a new lifetime: a time, or `never`.',
    }),
    clientAddress: z.string().meta({ description: 'From where; `cli`: the operator’s command line.' }),
    via: z
      .enum(['api', 'console', 'cli'])
      .meta({ description: 'By an API, in the browser console, or at the operator’s command line.' }),
    requestId: z.string(),
  }),
);

const auditPage = named('AuditPage', z.strictObject({ items: z.array(entry), nextCursor }));

const auditQuery = z.strictObject({
  ...pageFields,
  action: z.string().min(1).max(64).optional().meta({ description: 'Only this, e.g. `token.create`.' }),
  user: idText('Only what this user did, or what was done to this user.').optional(),
  result: result.optional().meta({ description: 'Only what was done, or what was refused.' }),
  from: queryTime.optional().meta({ description: 'Only since then.', format: 'date-time' }),
  until: queryTime.optional().meta({ description: 'Only before then.', format: 'date-time' }),
});

const filterSentence =
  'With a filter a page looks at 1,000 entries at the most: it may be short, even empty, and `nextCursor` goes on.';

export interface AuditOperationsDeps {
  readonly accounts: Pick<AccountCommands, 'readAudit'>;
  readonly orgs: Pick<OrgCommands, 'readAudit'>;
  readonly paths: ManagementPaths;
}

export const auditOperations = ({ accounts, orgs, paths }: AuditOperationsDeps): readonly Operation[] => {
  const shared = {
    method: 'GET',
    tag: 'Audit',
    query: auditQuery,
    body: noBody,
    success: pageSuccess('A page of entries.', auditPage),
    problems: [],
  } as const;
  return [
    operation({
      ...shared,
      id: 'readAudit',
      path: paths.audit,
      summary: 'Read the audit of an organization',
      description: `What its users did, and what was done to it; newest first, and a moment after it happened. Of what was done the newest 20,000 entries of the organization are kept, and as many of what its users were refused, and of what strangers were. ${filterSentence} It needs the right \`tollgate:audit:read\`. A session made from an API token may not.`,
      example: { parameters: { org: example.org }, query: { limit: '100', result: 'done' } },
      run: async ({ request, parameters, query }, actor) => {
        const { page, filter } = readingOf(query);
        return answer(request, await accounts.readAudit(actor, parameters['org'] ?? '', page, filter));
      },
    }),
    operation({
      ...shared,
      id: 'readAuditOfAll',
      path: paths.auditOfAll,
      summary: 'Read the audit of all organizations',
      description: `What all users did, and the operator at the command line; newest first. ${filterSentence} It needs the right \`tollgate:operate\`. A session made from an API token may not.`,
      example: { query: { action: 'org.create' } },
      run: async ({ request, query }, actor) => {
        const { page, filter } = readingOf(query);
        return answer(request, await orgs.readAudit(actor, page, filter));
      },
    }),
  ];
};

const readingOf = ({ limit, cursor, action, user, result, from, until }: z.output<typeof auditQuery>) => ({
  page: { limit, cursor },
  filter: { action, userId: user, result, fromMs: from, untilMs: until },
});

const answer = (request: SurfaceRequest, page: Page<AuditEntry> | CommandError | Refusal): Result =>
  isFailure(page) ? page : pageReply(request, { items: page.items.map(showEntry) }, page.nextCursor);

const showEntry = ({
  atMs,
  actor,
  subject,
  reason,
  expires,
  via,
  ...rest
}: AuditEntry): z.output<typeof entry> => ({
  ...rest,
  at: timeOf(atMs),
  actor: showParty(actor),
  subject: showParty(subject),
  reason: reason ?? null,
  expires: expires ?? null,
  via: via ?? (rest.clientAddress === 'cli' ? 'cli' : 'api'),
});

const showParty = ({ org, user, tokenId }: AuditParty): z.output<typeof party> => ({
  org: org ?? null,
  user: user ?? null,
  apiTokenId: tokenId ?? null,
});
