// Defining a role, or changing what one grants: its scopes are typed one a line.

import { useId, useState } from 'preact/hooks';
import type { Role } from '../api/shapes.ts';
import { useWords } from '../session/preferences.tsx';
import { useApi, useSignedIn } from '../session/session.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { TextField } from '../ui/fields.tsx';
import { ProblemNotice } from '../ui/notice.tsx';
import { useCommand } from '../ui/use-command.ts';

export interface RoleDialogProps {
  /** Undefined: a new one. */
  readonly role: Role | undefined;
  readonly onDone: (role: Role) => void;
  readonly onClose: () => void;
}

export const RoleDialog = ({ role, onDone, onClose }: RoleDialogProps) => {
  const { t } = useWords();
  const api = useApi();
  const { org } = useSignedIn().session;
  const command = useCommand();
  const [name, setName] = useState(role?.name ?? '');
  const [text, setText] = useState(role?.scopes.join('\n') ?? '');
  const id = useId();
  // The role's name is a part of the address it is sent to.
  const hasSlash = name.includes('/');
  return (
    <Confirm
      title={role === undefined ? t('roles.add') : t('roles.changeNamed', { name: role.name })}
      action={t('action.save')}
      look="primary"
      isBusy={command.isBusy}
      isReady={name.trim() !== '' && !hasSlash}
      onConfirm={() => command.run(() => api.putRole(org.id, name.trim(), readScopes(text)), onDone)}
      onClose={onClose}
    >
      {role === undefined && (
        <TextField
          label={t('roles.name')}
          value={name}
          error={hasSlash ? t('roles.noSlash') : undefined}
          isRequired
          isId
          lengthMax={128}
          onValue={setName}
        />
      )}
      <div class="field">
        <label for={id}>{t('token.scopes')}</label>
        <textarea
          id={id}
          dir="ltr"
          spellcheck={false}
          aria-describedby={`${id}-about`}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
        <p id={`${id}-about`} class="about">
          {t('roles.scopesHint')}
        </p>
      </div>
      <p class="about">{t('roles.sessionsEnd')}</p>
      <ProblemNotice problem={command.problem} />
    </Confirm>
  );
};

/** In the order they were typed, each once. */
const readScopes = (text: string): readonly string[] => [
  ...new Set(text.split(/\s+/).filter((scope) => scope !== '')),
];
