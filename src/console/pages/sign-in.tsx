// Signing in, by password or through an OpenID provider. Also shown instead of a page when the session is lost.

import { useState } from 'preact/hooks';
import { pathOf } from '../routing/routes.ts';
import { useRouter } from '../routing/router.tsx';
import { useWords } from '../session/preferences.tsx';
import { type Ending, signInDraft, useSession } from '../session/session.tsx';
import { useDraft } from '../session/use-draft.ts';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/fields.tsx';
import { Logo } from '../ui/icon.tsx';
import { Notice, ProblemNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Shown } from '../ui/shown.tsx';
import { useCommand } from '../ui/use-command.ts';
import { useResource } from '../ui/use-resource.ts';

export const SignIn = ({ ending }: { readonly ending: Ending }) => {
  const { t } = useWords();
  const { api } = useSession();
  const loaded = useResource('options', api.signInOptions);
  return (
    <Page title={t('signIn.title')} width="narrow" lead={t('signIn.lead')}>
      <EndingNotice ending={ending} />
      <ReturnedError />
      <Shown loaded={loaded}>
        {({ password, providers }) => (
          <div class="card stack">
            {password && <PasswordForm />}
            {password && providers.length > 0 && <p class="or">{t('signIn.or')}</p>}
            <Providers providers={providers} />
          </div>
        )}
      </Shown>
    </Page>
  );
};

const EndingNotice = ({ ending }: { readonly ending: Ending }) => {
  const { t } = useWords();
  if (ending === 'none') return null;
  return (
    <Notice tone={ending === 'lost' ? 'warning' : 'done'} role="status">
      <p>{t(`ending.${ending}`)}</p>
    </Notice>
  );
};

/** The provider sent the person back without a session. The code is one of the server's list, never shown as it is. */
const ReturnedError = () => {
  const { t } = useWords();
  const { query } = useRouter();
  const code = new URLSearchParams(query).get('error');
  if (code === null) return null;
  return (
    <Notice tone="error" role="alert">
      <p>{t(knownError(code))}</p>
    </Notice>
  );
};

const errors = [
  'openid_refused',
  'openid_expired',
  'account_unknown',
  'provider_unavailable',
  'too_many',
  'unavailable',
] as const;

const knownError = (code: string): `openid.${(typeof errors)[number]}` =>
  `openid.${errors.find((each) => each === code) ?? 'openid_refused'}`;

const PasswordForm = () => {
  const { t } = useWords();
  const { api, enter } = useSession();
  const { route, replace } = useRouter();
  const [{ org, user }, change] = useDraft(signInDraft, { org: '', user: '' });
  const [password, setPassword] = useState('');
  const command = useCommand();
  const submit = (event: Event): void => {
    event.preventDefault();
    command.run(
      () => api.signIn({ org: org.trim(), user: user.trim(), password }),
      (signedIn) => {
        setPassword('');
        if (route.page === 'signIn') replace({ page: 'tokens' });
        enter(signedIn);
      },
    );
  };
  return (
    <form class="stack" onSubmit={submit}>
      <TextField
        label={t('field.org')}
        value={org}
        onValue={(value) => change({ org: value })}
        autocomplete="organization"
        isRequired
        isId
        lengthMax={128}
      />
      <TextField
        label={t('field.user')}
        value={user}
        onValue={(value) => change({ user: value })}
        autocomplete="username"
        isRequired
        isId
        lengthMax={128}
      />
      <TextField
        label={t('field.password')}
        type="password"
        value={password}
        onValue={setPassword}
        autocomplete="current-password"
        isRequired
      />
      <ProblemNotice problem={command.problem} />
      <Button look="primary" type="submit" isBusy={command.isBusy}>
        {t('signIn.submit')}
      </Button>
    </form>
  );
};

interface Provider {
  readonly id: string;
  readonly name: string;
}

const Providers = ({ providers }: { readonly providers: readonly Provider[] }) => {
  const { t } = useWords();
  const { api } = useSession();
  const { route, query } = useRouter();
  const command = useCommand();
  const here = `${pathOf(route)}${query === '' ? '' : `?${query}`}`;
  const begin = (id: string): void => {
    command.run(
      () => api.beginOpenid(id, route.page === 'signIn' ? '/tokens' : here),
      ({ location }) => {
        if (/^https?:\/\//.test(location)) window.location.assign(location);
      },
    );
  };
  return (
    <>
      {providers.map(({ id, name }) => (
        <Button key={id} isBusy={command.isBusy} onClick={() => begin(id)}>
          {t('signIn.with', { name })}
        </Button>
      ))}
      <ProblemNotice problem={command.problem} />
    </>
  );
};

/** Before anybody is signed in: the logo, and the form. */
export const SignInFrame = ({ ending }: { readonly ending: Ending }) => (
  <main class="sign-in">
    <p class="brand">
      <Logo /> Tollgate
    </p>
    <SignIn ending={ending} />
  </main>
);
