// Choosing the scopes of a token: all of one's roles, or some of them, down to single permissions.

import { useState } from 'preact/hooks';
import type { Grantable, ScopeGroup } from '../api/shapes.ts';
import { useWords } from '../session/preferences.tsx';
import { Choice, Group, TextField } from '../ui/fields.tsx';
import { Notice } from '../ui/notice.tsx';
import {
  type Chosen,
  choose,
  howMuch,
  narrowTree,
  noService,
  scopeTree,
  type ServiceBranch,
} from './scope-tree.ts';

export interface ScopePickerProps {
  readonly grantable: Pick<Grantable, 'roles' | 'services' | 'all'>;
  readonly chosen: Chosen;
  readonly onChange: (chosen: Chosen) => void;
}

const searchFrom = 12;

export const ScopePicker = ({ grantable, chosen, onChange }: ScopePickerProps) => {
  const { t } = useWords();
  const [text, setText] = useState('');
  const { organizationRoles, services } = narrowTree(scopeTree(grantable), text);
  if (grantable.all.length === 0)
    return (
      <Notice tone="warning">
        <p>{t('scopes.none')}</p>
      </Notice>
    );
  const pick = (scopes: readonly string[], isWanted: boolean): void =>
    onChange(choose(chosen, scopes, isWanted));
  return (
    <div class="tree">
      {grantable.all.length >= searchFrom && (
        <TextField label={t('scopes.search')} type="search" value={text} onValue={setText} />
      )}
      {organizationRoles.length > 0 && (
        <Group title={t('scopes.organizationRoles')}>
          {organizationRoles.map((role) => (
            <RoleChoice key={role.name} role={role} chosen={chosen} onPick={pick} />
          ))}
        </Group>
      )}
      {services.map((service) => (
        <Service key={service.name} service={service} chosen={chosen} onPick={pick} isOpen={text !== ''} />
      ))}
      <p role="status" class="chosen">
        {t('scopes.chosen', { count: chosen.length })}
      </p>
    </div>
  );
};

interface PickProps {
  readonly chosen: Chosen;
  readonly onPick: (scopes: readonly string[], isWanted: boolean) => void;
}

const RoleChoice = ({ role, chosen, onPick }: PickProps & { readonly role: ScopeGroup }) => {
  const { t } = useWords();
  const held = howMuch(chosen, role.scopes);
  return (
    <Choice
      label={role.name}
      hint={t('scopes.roleGrants', { count: role.scopes.length })}
      isChecked={held === 'all'}
      isMixed={held === 'some'}
      onChange={(isWanted) => onPick(role.scopes, isWanted)}
    />
  );
};

interface ServiceProps extends PickProps {
  readonly service: ServiceBranch;
  readonly isOpen: boolean;
}

const Service = ({ service: { name, roles, scopes }, chosen, onPick, isOpen }: ServiceProps) => {
  const { t } = useWords();
  const held = howMuch(chosen, scopes);
  const title = name === noService ? t('scopes.noService') : name;
  return (
    <details class="service" open={isOpen || held === 'some'}>
      <summary>
        <span dir="auto">{title}</span>
        <span class="count">
          {t('scopes.ofService', {
            chosen: String(scopes.filter((scope) => chosen.includes(scope)).length),
            total: String(scopes.length),
          })}
        </span>
      </summary>
      {scopes.length > 0 && (
        <Choice
          label={t('scopes.whole', { service: title })}
          isChecked={held === 'all'}
          isMixed={held === 'some'}
          onChange={(isWanted) => onPick(scopes, isWanted)}
        />
      )}
      {roles.length > 0 && (
        <Group title={t('scopes.serviceRoles')}>
          {roles.map((role) => (
            <RoleChoice key={role.name} role={role} chosen={chosen} onPick={onPick} />
          ))}
        </Group>
      )}
      <Group title={t('scopes.permissions')}>
        {scopes.map((scope) => (
          <Choice
            key={scope}
            label={scope}
            isChecked={chosen.includes(scope)}
            onChange={(isWanted) => onPick([scope], isWanted)}
          />
        ))}
      </Group>
    </details>
  );
};
