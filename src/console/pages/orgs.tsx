// For the operator: the organizations of this deployment.

import { useState } from 'preact/hooks';
import type { Org } from '../api/shapes.ts';
import { PagedTable } from '../lists/paged-table.tsx';
import { usePages } from '../lists/use-pages.ts';
import { AddOrgDialog } from '../operator/add-org-dialog.tsx';
import { ChangeOrg, DeleteOrg, DisableOrg } from '../operator/change-org-dialogs.tsx';
import { useWords } from '../session/preferences.tsx';
import { useApi } from '../session/session.tsx';
import { AccountState } from '../ui/account-state.tsx';
import { Button } from '../ui/button.tsx';
import { useFlash } from '../ui/flash.tsx';
import { Empty } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Name } from '../ui/rich.tsx';
import { Shown } from '../ui/shown.tsx';
import type { Column } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';
import { useResource } from '../ui/use-resource.ts';
import { parseDuration } from '../words/duration.ts';

type Asked = { readonly what: 'add' } | { readonly what: 'change' | 'disable' | 'delete'; readonly org: Org };

const pageSize = 20;

export const Orgs = () => {
  const { t } = useWords();
  const api = useApi();
  const { say } = useFlash();
  const pages = usePages('orgs');
  const [asked, setAsked] = useState<Asked | undefined>(undefined);
  const loaded = useResource(`orgs ${pages.cursor ?? ''}`, (signal) =>
    api.listOrgs({ limit: String(pageSize), cursor: pages.cursor }, signal),
  );
  const columns = useColumns(setAsked);
  const close = (): void => setAsked(undefined);
  const finish = (text: string): void => {
    close();
    say(text);
    loaded.reload();
  };
  return (
    <Page
      title={t('nav.orgs')}
      actions={
        <Button look="primary" icon="add" onClick={() => setAsked({ what: 'add' })}>
          {t('orgs.add')}
        </Button>
      }
    >
      <Shown loaded={loaded}>
        {(page, isStale) => (
          <section aria-label={t('nav.orgs')}>
            <PagedTable
              caption={t('nav.orgs')}
              columns={columns}
              page={page}
              keyOf={({ id }) => id}
              isStale={isStale}
              pages={pages}
              pageSize={pageSize}
              empty={<Empty title={t('orgs.none')} />}
            />
          </section>
        )}
      </Shown>
      {asked !== undefined && <Dialogs asked={asked} onClose={close} onDone={finish} />}
    </Page>
  );
};

interface DialogsProps {
  readonly asked: Asked;
  readonly onDone: (text: string) => void;
  readonly onClose: () => void;
}

const Dialogs = ({ asked, onDone, onClose }: DialogsProps) => {
  const { t } = useWords();
  if (asked.what === 'add')
    return <AddOrgDialog onClose={onClose} onDone={({ name }) => onDone(t('orgs.added', { name }))} />;
  const { org } = asked;
  const changed = (): void => onDone(t('orgs.changed', { name: org.name }));
  switch (asked.what) {
    case 'change':
      return <ChangeOrg org={org} onClose={onClose} onDone={changed} />;
    case 'disable':
      return <DisableOrg org={org} onClose={onClose} onDone={changed} />;
    case 'delete':
      return (
        <DeleteOrg org={org} onClose={onClose} onDone={() => onDone(t('orgs.deleted', { name: org.name }))} />
      );
  }
};

const useColumns = (onAsk: (asked: Asked) => void): readonly Column<Org>[] => {
  const { t, number, duration } = useWords();
  return [
    {
      title: t('account.name'),
      look: 'main',
      cell: ({ id, name }) => (
        <span class="two">
          <strong>
            <Name>{name}</Name>
          </strong>
          <small>
            <code>{id}</code>
          </small>
        </span>
      ),
    },
    {
      title: t('orgs.max'),
      cell: ({ tokenLifetimeMax }) =>
        tokenLifetimeMax === null ? t('orgs.noMax') : duration(parseDuration(tokenLifetimeMax) ?? 0),
    },
    { title: t('nav.roles'), look: 'number', cell: ({ roles }) => number(roles) },
    { title: t('token.created'), cell: ({ createdAt }) => <Time iso={createdAt} look="date" /> },
    { title: t('token.state'), cell: ({ state }) => <AccountState state={state} /> },
    { title: t('list.actions'), look: 'actions', cell: (org) => <Actions org={org} onAsk={onAsk} /> },
  ];
};

const Actions = ({ org, onAsk }: { readonly org: Org; readonly onAsk: (asked: Asked) => void }) => {
  const { t } = useWords();
  const { name, state } = org;
  const isActive = state === 'active';
  return (
    <span class="actions">
      <Button
        look="quiet"
        label={t('orgs.changeNamed', { name })}
        onClick={() => onAsk({ what: 'change', org })}
      >
        {t('action.change')}
      </Button>
      <Button
        look="quiet"
        label={t(isActive ? 'orgs.disableNamed' : 'orgs.enableNamed', { name })}
        onClick={() => onAsk({ what: 'disable', org })}
      >
        {t(isActive ? 'user.disable' : 'user.enable')}
      </Button>
      <Button
        look="quiet"
        label={t('orgs.deleteNamed', { name })}
        onClick={() => onAsk({ what: 'delete', org })}
      >
        {t('action.delete')}
      </Button>
    </span>
  );
};
