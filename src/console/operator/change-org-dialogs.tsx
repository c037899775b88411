// For the operator: changing an organization, disabling and enabling it, deleting it.

import { useState } from 'preact/hooks';
import type { Org } from '../api/shapes.ts';
import { useWords } from '../session/preferences.tsx';
import { useApi } from '../session/session.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { ProblemNotice } from '../ui/notice.tsx';
import { useTypedName } from '../ui/typed-name.tsx';
import { useCommand } from '../ui/use-command.ts';
import { OrgFields } from './org-fields.tsx';
import { orgBody, orgFaults, orgForm } from './org-form.ts';

export interface OrgDialogProps {
  readonly org: Org;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

export const ChangeOrg = ({ org, onDone, onClose }: OrgDialogProps) => {
  const { t } = useWords();
  const api = useApi();
  const command = useCommand();
  const [form, setForm] = useState(() => orgForm(org));
  return (
    <Confirm
      title={t('orgs.changeNamed', { name: org.name })}
      action={t('action.save')}
      look="primary"
      isBusy={command.isBusy}
      isReady={orgFaults(form).length === 0}
      onConfirm={() => command.run(() => api.changeOrg(org.id, orgBody(form)), onDone)}
      onClose={onClose}
    >
      <OrgFields form={form} onChange={(part) => setForm((before) => ({ ...before, ...part }))} />
      <ProblemNotice problem={command.problem} />
    </Confirm>
  );
};

export const DisableOrg = ({ org, onDone, onClose }: OrgDialogProps) => {
  const { t } = useWords();
  const api = useApi();
  const command = useCommand();
  const isActive = org.state === 'active';
  const state = isActive ? 'disabled' : 'active';
  return (
    <Confirm
      title={t(isActive ? 'orgs.disableNamed' : 'orgs.enableNamed', { name: org.name })}
      action={t(isActive ? 'user.disable' : 'user.enable')}
      look={isActive ? 'danger' : 'primary'}
      isBusy={command.isBusy}
      onConfirm={() => command.run(() => api.changeOrg(org.id, { state }), onDone)}
      onClose={onClose}
    >
      <p>{t(isActive ? 'orgs.disableWarning' : 'orgs.enableWarning')}</p>
      <ProblemNotice problem={command.problem} />
    </Confirm>
  );
};

export const DeleteOrg = ({ org, onDone, onClose }: OrgDialogProps) => {
  const { t } = useWords();
  const api = useApi();
  const command = useCommand();
  const { field, isRight } = useTypedName(org.name);
  return (
    <Confirm
      title={t('orgs.deleteNamed', { name: org.name })}
      action={t('action.delete')}
      isBusy={command.isBusy}
      isReady={isRight}
      onConfirm={() => command.run(() => api.deleteOrg(org.id), onDone)}
      onClose={onClose}
    >
      <p>{t('orgs.deleteWarning')}</p>
      {field}
      <ProblemNotice problem={command.problem} />
    </Confirm>
  );
};
