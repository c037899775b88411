// For an owner: the name of the organization and its reminders. The rest is the operator's.

import { useState } from 'preact/hooks';
import type { Org } from '../api/shapes.ts';
import { ReminderFields } from '../operator/org-fields.tsx';
import { orgFaults, orgForm, ownOrgBody } from '../operator/org-form.ts';
import { useWords } from '../session/preferences.tsx';
import { useApi, useSession, useSignedIn } from '../session/session.tsx';
import { Button } from '../ui/button.tsx';
import { Fact, Facts } from '../ui/facts.tsx';
import { TextField } from '../ui/fields.tsx';
import { useFlash } from '../ui/flash.tsx';
import { ProblemNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Shown } from '../ui/shown.tsx';
import { useCommand } from '../ui/use-command.ts';
import { useResource } from '../ui/use-resource.ts';
import { parseDuration } from '../words/duration.ts';

export const OrgSettings = () => {
  const { t } = useWords();
  const api = useApi();
  const { org } = useSignedIn().session;
  const loaded = useResource(org.id, (signal) => api.findOrg(org.id, signal));
  return (
    <Page title={t('nav.orgSettings')} lead={t('orgSettings.lead')} width="narrow">
      <Shown loaded={loaded}>{(found) => <Form org={found} onChanged={loaded.put} />}</Shown>
    </Page>
  );
};

interface FormProps {
  readonly org: Org;
  readonly onChanged: (org: Org) => void;
}

const Form = ({ org, onChanged }: FormProps) => {
  const { t, duration } = useWords();
  const api = useApi();
  const { say } = useFlash();
  const showName = useNewName();
  const command = useCommand();
  const [form, setForm] = useState(() => orgForm(org));
  const change = (part: Partial<typeof form>): void => setForm((before) => ({ ...before, ...part }));
  const submit = (event: Event): void => {
    event.preventDefault();
    command.run(
      () => api.changeOrg(org.id, ownOrgBody(form)),
      (changed) => {
        setForm(orgForm(changed));
        onChanged(changed);
        showName(changed.name);
        say(t('orgs.changed', { name: changed.name }));
      },
    );
  };
  return (
    <form class="card stack" onSubmit={submit} noValidate>
      <TextField
        label={t('account.name')}
        value={form.name}
        lengthMax={128}
        onValue={(name) => change({ name })}
      />
      <ReminderFields form={form} onChange={change} />
      <Facts>
        <Fact title={t('account.orgId')}>
          <code>{org.id}</code>
        </Fact>
        <Fact title={t('orgs.max')}>
          {org.tokenLifetimeMax === null
            ? t('orgs.noMax')
            : duration(parseDuration(org.tokenLifetimeMax) ?? 0)}{' '}
          <small>{t('orgSettings.max')}</small>
        </Fact>
      </Facts>
      <ProblemNotice problem={command.problem} />
      <div class="actions">
        <Button
          type="submit"
          look="primary"
          isBusy={command.isBusy}
          isDisabled={form.name.trim() === '' || orgFaults(form).includes('remind')}
        >
          {t('action.save')}
        </Button>
      </div>
    </form>
  );
};

/** The menu shows a new name at once, and "Revoke all" asks for it. */
const useNewName = () => {
  const { enter } = useSession();
  const { session, orgs, ...times } = useSignedIn();
  const { id } = session.org;
  return (name: string): void =>
    enter({
      ...times,
      session: { ...session, org: { id, name } },
      orgs: orgs.map((each) => (each.id === id ? { id, name } : each)),
    });
};
