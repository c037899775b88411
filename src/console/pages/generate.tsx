// Generating a token: name, lifetime, scopes, OpenID, reminder. What was typed stays through an outage and a lost session.

import { useState } from 'preact/hooks';
import { isProblem } from '../api/problem.ts';
import type { Grantable } from '../api/shapes.ts';
import { Link, useRouter } from '../routing/router.tsx';
import { createDraft } from '../session/drafts.ts';
import { useWords } from '../session/preferences.tsx';
import { useApi, useSignedIn } from '../session/session.tsx';
import { showSecret } from '../session/shown-secret.ts';
import { useDraft } from '../session/use-draft.ts';
import { commandOf, emptyForm, faultsOf, type NewTokenForm } from '../tokens/new-token.ts';
import { LifetimeFields, NetworkField, ReminderFields, ScopeFields } from '../tokens/new-token-fields.tsx';
import { Button } from '../ui/button.tsx';
import { Choice, Group, TextField } from '../ui/fields.tsx';
import { ProblemNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Shown } from '../ui/shown.tsx';
import { useCommand } from '../ui/use-command.ts';
import { useFirstFault } from '../ui/use-first-fault.ts';
import { useResource } from '../ui/use-resource.ts';
import { BackToTokens } from './token-details.tsx';

/** With the key of the last attempt: the same command sent again makes no second token. */
interface Typed {
  readonly form: NewTokenForm;
  readonly attempt: { readonly content: string; readonly key: string } | undefined;
}

const draft = createDraft<Typed>();

export interface Choices {
  readonly grantable: Grantable;
  /** Where reminders go; null: the user has no address. */
  readonly email: string | null;
}

export const Generate = () => {
  const { t } = useWords();
  const api = useApi();
  const { org, user } = useSignedIn().session;
  const loaded = useResource(`${org.id} ${user.id}`, async (signal) => {
    const [grantable, self] = await Promise.all([
      api.findGrantable(org.id, user.id, signal),
      api.findUser(org.id, user.id, signal),
    ]);
    if (isProblem(grantable)) return grantable;
    return { grantable, email: isProblem(self) ? null : self.email };
  });
  return (
    <Page title={t('generate.title')} width="narrow" lead={<BackToTokens />}>
      <Shown loaded={loaded}>{(choices) => <Form choices={choices} />}</Shown>
    </Page>
  );
};

const Form = ({ choices }: { readonly choices: Choices }) => {
  const { t } = useWords();
  const api = useApi();
  const { org, user } = useSignedIn().session;
  const { replace } = useRouter();
  const command = useCommand();
  const { grantable } = choices;
  const [typed, changeTyped, forget] = useDraft(draft, { form: emptyForm(grantable), attempt: undefined });
  const { form } = typed;
  const change = (part: Partial<NewTokenForm>): void => changeTyped({ form: { ...form, ...part } });
  const [isChecked, setChecked] = useState(false);
  const faults = isChecked ? faultsOf(form, grantable) : [];
  const { ref, showFirst } = useFirstFault();
  const submit = (event: Event): void => {
    event.preventDefault();
    setChecked(true);
    if (faultsOf(form, grantable).length > 0) return showFirst();
    const asked = commandOf(form);
    const content = JSON.stringify(asked);
    const key = typed.attempt?.content === content ? typed.attempt.key : crypto.randomUUID();
    changeTyped({ attempt: { content, key } });
    command.run(
      () => api.generateToken(org.id, user.id, asked, key),
      (made) => {
        forget();
        showSecret(made);
        replace({ page: 'secret', id: made.id });
      },
    );
  };
  return (
    <form class="card stack" ref={ref} onSubmit={submit} noValidate>
      <TextField
        label={t('token.name')}
        hint={t('generate.nameHint')}
        error={faults.includes('nameMissing') ? t('generate.nameMissing') : undefined}
        value={form.name}
        lengthMax={128}
        isRequired
        onValue={(name) => change({ name })}
      />
      <LifetimeFields form={form} grantable={grantable} faults={faults} onChange={change} />
      <ScopeFields form={form} grantable={grantable} faults={faults} onChange={change} />
      <NetworkField form={form} faults={faults} onChange={change} />
      <Group title={t('token.openid')}>
        <Choice
          label={t('generate.openid')}
          hint={t('generate.openidHint')}
          isChecked={form.openid}
          onChange={(openid) => change({ openid })}
        />
      </Group>
      <ReminderFields form={form} choices={choices} faults={faults} onChange={change} />
      <ProblemNotice problem={command.problem} />
      <div class="actions">
        <Link to={{ page: 'tokens' }} class="button">
          {t('action.cancel')}
        </Link>
        <Button look="primary" type="submit" isBusy={command.isBusy}>
          {t('generate.submit')}
        </Button>
      </div>
    </form>
  );
};
