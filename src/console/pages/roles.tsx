// For an owner: the roles of the organization and the scopes that each grants.

import { useState } from 'preact/hooks';
import type { Role } from '../api/shapes.ts';
import { useWords } from '../session/preferences.tsx';
import { useApi, useSignedIn } from '../session/session.tsx';
import { RoleDialog } from '../administration/role-dialog.tsx';
import { Button } from '../ui/button.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { useFlash } from '../ui/flash.tsx';
import { Empty, ProblemNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Shown } from '../ui/shown.tsx';
import { Table } from '../ui/table.tsx';
import { useCommand } from '../ui/use-command.ts';
import { useResource } from '../ui/use-resource.ts';

type Asked =
  | { readonly what: 'define'; readonly role: Role | undefined }
  | { readonly what: 'delete'; readonly role: Role };

export const Roles = () => {
  const { t } = useWords();
  const api = useApi();
  const { say } = useFlash();
  const { org } = useSignedIn().session;
  const loaded = useResource(org.id, (signal) => api.listRoles(org.id, signal));
  const [asked, setAsked] = useState<Asked | undefined>(undefined);
  const close = (): void => setAsked(undefined);
  const finish = (text: string): void => {
    close();
    say(text);
    loaded.reload();
  };
  return (
    <Page
      title={t('nav.roles')}
      lead={t('roles.lead')}
      actions={
        <Button look="primary" icon="add" onClick={() => setAsked({ what: 'define', role: undefined })}>
          {t('roles.add')}
        </Button>
      }
    >
      <Shown loaded={loaded}>
        {({ items }, isStale) =>
          items.length === 0 ? (
            <Empty title={t('roles.none')} />
          ) : (
            <RoleTable items={items} isStale={isStale} onAsk={setAsked} />
          )
        }
      </Shown>
      {asked?.what === 'define' && (
        <RoleDialog
          role={asked.role}
          onClose={close}
          onDone={({ name }) => finish(t('roles.defined', { name }))}
        />
      )}
      {asked?.what === 'delete' && (
        <Delete
          role={asked.role}
          onClose={close}
          onDone={() => finish(t('roles.deleted', { name: asked.role.name }))}
        />
      )}
    </Page>
  );
};

interface RoleTableProps {
  readonly items: readonly Role[];
  readonly isStale: boolean;
  readonly onAsk: (asked: Asked) => void;
}

const RoleTable = ({ items, isStale, onAsk }: RoleTableProps) => {
  const { t } = useWords();
  return (
    <Table
      caption={t('nav.roles')}
      rows={items}
      keyOf={({ name }) => name}
      isStale={isStale}
      columns={[
        { title: t('roles.role'), look: 'main', cell: ({ name }) => <strong>{name}</strong> },
        {
          title: t('token.scopes'),
          cell: ({ scopes }) => (
            <span class="scopes">
              {scopes.map((scope) => (
                <code key={scope}>{scope}</code>
              ))}
            </span>
          ),
        },
        {
          title: t('list.actions'),
          look: 'actions',
          cell: (role) => (
            <span class="actions">
              <Button
                look="quiet"
                label={t('roles.changeNamed', { name: role.name })}
                onClick={() => onAsk({ what: 'define', role })}
              >
                {t('action.change')}
              </Button>
              <Button
                look="quiet"
                label={t('roles.deleteNamed', { name: role.name })}
                onClick={() => onAsk({ what: 'delete', role })}
              >
                {t('action.delete')}
              </Button>
            </span>
          ),
        },
      ]}
    />
  );
};

const Delete = ({
  role,
  onClose,
  onDone,
}: {
  readonly role: Role;
  readonly onClose: () => void;
  readonly onDone: () => void;
}) => {
  const { t } = useWords();
  const api = useApi();
  const { org } = useSignedIn().session;
  const command = useCommand();
  return (
    <Confirm
      title={t('roles.deleteNamed', { name: role.name })}
      action={t('action.delete')}
      isBusy={command.isBusy}
      onConfirm={() => command.run(() => api.deleteRole(org.id, role.name), onDone)}
      onClose={onClose}
    >
      <p>{t('roles.deleteWarning')}</p>
      <ProblemNotice problem={command.problem} />
    </Confirm>
  );
};
