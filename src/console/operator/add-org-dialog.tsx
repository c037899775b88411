// For the operator: a new organization, with its first owner.

import { useState } from 'preact/hooks';
import type { Org } from '../api/shapes.ts';
import { useWords } from '../session/preferences.tsx';
import { useApi, useSignedIn } from '../session/session.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { Group, TextField } from '../ui/fields.tsx';
import { ProblemNotice } from '../ui/notice.tsx';
import { useCommand } from '../ui/use-command.ts';
import { OrgFields } from './org-fields.tsx';
import { emptyOrgForm, orgBody, orgFaults } from './org-form.ts';

export interface AddOrgDialogProps {
  readonly onDone: (org: Org) => void;
  readonly onClose: () => void;
}

/** What the role `owner` of a new organization grants: no more of it than the operator may give. */
const ownerScopes = ['org:owner', 'tollgate:tokens:own', 'tollgate:tokens:all', 'tollgate:audit:read'];

export const AddOrgDialog = ({ onDone, onClose }: AddOrgDialogProps) => {
  const { t } = useWords();
  const api = useApi();
  const { scopes } = useSignedIn().session;
  const command = useCommand();
  const [id, setId] = useState('');
  const [form, setForm] = useState(emptyOrgForm);
  const [owner, setOwner] = useState('');
  const [password, setPassword] = useState('');
  const granted = ownerScopes.filter((scope) => scopes.includes(scope));
  const hasOwner = owner.trim() !== '';
  const body = {
    id: id.trim(),
    ...orgBody(form),
    ...(hasOwner && {
      roles: { owner: granted },
      owner: { id: owner.trim(), roles: ['owner'], ...(password !== '' && { password }) },
    }),
  };
  return (
    <Confirm
      title={t('orgs.add')}
      action={t('orgs.addSubmit')}
      look="primary"
      isBusy={command.isBusy}
      isReady={id.trim() !== '' && orgFaults(form).length === 0}
      onConfirm={() => command.run(() => api.createOrg(body), onDone)}
      onClose={onClose}
    >
      <TextField
        label={t('field.org')}
        hint={t('addUser.idHint')}
        value={id}
        isRequired
        isId
        lengthMax={128}
        onValue={setId}
      />
      <OrgFields form={form} onChange={(part) => setForm((before) => ({ ...before, ...part }))} />
      <Group title={t('orgs.owner')} hint={t('orgs.ownerHint')}>
        <TextField label={t('field.user')} value={owner} isId lengthMax={128} onValue={setOwner} />
        {hasOwner && (
          <TextField
            label={t('addUser.password')}
            hint={t('password.hint')}
            type="password"
            autocomplete="new-password"
            value={password}
            onValue={setPassword}
          />
        )}
      </Group>
      <ProblemNotice problem={command.problem} />
    </Confirm>
  );
};
