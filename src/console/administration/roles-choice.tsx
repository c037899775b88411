// Choosing a user's roles from those that the organization defines.

import { useWords } from '../session/preferences.tsx';
import { useApi, useSignedIn } from '../session/session.tsx';
import { Choice, Group } from '../ui/fields.tsx';
import { Shown } from '../ui/shown.tsx';
import { useResource } from '../ui/use-resource.ts';

export interface RolesChoiceProps {
  readonly roles: readonly string[];
  readonly onChange: (roles: readonly string[]) => void;
}

export const RolesChoice = ({ roles, onChange }: RolesChoiceProps) => {
  const { t } = useWords();
  const api = useApi();
  const { org } = useSignedIn().session;
  const loaded = useResource(org.id, (signal) => api.listRoles(org.id, signal));
  return (
    <Group title={t('account.roles')} hint={t('roles.mayGive')}>
      <Shown loaded={loaded}>
        {({ items }) => {
          // A role may have been deleted while a user still has it: it can be taken away here.
          const names = new Set([...items.map(({ name }) => name), ...roles]);
          return [...names].map((name) => {
            const scopes = items.find((role) => role.name === name)?.scopes;
            return (
              <Choice
                key={name}
                label={name}
                hint={
                  scopes === undefined
                    ? t('roles.undefined')
                    : t('scopes.roleGrants', { count: scopes.length })
                }
                isChecked={roles.includes(name)}
                onChange={(isGiven) =>
                  onChange(isGiven ? [...roles, name] : roles.filter((each) => each !== name))
                }
              />
            );
          });
        }}
      </Shown>
    </Group>
  );
};
