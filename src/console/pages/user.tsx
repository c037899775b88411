// For an owner: one user, to change, disable or delete, to give another password, to end what it has.

import { useState } from 'preact/hooks';
import type { User } from '../api/shapes.ts';
import { RolesChoice } from '../administration/roles-choice.tsx';
import { UserCommands } from '../administration/user-commands.tsx';
import { Link } from '../routing/router.tsx';
import { useWords } from '../session/preferences.tsx';
import { useApi, useSignedIn } from '../session/session.tsx';
import { AccountState } from '../ui/account-state.tsx';
import { Button } from '../ui/button.tsx';
import { Fact, Facts } from '../ui/facts.tsx';
import { TextField } from '../ui/fields.tsx';
import { useFlash } from '../ui/flash.tsx';
import { ProblemNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Name } from '../ui/rich.tsx';
import { Shown } from '../ui/shown.tsx';
import { Time } from '../ui/time.tsx';
import { useCommand } from '../ui/use-command.ts';
import { useResource } from '../ui/use-resource.ts';
import { BackToUsers } from './add-user.tsx';

export const UserPage = ({ id }: { readonly id: string }) => {
  const { t } = useWords();
  const api = useApi();
  const { org } = useSignedIn().session;
  const loaded = useResource(`${org.id} ${id}`, (signal) => api.findUser(org.id, id, signal));
  return (
    <Page title={t('user.title')} width="narrow" lead={<BackToUsers />}>
      <Shown loaded={loaded}>
        {(user) => (
          <>
            <About user={user} />
            <ChangeUser key={JSON.stringify(user)} user={user} onChanged={loaded.put} />
            <UserCommands user={user} onChanged={loaded.put} />
          </>
        )}
      </Shown>
    </Page>
  );
};

const About = ({ user }: { readonly user: User }) => {
  const { t } = useWords();
  return (
    <section class="card stack" aria-labelledby="about">
      <h2 id="about">
        <Name>{user.name}</Name> <AccountState state={user.state} />
      </h2>
      <Facts>
        <Fact title={t('field.user')}>
          <code>{user.id}</code>
        </Fact>
        <Fact title={t('token.created')}>
          <Time iso={user.createdAt} />
        </Fact>
        <Fact title={t('user.hasPassword')}>{t(user.hasPassword ? 'answer.yes' : 'answer.no')}</Fact>
      </Facts>
      <p>
        <Link to={{ page: 'orgTokens' }} query={`user=${encodeURIComponent(user.id)}`}>
          {t('user.tokens')}
        </Link>
      </p>
    </section>
  );
};

interface ChangeProps {
  readonly user: User;
  readonly onChanged: (user: User) => void;
}

const ChangeUser = ({ user, onChanged }: ChangeProps) => {
  const { t } = useWords();
  const api = useApi();
  const { say } = useFlash();
  const [name, setName] = useState(user.name);
  const [email, setEmail] = useState(user.email ?? '');
  const [roles, setRoles] = useState(user.roles);
  const command = useCommand();
  const hasOtherRoles = [...roles].sort().join('\n') !== [...user.roles].sort().join('\n');
  const change = {
    ...(name.trim() !== user.name && { name: name.trim() }),
    ...(email.trim() !== (user.email ?? '') && { email: email.trim() === '' ? null : email.trim() }),
    ...(hasOtherRoles && { roles }),
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    command.run(
      () => api.changeUser(user.org, user.id, change),
      (changed) => {
        onChanged(changed);
        say(t('user.changed', { name: changed.name }));
      },
    );
  };
  return (
    <section class="card stack" aria-labelledby="change">
      <h2 id="change">{t('user.change')}</h2>
      <form class="stack" onSubmit={submit}>
        <TextField label={t('account.name')} value={name} isRequired lengthMax={128} onValue={setName} />
        <TextField
          label={t('field.email')}
          type="email"
          value={email}
          isId
          lengthMax={254}
          onValue={setEmail}
        />
        <RolesChoice roles={roles} onChange={setRoles} />
        {hasOtherRoles && <p class="about">{t('user.rolesEnd')}</p>}
        <ProblemNotice problem={command.problem} />
        <div class="actions">
          <Button
            look="primary"
            type="submit"
            isBusy={command.isBusy}
            isDisabled={Object.keys(change).length === 0}
          >
            {t('action.save')}
          </Button>
        </div>
      </form>
    </section>
  );
};
