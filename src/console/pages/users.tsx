// For an owner: the users of the organization.

import type { User } from '../api/shapes.ts';
import { PagedTable } from '../lists/paged-table.tsx';
import { usePages } from '../lists/use-pages.ts';
import { Link } from '../routing/router.tsx';
import { useWords } from '../session/preferences.tsx';
import { useApi, useSignedIn } from '../session/session.tsx';
import { AccountState } from '../ui/account-state.tsx';
import { Icon } from '../ui/icon.tsx';
import { Empty } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Name } from '../ui/rich.tsx';
import { Shown } from '../ui/shown.tsx';
import type { Column } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';
import { useResource } from '../ui/use-resource.ts';

const pageSize = 20;

export const Users = () => {
  const { t } = useWords();
  const api = useApi();
  const { org } = useSignedIn().session;
  const pages = usePages(org.id);
  const loaded = useResource(`${org.id} ${pages.cursor ?? ''}`, (signal) =>
    api.listUsers(org.id, { limit: String(pageSize), cursor: pages.cursor }, signal),
  );
  const columns = useColumns();
  return (
    <Page
      title={t('nav.users')}
      actions={
        <Link to={{ page: 'addUser' }} class="button primary">
          <Icon name="add" />
          <span>{t('addUser.title')}</span>
        </Link>
      }
    >
      <Shown loaded={loaded}>
        {(page, isStale) => (
          <section aria-label={t('nav.users')}>
            <PagedTable
              caption={t('nav.users')}
              columns={columns}
              page={page}
              keyOf={({ id }) => id}
              isStale={isStale}
              pages={pages}
              pageSize={pageSize}
              empty={<Empty title={t('users.none')} />}
            />
          </section>
        )}
      </Shown>
    </Page>
  );
};

const useColumns = (): readonly Column<User>[] => {
  const { t } = useWords();
  return [
    {
      title: t('account.name'),
      look: 'main',
      cell: ({ id, name }) => (
        <span class="two">
          <Link to={{ page: 'user', id }}>
            <Name>{name}</Name>
          </Link>
          <small>
            <code>{id}</code>
          </small>
        </span>
      ),
    },
    { title: t('field.email'), cell: ({ email }) => email ?? '–' },
    { title: t('account.roles'), cell: ({ roles }) => <Roles roles={roles} /> },
    { title: t('token.created'), cell: ({ createdAt }) => <Time iso={createdAt} look="date" /> },
    { title: t('token.state'), cell: ({ state }) => <AccountState state={state} /> },
  ];
};

const Roles = ({ roles }: { readonly roles: readonly string[] }) => (
  <span class="scopes">
    {roles.length === 0 && '–'}
    {roles.map((role) => (
      <code key={role}>{role}</code>
    ))}
  </span>
);
