// The header and the menu: what the person's rights let them use. On a narrow screen a button opens it.

import { useEffect, useState } from 'preact/hooks';
import { Link, useRouter } from '../routing/router.tsx';
import type { SimplePage } from '../routing/routes.ts';
import { useWords } from '../session/preferences.tsx';
import { mayUse, type Right } from '../session/rights.ts';
import { useSession, useSignedIn } from '../session/session.tsx';
import { Button } from '../ui/button.tsx';
import { SelectField } from '../ui/fields.tsx';
import { Icon, type IconName, Logo } from '../ui/icon.tsx';
import { ProblemNotice } from '../ui/notice.tsx';
import { Name } from '../ui/rich.tsx';
import { useCommand } from '../ui/use-command.ts';
import type { PlainKey } from '../words/words.ts';

interface Item {
  readonly page: SimplePage;
  readonly text: PlainKey;
  readonly icon: IconName;
  readonly needs?: Right;
}

const sections: readonly {
  readonly title: 'nav.mine' | 'nav.organization' | 'nav.operator';
  readonly items: readonly Item[];
}[] = [
  {
    title: 'nav.mine',
    items: [
      { page: 'tokens', text: 'nav.tokens', icon: 'key' },
      { page: 'account', text: 'nav.account', icon: 'user' },
    ],
  },
  {
    title: 'nav.organization',
    items: [
      { page: 'orgTokens', text: 'nav.orgTokens', icon: 'list', needs: 'allTokens' },
      { page: 'users', text: 'nav.users', icon: 'users', needs: 'owner' },
      { page: 'roles', text: 'nav.roles', icon: 'shield', needs: 'owner' },
      { page: 'audit', text: 'nav.audit', icon: 'clock', needs: 'audit' },
      { page: 'orgSettings', text: 'nav.orgSettings', icon: 'building', needs: 'owner' },
    ],
  },
  {
    title: 'nav.operator',
    items: [
      { page: 'orgs', text: 'nav.orgs', icon: 'building', needs: 'operate' },
      { page: 'keys', text: 'nav.keys', icon: 'key', needs: 'operate' },
      { page: 'status', text: 'nav.status', icon: 'pulse', needs: 'operate' },
    ],
  },
];

/** The item under which a page without one of its own is found. */
const parents: Readonly<Record<string, SimplePage>> = {
  generate: 'tokens',
  token: 'tokens',
  regenerate: 'tokens',
  secret: 'tokens',
  revokeAll: 'tokens',
  user: 'users',
  addUser: 'users',
};

export const Menu = () => {
  const { t } = useWords();
  const { route, visits } = useRouter();
  const [isOpen, setOpen] = useState(false);
  const { scopes } = useSignedIn().session;
  useEffect(() => setOpen(false), [visits]);
  const current = parents[route.page] ?? route.page;
  return (
    <header class="bar">
      <div class="brand">
        <Link to={{ page: 'tokens' }} class="home">
          <Logo /> Tollgate
        </Link>
        <button
          type="button"
          class="button quiet menu"
          aria-expanded={isOpen}
          aria-controls="menu"
          onClick={() => setOpen(!isOpen)}
        >
          <Icon name={isOpen ? 'close' : 'menu'} />
          <span>{t('nav.menu')}</span>
        </button>
      </div>
      <div id="menu" class={isOpen ? 'open' : ''}>
        <Who />
        <nav aria-label={t('nav.menu')}>
          {sections.map(({ title, items }) => {
            const usable = items.filter(({ needs }) => needs === undefined || mayUse(scopes, needs));
            return usable.length === 0 ? null : (
              <div key={title}>
                <p id={`${title}-title`}>{t(title)}</p>
                <ul aria-labelledby={`${title}-title`}>
                  {usable.map(({ page, text, icon }) => (
                    <li key={page}>
                      <Link to={{ page }} isCurrent={page === current}>
                        <Icon name={icon} />
                        {t(text)}
                      </Link>
                    </li>
                  ))}
                </ul>
              </div>
            );
          })}
        </nav>
        <SignOut />
      </div>
    </header>
  );
};

/** Who is signed in, and in which of their organizations. */
const Who = () => {
  const { t } = useWords();
  const { api, enter } = useSession();
  const { go } = useRouter();
  const { session, orgs } = useSignedIn();
  const command = useCommand();
  const change = (org: string): void =>
    command.run(
      () => api.switchOrg(org),
      (signedIn) => {
        go({ page: 'tokens' });
        enter(signedIn);
      },
    );
  return (
    <div class="who">
      <p>
        <Icon name="user" /> <Name>{session.user.name}</Name>
      </p>
      {orgs.length > 1 ? (
        <SelectField
          label={t('nav.org')}
          value={session.org.id}
          options={orgs.map(({ id, name }) => [id, name] as const)}
          onValue={change}
        />
      ) : (
        <p>
          <Icon name="building" /> <Name>{session.org.name}</Name>
        </p>
      )}
      <ProblemNotice problem={command.problem} />
    </div>
  );
};

export const SignOut = () => {
  const { t } = useWords();
  const { api, leave } = useSession();
  const { replace } = useRouter();
  const command = useCommand();
  const signOut = (): void =>
    command.run(api.signOut, () => {
      replace({ page: 'signIn' });
      leave('left');
    });
  return (
    <div class="sign-out">
      <Button look="quiet" icon="leave" isBusy={command.isBusy} onClick={signOut}>
        {t('nav.signOut')}
      </Button>
      <ProblemNotice problem={command.problem} />
    </div>
  );
};
