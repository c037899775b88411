// The frame around the pages: header, menu, preferences; and which page is shown. Nobody is signed in: the sign-in stands
// there instead.

import type { ComponentChildren, ComponentType } from 'preact';
import { Account } from './pages/account.tsx';
import { Generate } from './pages/generate.tsx';
import { Menu } from './pages/menu.tsx';
import { Regenerate } from './pages/regenerate.tsx';
import { RevokeAll } from './pages/revoke-all.tsx';
import { Secret } from './pages/secret.tsx';
import { SignInFrame } from './pages/sign-in.tsx';
import { TokenDetails } from './pages/token-details.tsx';
import { MyTokens } from './pages/tokens.tsx';
import { useRouter } from './routing/router.tsx';
import type { Route, SimplePage, SinglePage } from './routing/routes.ts';
import { usePreferences, themes, useWords } from './session/preferences.tsx';
import { useSession, useSignedIn } from './session/session.tsx';
import { SelectField } from './ui/fields.tsx';
import { Empty, Failed, Loading } from './ui/notice.tsx';
import { later } from './ui/later.tsx';
import { Page } from './ui/page.tsx';
import { languageNames, languages } from './words/words.ts';

export const App = () => {
  const { state, ask } = useSession();
  switch (state.kind) {
    case 'asking':
      return <Plain>{<Loading />}</Plain>;
    case 'failed':
      return (
        <Plain>
          <Failed problem={state.problem} onRetry={ask} />
        </Plain>
      );
    case 'out':
      return (
        <>
          <SignInFrame ending={state.ending} />
          <Choices />
        </>
      );
    case 'in':
      return <Signed />;
  }
};

const Plain = ({ children }: { readonly children: ComponentChildren }) => (
  <>
    <main class="sign-in">
      <h1 class="unseen">Tollgate</h1>
      {children}
    </main>
    <Choices />
  </>
);

const Signed = () => {
  const { t } = useWords();
  const { route } = useRouter();
  const { org, user } = useSignedIn().session;
  return (
    <div class="frame">
      <a class="skip" href="#main">
        {t('nav.skip')}
      </a>
      <Menu />
      <main id="main" tabIndex={-1}>
        {/* Nothing of one account's page stays when another tab signs in as somebody else. */}
        <Shown key={`${org.id}/${user.id}`} route={route} />
      </main>
      <Choices />
    </div>
  );
};

const simple: Readonly<Record<SimplePage, ComponentType>> = {
  signIn: MyTokens,
  tokens: MyTokens,
  generate: Generate,
  revokeAll: RevokeAll,
  account: Account,
  orgTokens: later(async () => (await import('./pages/org-tokens.tsx')).OrgTokens),
  users: later(async () => (await import('./pages/users.tsx')).Users),
  addUser: later(async () => (await import('./pages/add-user.tsx')).AddUser),
  roles: later(async () => (await import('./pages/roles.tsx')).Roles),
  audit: later(async () => (await import('./pages/audit.tsx')).AuditPage),
  orgSettings: later(async () => (await import('./pages/org-settings.tsx')).OrgSettings),
  orgs: later(async () => (await import('./pages/orgs.tsx')).Orgs),
  keys: later(async () => (await import('./pages/keys.tsx')).Keys),
  status: later(async () => (await import('./pages/status.tsx')).Live),
};

/** About one token or user. */
const single: Readonly<Record<SinglePage, ComponentType<{ readonly id: string }>>> = {
  token: TokenDetails,
  regenerate: Regenerate,
  secret: Secret,
  user: later(async () => (await import('./pages/user.tsx')).UserPage),
};

const Shown = ({ route }: { readonly route: Route }) => {
  if (route.page === 'unknown') return <Unknown />;
  if ('id' in route) {
    const One = single[route.page];
    return <One key={`${route.page} ${route.id}`} id={route.id} />;
  }
  const Many = simple[route.page];
  return <Many key={route.page} />;
};

const Unknown = () => {
  const { t } = useWords();
  return (
    <Page title={t('unknown.title')}>
      <Empty title={t('unknown.lead')} />
    </Page>
  );
};

const Choices = () => {
  const { words, theme, setLanguage, setTheme } = usePreferences();
  return (
    <footer class="choices">
      <SelectField
        label={words.t('choice.language')}
        value={words.language}
        options={languages.map((each) => [each, languageNames[each]] as const)}
        onValue={setLanguage}
      />
      <SelectField
        label={words.t('choice.theme')}
        value={theme}
        options={themes.map((each) => [each, words.t(`choice.${each}`)] as const)}
        onValue={setTheme}
      />
    </footer>
  );
};
