// A list of tokens, of one user or of the whole organization: searched, filtered, sorted, page by page.

import { useState } from 'preact/hooks';
import type { ApiToken } from '../api/shapes.ts';
import { PagedTable } from '../lists/paged-table.tsx';
import {
  askTokens,
  isNarrowed,
  isTokenSort,
  parseTokenQuery,
  plainTokenQuery,
  printTokenQuery,
  type TokenQuery,
  tokenSorts,
  tokenStates,
} from '../lists/token-query.ts';
import { usePages } from '../lists/use-pages.ts';
import { Link, useRouter } from '../routing/router.tsx';
import { useWords } from '../session/preferences.tsx';
import { useApi } from '../session/session.tsx';
import { Button } from '../ui/button.tsx';
import { SelectField, TextField } from '../ui/fields.tsx';
import { useFlash } from '../ui/flash.tsx';
import { Empty } from '../ui/notice.tsx';
import { Name } from '../ui/rich.tsx';
import { Shown } from '../ui/shown.tsx';
import type { Column } from '../ui/table.tsx';
import { Time, useNow } from '../ui/time.tsx';
import { useResource } from '../ui/use-resource.ts';
import { useSettled } from '../ui/use-settled.ts';
import { RevokeDialog } from './revoke-dialog.tsx';
import { Expiry, LastUse, Scopes, StateBadge } from './token-parts.tsx';
import { tokenStateAt } from './token-state.ts';

export interface TokenListProps {
  readonly org: string;
  /** Undefined: of the whole organization, with their owners. */
  readonly user: string | undefined;
}

const pageSize = 20;

export const TokenList = ({ org, user }: TokenListProps) => {
  const { t } = useWords();
  const api = useApi();
  const router = useRouter();
  const { say } = useFlash();
  const query = parseTokenQuery(router.query);
  const settled = useSettled(printTokenQuery(query));
  const pages = usePages(settled);
  const [revoking, setRevoking] = useState<ApiToken | undefined>(undefined);
  const change = (part: Partial<TokenQuery>): void => router.setQuery(printTokenQuery({ ...query, ...part }));
  const loaded = useResource(`${org} ${user ?? ''} ${pages.cursor ?? ''} ${settled}`, (signal) =>
    api.listTokens(org, user, askTokens(parseTokenQuery(settled), pages.cursor, pageSize), signal),
  );
  const columns = useColumns(user === undefined, setRevoking);
  return (
    <section aria-label={t('tokens.list')}>
      <Filters query={query} isOfOrg={user === undefined} onChange={change} />
      <Shown loaded={loaded}>
        {(page, isStale) => (
          <PagedTable
            caption={t('tokens.list')}
            columns={columns}
            page={page}
            keyOf={({ id }) => id}
            sort={query.sort}
            onSort={(sort) => isTokenSort(sort) && change({ sort })}
            isStale={isStale}
            pages={pages}
            pageSize={pageSize}
            empty={
              <Nothing
                query={query}
                hasMore={page.nextCursor !== null}
                onAll={() => change(plainTokenQuery)}
              />
            }
          />
        )}
      </Shown>
      {revoking !== undefined && (
        <RevokeDialog
          token={revoking}
          onClose={() => setRevoking(undefined)}
          onRevoked={() => {
            setRevoking(undefined);
            say(t('revoke.done', { name: revoking.name }));
            loaded.reload();
          }}
        />
      )}
    </section>
  );
};

interface FiltersProps {
  readonly query: TokenQuery;
  readonly isOfOrg: boolean;
  readonly onChange: (part: Partial<TokenQuery>) => void;
}

const Filters = ({ query, isOfOrg, onChange }: FiltersProps) => {
  const { t } = useWords();
  return (
    <search class="filters">
      <TextField
        label={t('list.search')}
        type="search"
        value={query.search}
        lengthMax={128}
        onValue={(search) => onChange({ search })}
      />
      {isOfOrg && (
        <TextField
          label={t('tokens.owner')}
          value={query.user}
          lengthMax={128}
          isId
          onValue={(user) => onChange({ user })}
        />
      )}
      <SelectField
        label={t('token.state')}
        value={query.state}
        options={tokenStates.map((each) => [each, t(`state.${each}`)] as const)}
        onValue={(state) => onChange({ state })}
      />
      <SelectField
        label={t('list.sort')}
        value={query.sort}
        options={tokenSorts.map((each) => [each, t(`sort.${each}`)] as const)}
        onValue={(sort) => onChange({ sort })}
      />
    </search>
  );
};

const Nothing = ({
  query,
  hasMore,
  onAll,
}: {
  readonly query: TokenQuery;
  readonly hasMore: boolean;
  readonly onAll: () => void;
}) => {
  const { t } = useWords();
  if (!isNarrowed(query) && !hasMore) return <Empty title={t('tokens.none')} />;
  return (
    <Empty title={t(hasMore ? 'list.noneHere' : 'list.noMatch')}>
      <Button onClick={onAll}>{t('list.showAll')}</Button>
    </Empty>
  );
};

const useColumns = (hasOwner: boolean, onRevoke: (token: ApiToken) => void): readonly Column<ApiToken>[] => {
  const { t } = useWords();
  const owner: Column<ApiToken> = { title: t('tokens.owner'), cell: ({ user }) => <code>{user}</code> };
  return [
    {
      title: t('token.name'),
      sort: 'name',
      look: 'main',
      cell: (token) => (
        <span class="two">
          <Link to={{ page: 'token', id: token.id }}>
            <Name>{token.name}</Name>
          </Link>
          <small>
            <code>{token.id}</code>
          </small>
        </span>
      ),
    },
    ...(hasOwner ? [owner] : []),
    { title: t('token.scopes'), cell: ({ scopes }) => <Scopes scopes={scopes} /> },
    {
      title: t('token.created'),
      sort: 'createdAt',
      cell: ({ createdAt }) => <Time iso={createdAt} look="date" />,
    },
    { title: t('token.expires'), sort: 'expiresAt', cell: (token) => <Expiry token={token} /> },
    { title: t('token.lastUsed'), sort: 'lastUsedAt', cell: (token) => <LastUse token={token} /> },
    { title: t('token.state'), cell: (token) => <StateBadge token={token} /> },
    {
      title: t('list.actions'),
      look: 'actions',
      cell: (token) => <Actions token={token} onRevoke={onRevoke} />,
    },
  ];
};

const Actions = ({
  token,
  onRevoke,
}: {
  readonly token: ApiToken;
  readonly onRevoke: (token: ApiToken) => void;
}) => {
  const { t } = useWords();
  const state = tokenStateAt(token, useNow());
  if (state === 'expired' || state === 'revoked') return null;
  return (
    <span class="actions">
      <Link
        to={{ page: 'regenerate', id: token.id }}
        class="button quiet"
        label={t('regenerate.named', { name: token.name })}
      >
        {t('regenerate.short')}
      </Link>
      <Button look="quiet" label={t('revoke.named', { name: token.name })} onClick={() => onRevoke(token)}>
        {t('revoke.action')}
      </Button>
    </span>
  );
};
