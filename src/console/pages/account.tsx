// One's account: who one is and what one may do, the address for reminders, the password, the sessions.

import { useState } from 'preact/hooks';
import type { User } from '../api/shapes.ts';
import { Link } from '../routing/router.tsx';
import { useWords } from '../session/preferences.tsx';
import { useApi, useSession, useSignedIn } from '../session/session.tsx';
import { groupScopes, noService } from '../tokens/scope-tree.ts';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { Fact, Facts } from '../ui/facts.tsx';
import { TextField } from '../ui/fields.tsx';
import { useFlash } from '../ui/flash.tsx';
import { ProblemNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Name } from '../ui/rich.tsx';
import { Shown } from '../ui/shown.tsx';
import { Time } from '../ui/time.tsx';
import { useCommand } from '../ui/use-command.ts';
import { useResource } from '../ui/use-resource.ts';
import { ChangePassword } from './change-password.tsx';
import { SignOut } from './menu.tsx';

export const Account = () => {
  const { t } = useWords();
  const api = useApi();
  const { org, user } = useSignedIn().session;
  const loaded = useResource(`${org.id} ${user.id}`, (signal) => api.findUser(org.id, user.id, signal));
  return (
    <Page title={t('account.title')} width="narrow">
      <WhoIAm />
      <Shown loaded={loaded}>
        {(self) => (
          <>
            <Email key={self.email ?? ''} email={self.email} onChanged={loaded.put} />
            {self.hasPassword && <ChangePassword org={org.id} user={user.id} />}
          </>
        )}
      </Shown>
      <WhatIMay />
      <Sessions />
    </Page>
  );
};

const WhoIAm = () => {
  const { t } = useWords();
  const { org, user, issuer } = useSignedIn().session;
  return (
    <section class="card stack" aria-labelledby="who">
      <h2 id="who">{t('account.who')}</h2>
      <Facts>
        <Fact title={t('account.name')}>
          <Name>{user.name}</Name>
        </Fact>
        <Fact title={t('field.user')}>
          <code>{user.id}</code>
        </Fact>
        <Fact title={t('account.orgName')}>
          <Name>{org.name}</Name>
        </Fact>
        <Fact title={t('account.orgId')}>
          <code>{org.id}</code>{' '}
          <CopyButton text={org.id} look="quiet">
            {t('copy.orgId')}
          </CopyButton>
          <small>{t('account.orgIdHint', { path: `/accounts/${org.id}` })}</small>
        </Fact>
        <Fact title={t('account.issuer')}>
          <code>{issuer}</code>
        </Fact>
      </Facts>
    </section>
  );
};

interface EmailProps {
  readonly email: string | null;
  readonly onChanged: (user: User) => void;
}

/** Where reminders go. */
const Email = ({ email, onChanged }: EmailProps) => {
  const { t } = useWords();
  const api = useApi();
  const { say } = useFlash();
  const { org, user } = useSignedIn().session;
  const [typed, setTyped] = useState(email ?? '');
  const command = useCommand();
  const submit = (event: Event): void => {
    event.preventDefault();
    const next = typed.trim() === '' ? null : typed.trim();
    command.run(
      () => api.changeEmail(org.id, user.id, next),
      (changed) => {
        onChanged(changed);
        say(t(next === null ? 'account.emailRemoved' : 'account.emailKept'));
      },
    );
  };
  return (
    <section class="card stack" aria-labelledby="email">
      <h2 id="email">{t('account.email')}</h2>
      <form class="stack" onSubmit={submit} noValidate>
        <TextField
          label={t('field.email')}
          hint={t('account.emailHint')}
          type="email"
          autocomplete="email"
          value={typed}
          lengthMax={254}
          isId
          onValue={setTyped}
        />
        <ProblemNotice problem={command.problem} />
        <div class="actions">
          <Button type="submit" isBusy={command.isBusy} isDisabled={typed.trim() === (email ?? '')}>
            {t('action.save')}
          </Button>
        </div>
      </form>
    </section>
  );
};

const WhatIMay = () => {
  const { t } = useWords();
  const { scopes, user } = useSignedIn().session;
  const known = [
    'tollgate:tokens:own',
    'tollgate:tokens:all',
    'org:owner',
    'tollgate:audit:read',
    'tollgate:operate',
  ] as const;
  const held = known.filter((right) => scopes.includes(right));
  return (
    <section class="card stack" aria-labelledby="may">
      <h2 id="may">{t('account.may')}</h2>
      <h3>{t('account.roles')}</h3>
      {user.roles.length === 0 ? (
        <p>{t('account.noRoles')}</p>
      ) : (
        <ul class="scopes">
          {user.roles.map((role) => (
            <li key={role}>
              <code>{role}</code>
            </li>
          ))}
        </ul>
      )}
      <h3>{t('account.permissions')}</h3>
      {held.length === 0 ? (
        <p>{t('account.noPermissions')}</p>
      ) : (
        <ul>
          {held.map((right) => (
            <li key={right}>{t(`right.${right}`)}</li>
          ))}
        </ul>
      )}
      <h3>{t('account.scopes')}</h3>
      <p class="about">{t('account.scopesHint')}</p>
      {groupScopes(scopes).map(({ name, scopes }) => (
        <div key={name}>
          <h4 dir="auto">{name === noService ? t('scopes.noService') : name}</h4>
          <ul class="scopes">
            {scopes.map((scope) => (
              <li key={scope}>
                <code>{scope}</code>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
};

const Sessions = () => {
  const { t } = useWords();
  const { api, leave } = useSession();
  const { session, idleExpiresAt, expiresAt } = useSignedIn();
  const command = useCommand();
  const [isAsking, setAsking] = useState(false);
  const end = (): void =>
    command.run(
      () => api.endSessions(session.org.id, session.user.id),
      () => leave('sessions'),
    );
  return (
    <section class="card stack" aria-labelledby="sessions">
      <h2 id="sessions">{t('account.sessions')}</h2>
      <Facts>
        <Fact title={t('account.idleUntil')}>
          <Time iso={idleExpiresAt} />
        </Fact>
        <Fact title={t('account.until')}>
          <Time iso={expiresAt} />
        </Fact>
      </Facts>
      <div class="actions start">
        <SignOut />
        <Button onClick={() => setAsking(true)}>{t('account.endSessions')}</Button>
      </div>
      {isAsking && (
        <Confirm
          title={t('account.endSessions')}
          action={t('account.endSessionsConfirm')}
          isBusy={command.isBusy}
          onConfirm={end}
          onClose={() => setAsking(false)}
        >
          <p>{t('account.endSessionsWarning')}</p>
          <p>
            {t('account.thenTokens')} <Link to={{ page: 'revokeAll' }}>{t('revokeAll.title')}</Link>
          </p>
          <ProblemNotice problem={command.problem} />
        </Confirm>
      )}
    </section>
  );
};
