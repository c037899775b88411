// For an owner: a new user, with roles and a first password.

import { useState } from 'preact/hooks';
import { RolesChoice } from '../administration/roles-choice.tsx';
import { Link, useRouter } from '../routing/router.tsx';
import { createDraft } from '../session/drafts.ts';
import { useWords } from '../session/preferences.tsx';
import { useApi, useSignedIn } from '../session/session.tsx';
import { useDraft } from '../session/use-draft.ts';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/fields.tsx';
import { useFlash } from '../ui/flash.tsx';
import { ProblemNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { useCommand } from '../ui/use-command.ts';

interface NewUser {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly roles: readonly string[];
}

const draft = createDraft<NewUser>();

export const AddUser = () => {
  const { t } = useWords();
  const api = useApi();
  const { org } = useSignedIn().session;
  const { replace } = useRouter();
  const { say } = useFlash();
  const [form, change, forget] = useDraft(draft, { id: '', name: '', email: '', roles: [] });
  const [password, setPassword] = useState('');
  const command = useCommand();
  const submit = (event: Event): void => {
    event.preventDefault();
    const { id, name, email, roles } = form;
    const body = {
      id: id.trim(),
      roles,
      ...(name.trim() !== '' && { name: name.trim() }),
      ...(email.trim() !== '' && { email: email.trim() }),
      ...(password !== '' && { password }),
    };
    command.run(
      () => api.createUser(org.id, body),
      (user) => {
        forget();
        say(t('addUser.done', { name: user.name }), 'next');
        replace({ page: 'user', id: user.id });
      },
    );
  };
  return (
    <Page title={t('addUser.title')} width="narrow" lead={<BackToUsers />}>
      <form class="card stack" onSubmit={submit}>
        <Fields form={form} onChange={change} />
        <TextField
          label={t('addUser.password')}
          hint={t('addUser.passwordHint')}
          type="password"
          autocomplete="new-password"
          value={password}
          onValue={setPassword}
        />
        <RolesChoice roles={form.roles} onChange={(roles) => change({ roles })} />
        <ProblemNotice problem={command.problem} />
        <div class="actions">
          <Link to={{ page: 'users' }} class="button">
            {t('action.cancel')}
          </Link>
          <Button look="primary" type="submit" isBusy={command.isBusy}>
            {t('addUser.submit')}
          </Button>
        </div>
      </form>
    </Page>
  );
};

interface FieldsProps {
  readonly form: NewUser;
  readonly onChange: (part: Partial<NewUser>) => void;
}

const Fields = ({ form, onChange }: FieldsProps) => {
  const { t } = useWords();
  return (
    <>
      <TextField
        label={t('field.user')}
        hint={t('addUser.idHint')}
        value={form.id}
        isRequired
        isId
        lengthMax={128}
        onValue={(id) => onChange({ id })}
      />
      <TextField
        label={t('account.name')}
        value={form.name}
        lengthMax={128}
        onValue={(name) => onChange({ name })}
      />
      <TextField
        label={t('field.email')}
        type="email"
        value={form.email}
        lengthMax={254}
        isId
        onValue={(email) => onChange({ email })}
      />
    </>
  );
};

export const BackToUsers = () => {
  const { t } = useWords();
  return <Link to={{ page: 'users' }}>{t('nav.users')}</Link>;
};
