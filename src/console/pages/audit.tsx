// The audit of the organization, newest first and filtered; for the operator also that of all organizations.

import { useState } from 'preact/hooks';
import type { AuditEntry, AuditParty } from '../api/shapes.ts';
import {
  askAudit,
  type AuditQuery,
  auditResults,
  parseAuditQuery,
  printAuditQuery,
} from '../lists/audit-query.ts';
import { PagedTable } from '../lists/paged-table.tsx';
import { usePages } from '../lists/use-pages.ts';
import { useRouter } from '../routing/router.tsx';
import { useWords } from '../session/preferences.tsx';
import { mayUse } from '../session/rights.ts';
import { useApi, useSignedIn } from '../session/session.tsx';
import { Choice, SelectField, TextField } from '../ui/fields.tsx';
import { Badge, Empty } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Shown } from '../ui/shown.tsx';
import type { Column } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';
import { useResource } from '../ui/use-resource.ts';
import { useSettled } from '../ui/use-settled.ts';

const pageSize = 50;

export const AuditPage = () => {
  const { t } = useWords();
  const api = useApi();
  const router = useRouter();
  const { org, scopes } = useSignedIn().session;
  const [isOfAll, setOfAll] = useState(false);
  const query = parseAuditQuery(router.query);
  const settled = useSettled(printAuditQuery(query));
  const key = `${isOfAll} ${org.id} ${settled}`;
  const pages = usePages(key);
  const loaded = useResource(`${key} ${pages.cursor ?? ''}`, (signal) =>
    api.readAudit(
      isOfAll ? undefined : org.id,
      askAudit(parseAuditQuery(settled), pages.cursor, pageSize),
      signal,
    ),
  );
  const columns = useColumns();
  return (
    <Page title={t('nav.audit')} lead={t('audit.lead')}>
      <section aria-label={t('nav.audit')}>
        <Filters query={query} onChange={(part) => router.setQuery(printAuditQuery({ ...query, ...part }))} />
        {mayUse(scopes, 'operate') && (
          <Choice label={t('audit.all')} isChecked={isOfAll} onChange={setOfAll} />
        )}
        <Shown loaded={loaded}>
          {(page, isStale) => (
            <PagedTable
              caption={t('nav.audit')}
              columns={columns}
              page={page}
              keyOf={({ id }) => id}
              isStale={isStale}
              pages={pages}
              pageSize={pageSize}
              empty={<Empty title={t(page.nextCursor === null ? 'list.noMatch' : 'list.noneHere')} />}
            />
          )}
        </Shown>
      </section>
    </Page>
  );
};

interface FiltersProps {
  readonly query: AuditQuery;
  readonly onChange: (part: Partial<AuditQuery>) => void;
}

const Filters = ({ query, onChange }: FiltersProps) => {
  const { t } = useWords();
  return (
    <search class="filters">
      <TextField
        label={t('audit.action')}
        value={query.action}
        isId
        lengthMax={64}
        onValue={(action) => onChange({ action })}
      />
      <TextField
        label={t('field.user')}
        value={query.user}
        isId
        lengthMax={128}
        onValue={(user) => onChange({ user })}
      />
      <SelectField
        label={t('audit.result')}
        value={query.result}
        options={auditResults.map((each) => [each, t(`audit.${each}`)] as const)}
        onValue={(result) => onChange({ result })}
      />
      <TextField
        label={t('audit.from')}
        type="datetime-local"
        value={query.from}
        onValue={(from) => onChange({ from })}
      />
      <TextField
        label={t('audit.until')}
        type="datetime-local"
        value={query.until}
        onValue={(until) => onChange({ until })}
      />
    </search>
  );
};

const useColumns = (): readonly Column<AuditEntry>[] => {
  const { t } = useWords();
  return [
    { title: t('audit.at'), cell: ({ at }) => <Time iso={at} /> },
    {
      title: t('audit.action'),
      look: 'main',
      cell: ({ action }) => <code>{action}</code>,
    },
    { title: t('audit.actor'), cell: ({ actor }) => <Party party={actor} /> },
    { title: t('audit.subject'), cell: ({ subject }) => <Party party={subject} /> },
    {
      title: t('audit.result'),
      cell: ({ result, reason, expires }) => (
        <span class="two">
          <span>
            <Badge tone={result === 'done' ? 'ok' : 'bad'}>{t(`audit.${result}`)}</Badge>
          </span>
          {reason !== null && <small>{reason}</small>}
          {expires !== null && <NewExpiry expires={expires} />}
        </span>
      ),
    },
    {
      title: t('audit.where'),
      cell: ({ clientAddress, via, requestId }) => (
        <span class="two" title={requestId}>
          <code>{clientAddress}</code>
          {via !== null && <small>{via}</small>}
        </span>
      ),
    },
  ];
};

const NewExpiry = ({ expires }: { readonly expires: string }) => {
  const { t } = useWords();
  return (
    <small>
      {t('token.expires')}: {expires === 'never' ? t('token.neverExpires') : <Time iso={expires} />}
    </small>
  );
};

/** Nobody named: the operator, or nobody known. */
const Party = ({ party: { org, user, apiTokenId } }: { readonly party: AuditParty }) => {
  const account = [org, user].filter((each) => each !== null).join('/');
  return (
    <span class="two">
      <code>{account === '' ? '–' : account}</code>
      {apiTokenId !== null && (
        <small>
          <code>{apiTokenId}</code>
        </small>
      )}
    </span>
  );
};
