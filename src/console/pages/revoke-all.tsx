// Revoking everything of one's own: tokens and sessions, this one too. Confirmed by typing the organization's name.

import { Link, useRouter } from '../routing/router.tsx';
import { useWords } from '../session/preferences.tsx';
import { useSession, useSignedIn } from '../session/session.tsx';
import { Button } from '../ui/button.tsx';
import { Notice, ProblemNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { useTypedName } from '../ui/typed-name.tsx';
import { useCommand } from '../ui/use-command.ts';
import { useResource } from '../ui/use-resource.ts';
import { BackToTokens } from './token-details.tsx';

export const RevokeAll = () => {
  const { t } = useWords();
  const { api, leave } = useSession();
  const { org, user } = useSignedIn().session;
  const { replace } = useRouter();
  const command = useCommand();
  const { field, isRight } = useTypedName(org.name);
  const { resource } = useResource(`${org.id} ${user.id}`, (signal) =>
    api.listTokens(org.id, user.id, { state: 'active', limit: '1' }, signal),
  );
  const total = resource.kind === 'ready' ? resource.value.total : null;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!isRight) return;
    command.run(api.revokeMine, () => {
      replace({ page: 'signIn' });
      leave('revoked');
    });
  };
  return (
    <Page title={t('revokeAll.title')} width="narrow" lead={<BackToTokens />}>
      <form class="card stack" onSubmit={submit}>
        <Notice tone="warning" title={t('revokeAll.warning')}>
          {total !== null && <p>{t('revokeAll.count', { count: total })}</p>}
          <ul>
            <li>{t('revoke.refused')}</li>
            <li>{t('revokeAll.sessions')}</li>
            <li>{t('revoke.noUndo')}</li>
          </ul>
        </Notice>
        {field}
        <ProblemNotice problem={command.problem} />
        <div class="actions">
          <Link to={{ page: 'tokens' }} class="button">
            {t('action.cancel')}
          </Link>
          <Button look="danger" type="submit" isBusy={command.isBusy} isDisabled={!isRight}>
            {t('revokeAll.submit')}
          </Button>
        </div>
      </form>
    </Page>
  );
};
