// A new secret for a token that keeps its id, name and scopes, and its expiry unless it gets a new lifetime. The old secret may
// stay good for a while. The links in reminders lead here.

import { useRef, useState } from 'preact/hooks';
import { isProblem } from '../api/problem.ts';
import type { ApiToken } from '../api/shapes.ts';
import { Link, useRouter } from '../routing/router.tsx';
import { useWords } from '../session/preferences.tsx';
import { useApi, useSession, useSignedIn } from '../session/session.tsx';
import { showSecret } from '../session/shown-secret.ts';
import type { Lifetimes } from '../tokens/new-token.ts';
import { LifetimeFields } from '../tokens/new-token-fields.tsx';
import {
  beginRegeneration,
  regenerationOf,
  regenerationFaultsOf,
  overlaps,
  type RegenerationForm,
} from '../tokens/regeneration.ts';
import { Expiry, LastUse } from '../tokens/token-parts.tsx';
import { tokenStateAt } from '../tokens/token-state.ts';
import { Button } from '../ui/button.tsx';
import { SelectField } from '../ui/fields.tsx';
import { Fact, Facts } from '../ui/facts.tsx';
import { Notice, ProblemNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Name } from '../ui/rich.tsx';
import { Shown } from '../ui/shown.tsx';
import { useNow } from '../ui/time.tsx';
import { useCommand } from '../ui/use-command.ts';
import { useFirstFault } from '../ui/use-first-fault.ts';
import { useResource } from '../ui/use-resource.ts';
import { parseDuration } from '../words/duration.ts';
import { BackToTokens } from './token-details.tsx';

export const Regenerate = ({ id }: { readonly id: string }) => {
  const { t } = useWords();
  const { query } = useRouter();
  const { session, orgs } = useSignedIn();
  const wanted = new URLSearchParams(query).get('org');
  const elsewhere = orgs.find((each) => each.id === wanted && each.id !== session.org.id);
  return (
    <Page title={t('regenerate.title')} width="narrow" lead={<BackToTokens />}>
      {elsewhere === undefined ? <Here id={id} /> : <Elsewhere org={elsewhere} />}
    </Page>
  );
};

/** The link is to a token of another organization in which the person has an account. */
const Elsewhere = ({ org }: { readonly org: { readonly id: string; readonly name: string } }) => {
  const { t } = useWords();
  const { api, enter } = useSession();
  const command = useCommand();
  return (
    <div class="card stack">
      <p>{t('regenerate.elsewhere', { org: org.name })}</p>
      <ProblemNotice problem={command.problem} />
      <Button
        look="primary"
        isBusy={command.isBusy}
        onClick={() => command.run(() => api.switchOrg(org.id), enter)}
      >
        {t('nav.switchTo', { org: org.name })}
      </Button>
    </div>
  );
};

const Here = ({ id }: { readonly id: string }) => {
  const api = useApi();
  const { org } = useSignedIn().session;
  const loaded = useResource(`${org.id} ${id}`, async (signal) => {
    const token = await api.findToken(org.id, id, signal);
    if (isProblem(token)) return token;
    const lifetimes = await api.findGrantable(token.org, token.user, signal);
    return isProblem(lifetimes) ? lifetimes : { token, lifetimes };
  });
  return <Shown loaded={loaded}>{(found) => <Form {...found} />}</Shown>;
};

interface Found {
  readonly token: ApiToken;
  readonly lifetimes: Lifetimes;
}

const Form = ({ token, lifetimes }: Found) => {
  const { t, duration } = useWords();
  const { form, faults, change, submit, ref, command } = useRegeneration({ token, lifetimes });
  const state = tokenStateAt(token, useNow());
  if (state === 'revoked' || state === 'expired') return <Over state={state} />;
  return (
    <form class="card stack" ref={ref} onSubmit={submit} noValidate>
      <Which token={token} />
      <p>{t(form.expiry === 'keep' ? 'regenerate.keeps' : 'regenerate.renews')}</p>
      <SelectField
        label={t('regenerate.expiry')}
        value={form.expiry}
        options={[
          ['keep', t('regenerate.keepExpiry')],
          ['new', t('regenerate.newLifetime')],
        ]}
        onValue={(expiry) => change({ expiry })}
      />
      {form.expiry === 'new' && (
        <LifetimeFields form={form} grantable={lifetimes} faults={faults} onChange={change} />
      )}
      <SelectField
        label={t('regenerate.overlap')}
        hint={t(form.overlap === 'none' ? 'regenerate.atOnceHint' : 'regenerate.overlapHint')}
        value={form.overlap}
        options={overlaps.map((each) => [
          each,
          each === 'none' ? t('regenerate.atOnce') : duration(parseDuration(each) ?? 0),
        ])}
        onValue={(overlap) => change({ overlap })}
      />
      <p>{t('regenerate.noUndo')}</p>
      <ProblemNotice problem={command.problem} />
      <div class="actions">
        <Link to={{ page: 'tokens' }} class="button">
          {t('action.cancel')}
        </Link>
        <Button look="primary" type="submit" icon="refresh" isBusy={command.isBusy}>
          {t('regenerate.action')}
        </Button>
      </div>
    </form>
  );
};

/** What is chosen in the form, and how it is sent. */
const useRegeneration = ({ token, lifetimes }: Found) => {
  const api = useApi();
  const { replace } = useRouter();
  const command = useCommand();
  const nowMs = useNow();
  const [form, setForm] = useState(() => beginRegeneration(token, lifetimes, nowMs));
  const [isChecked, setChecked] = useState(false);
  const { ref, showFirst } = useFirstFault();
  const attempt = useRef({ content: '', key: '' });
  const submit = (event: Event): void => {
    event.preventDefault();
    setChecked(true);
    if (regenerationFaultsOf(form, lifetimes).length > 0) return showFirst();
    const asked = regenerationOf(form);
    // A repeated click after a lost answer gives the same secret; what differs is another command.
    const content = JSON.stringify(asked);
    if (attempt.current.content !== content) attempt.current = { content, key: crypto.randomUUID() };
    command.run(
      () => api.regenerateToken(token.org, token.id, asked, attempt.current.key),
      (made) => {
        showSecret(made);
        replace({ page: 'secret', id: made.id });
      },
    );
  };
  const faults = isChecked ? regenerationFaultsOf(form, lifetimes) : [];
  const change = (part: Partial<RegenerationForm>): void => setForm({ ...form, ...part });
  return { form, faults, change, submit, ref, command };
};

const Over = ({ state }: { readonly state: 'revoked' | 'expired' }) => {
  const { t } = useWords();
  return (
    <Notice tone="warning" role="status">
      <p>{t(`regenerate.${state}`)}</p>
      <Link to={{ page: 'generate' }} class="button">
        {t('generate.title')}
      </Link>
    </Notice>
  );
};

const Which = ({ token }: { readonly token: ApiToken }) => {
  const { t } = useWords();
  return (
    <>
      <h2>
        <Name>{token.name}</Name>
      </h2>
      <Facts>
        <Fact title={t('token.id')}>
          <code>{token.id}</code>
        </Fact>
        <Fact title={t('token.expires')}>
          <Expiry token={token} />
        </Fact>
        <Fact title={t('token.lastUsed')}>
          <LastUse token={token} />
        </Fact>
      </Facts>
    </>
  );
};
