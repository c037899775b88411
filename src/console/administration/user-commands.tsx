// What an owner may do to a user beside changing it, each with its consequences: disable, end sessions, revoke everything,
// give a password, delete.

import { useState } from 'preact/hooks';
import type { User } from '../api/shapes.ts';
import type { Outcome } from '../api/request.ts';
import { useRouter } from '../routing/router.tsx';
import { useWords } from '../session/preferences.tsx';
import { useApi } from '../session/session.tsx';
import { Button } from '../ui/button.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { TextField } from '../ui/fields.tsx';
import { useFlash } from '../ui/flash.tsx';
import { ProblemNotice } from '../ui/notice.tsx';
import { useTypedName } from '../ui/typed-name.tsx';
import { useCommand } from '../ui/use-command.ts';

export interface UserCommandsProps {
  readonly user: User;
  readonly onChanged: (user: User) => void;
}

const commands = ['disable', 'endSessions', 'revokeAll', 'setPassword', 'delete'] as const;
type CommandName = (typeof commands)[number];

export const UserCommands = ({ user, onChanged }: UserCommandsProps) => {
  const { t } = useWords();
  const api = useApi();
  const { say } = useFlash();
  const [asked, setAsked] = useState<CommandName | undefined>(undefined);
  const enabling = useCommand();
  const enable = (): void =>
    enabling.run(
      () => api.changeUser(user.org, user.id, { state: 'active' }),
      (changed) => {
        onChanged(changed);
        say(t('user.enabled', { name: changed.name }));
      },
    );
  const shown = commands.filter((name) => name !== 'disable' || user.state === 'active');
  return (
    <section class="card stack" aria-labelledby="commands">
      <h2 id="commands">{t('user.commands')}</h2>
      <div class="actions start">
        {user.state === 'disabled' && (
          <Button isBusy={enabling.isBusy} onClick={enable}>
            {t('user.enable')}
          </Button>
        )}
        {shown.map((name) => (
          <Button key={name} look={name === 'delete' ? 'danger' : 'plain'} onClick={() => setAsked(name)}>
            {t(`user.${name}`)}
          </Button>
        ))}
      </div>
      <ProblemNotice problem={enabling.problem} />
      {asked === 'setPassword' && <SetPassword user={user} onClose={() => setAsked(undefined)} />}
      {asked === 'delete' && <Delete user={user} onClose={() => setAsked(undefined)} />}
      {(asked === 'disable' || asked === 'endSessions' || asked === 'revokeAll') && (
        <Ask name={asked} user={user} onChanged={onChanged} onClose={() => setAsked(undefined)} />
      )}
    </section>
  );
};

interface DialogProps {
  readonly user: User;
  readonly onClose: () => void;
}

const Ask = ({
  name,
  user,
  onChanged,
  onClose,
}: DialogProps & UserCommandsProps & { readonly name: 'disable' | 'endSessions' | 'revokeAll' }) => {
  const { t } = useWords();
  const api = useApi();
  const { say } = useFlash();
  const command = useCommand();
  const work = (): Promise<Outcome<User | undefined>> => {
    if (name === 'disable') return api.changeUser(user.org, user.id, { state: 'disabled' });
    return name === 'endSessions' ? api.endSessions(user.org, user.id) : api.revokeUser(user.org, user.id);
  };
  const confirm = (): void =>
    command.run(work, (changed) => {
      if (changed !== undefined) onChanged(changed);
      onClose();
      say(t(`user.${name}Done`, { name: user.name }));
    });
  return (
    <Confirm
      title={t(`user.${name}`)}
      action={t(`user.${name}`)}
      isBusy={command.isBusy}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>{t(`user.${name}Warning`)}</p>
      <ProblemNotice problem={command.problem} />
    </Confirm>
  );
};

const SetPassword = ({ user, onClose }: DialogProps) => {
  const { t } = useWords();
  const api = useApi();
  const { say } = useFlash();
  const [password, setPassword] = useState('');
  const command = useCommand();
  const confirm = (): void =>
    command.run(
      () => api.changePassword(user.org, user.id, { newPassword: password }),
      () => {
        onClose();
        say(t('user.setPasswordDone', { name: user.name }));
      },
    );
  return (
    <Confirm
      title={t('user.setPassword')}
      action={t('user.setPassword')}
      look="primary"
      isBusy={command.isBusy}
      isReady={password.length >= 12}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>{t('user.setPasswordWarning')}</p>
      <TextField
        label={t('password.next')}
        hint={t('password.hint')}
        type="password"
        autocomplete="new-password"
        value={password}
        isRequired
        onValue={setPassword}
      />
      <ProblemNotice problem={command.problem} />
    </Confirm>
  );
};

const Delete = ({ user, onClose }: DialogProps) => {
  const { t } = useWords();
  const api = useApi();
  const { say } = useFlash();
  const { replace } = useRouter();
  const command = useCommand();
  const { field, isRight } = useTypedName(user.id);
  const confirm = (): void =>
    command.run(
      () => api.deleteUser(user.org, user.id),
      () => {
        say(t('user.deleteDone', { name: user.name }), 'next');
        replace({ page: 'users' });
      },
    );
  return (
    <Confirm
      title={t('user.delete')}
      action={t('user.delete')}
      isBusy={command.isBusy}
      isReady={isRight}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>{t('user.deleteWarning')}</p>
      {field}
      <ProblemNotice problem={command.problem} />
    </Confirm>
  );
};
