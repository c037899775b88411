// The question before a token is revoked, with what follows from it. The token is looked at again first: another tab may
// have revoked it, or it expired by now.

import type { ApiToken } from '../api/shapes.ts';
import { useWords } from '../session/preferences.tsx';
import { useApi } from '../session/session.tsx';
import { Button } from '../ui/button.tsx';
import { Confirm, Dialog } from '../ui/dialog.tsx';
import { Notice, ProblemNotice } from '../ui/notice.tsx';
import { Name, Rich } from '../ui/rich.tsx';
import { Time, useNow } from '../ui/time.tsx';
import { useCommand } from '../ui/use-command.ts';
import { useResource } from '../ui/use-resource.ts';
import { LastUse } from './token-parts.tsx';
import { tokenStateAt } from './token-state.ts';

export interface RevokeDialogProps {
  readonly token: ApiToken;
  readonly onRevoked: () => void;
  readonly onClose: () => void;
}

export const RevokeDialog = ({ token, onRevoked, onClose }: RevokeDialogProps) => {
  const { t } = useWords();
  const api = useApi();
  const command = useCommand();
  const nowMs = useNow();
  const { resource } = useResource(token.id, (signal) => api.findToken(token.org, token.id, signal));
  const latest = resource.kind === 'ready' ? resource.value : token;
  const state = tokenStateAt(latest, nowMs);
  if (state === 'revoked' || state === 'expired')
    return (
      <Dialog title={t('revoke.title')} onClose={onRevoked}>
        <Notice tone="info" role="status">
          <p>
            <Rich
              id={state === 'expired' ? 'revoke.expired' : 'revoke.already'}
              values={{ name: <Name>{latest.name}</Name> }}
            />
          </p>
          {latest.revokedAt !== null && (
            <p>
              {t('token.revoked')}: <Time iso={latest.revokedAt} />
            </p>
          )}
        </Notice>
        <div class="actions">
          <Button onClick={onRevoked}>{t('action.close')}</Button>
        </div>
      </Dialog>
    );
  return (
    <Confirm
      title={t('revoke.title')}
      action={t('revoke.action')}
      isBusy={command.isBusy}
      onConfirm={() => command.run(() => api.revokeToken(token.org, token.id), onRevoked)}
      onClose={onClose}
    >
      <p>
        <Rich id="revoke.question" values={{ name: <Name>{latest.name}</Name> }} />
      </p>
      <ul>
        <li>{t('revoke.refused')}</li>
        <li>{t('revoke.sessions')}</li>
        <li>{t('revoke.noUndo')}</li>
      </ul>
      <p>
        {t('token.lastUsed')}: <LastUse token={latest} />
      </p>
      <ProblemNotice problem={command.problem} />
    </Confirm>
  );
};
