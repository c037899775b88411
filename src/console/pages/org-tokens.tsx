// For an administrator: the tokens of everybody in the organization, to revoke any of them, or everything at once.

import { useState } from 'preact/hooks';
import { useRouter } from '../routing/router.tsx';
import { useWords } from '../session/preferences.tsx';
import { useSession, useSignedIn } from '../session/session.tsx';
import { TokenList } from '../tokens/token-list.tsx';
import { Button } from '../ui/button.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { ProblemNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { useTypedName } from '../ui/typed-name.tsx';
import { useCommand } from '../ui/use-command.ts';

export const OrgTokens = () => {
  const { t } = useWords();
  const { org } = useSignedIn().session;
  const [isAsking, setAsking] = useState(false);
  return (
    <Page
      title={t('nav.orgTokens')}
      lead={t('orgTokens.lead')}
      actions={
        <Button look="quiet" onClick={() => setAsking(true)}>
          {t('orgTokens.revokeAll')}
        </Button>
      }
    >
      <TokenList org={org.id} user={undefined} />
      {isAsking && <RevokeOrg onClose={() => setAsking(false)} />}
    </Page>
  );
};

const RevokeOrg = ({ onClose }: { readonly onClose: () => void }) => {
  const { t } = useWords();
  const { api, leave } = useSession();
  const { org } = useSignedIn().session;
  const { replace } = useRouter();
  const command = useCommand();
  const { field, isRight } = useTypedName(org.name);
  const revoke = (): void =>
    command.run(
      () => api.revokeOrg(org.id),
      () => {
        replace({ page: 'signIn' });
        leave('revoked');
      },
    );
  return (
    <Confirm
      title={t('orgTokens.revokeAll')}
      action={t('revokeAll.submit')}
      isBusy={command.isBusy}
      isReady={isRight}
      onConfirm={revoke}
      onClose={onClose}
    >
      <ul>
        <li>{t('orgTokens.everything')}</li>
        <li>{t('revoke.refused')}</li>
        <li>{t('revokeAll.sessions')}</li>
        <li>{t('revoke.noUndo')}</li>
      </ul>
      {field}
      <ProblemNotice problem={command.problem} />
    </Confirm>
  );
};
