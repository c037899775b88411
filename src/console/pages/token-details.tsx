// One token: everything there is to know of it but its secret, which nobody keeps.

import { useState } from 'preact/hooks';
import type { ApiToken } from '../api/shapes.ts';
import { Link } from '../routing/router.tsx';
import { useWords } from '../session/preferences.tsx';
import { useApi, useSignedIn } from '../session/session.tsx';
import { RevokeDialog } from '../tokens/revoke-dialog.tsx';
import { reminderText } from '../tokens/reminder-text.ts';
import { StateBadge } from '../tokens/token-parts.tsx';
import { tokenStateAt } from '../tokens/token-state.ts';
import { TokenUsage } from '../tokens/token-usage.tsx';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { Fact, Facts } from '../ui/facts.tsx';
import { useFlash } from '../ui/flash.tsx';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { Name } from '../ui/rich.tsx';
import { Shown } from '../ui/shown.tsx';
import { Time, useNow } from '../ui/time.tsx';
import { useResource } from '../ui/use-resource.ts';

export const TokenDetails = ({ id }: { readonly id: string }) => {
  const { t } = useWords();
  const api = useApi();
  const { org } = useSignedIn().session;
  const loaded = useResource(`${org.id} ${id}`, (signal) => api.findToken(org.id, id, signal));
  return (
    <Page title={t('token.title')} width="narrow" lead={<BackToTokens />}>
      <Shown loaded={loaded}>
        {(token) => (
          <>
            <Details token={token} onChange={loaded.reload} />
            <TokenUsage id={id} />
          </>
        )}
      </Shown>
    </Page>
  );
};

export const BackToTokens = () => {
  const { t } = useWords();
  return (
    <Link to={{ page: 'tokens' }}>
      <Icon name="back" /> {t('tokens.title')}
    </Link>
  );
};

const Details = ({ token, onChange }: { readonly token: ApiToken; readonly onChange: () => void }) => {
  const { t } = useWords();
  const { say } = useFlash();
  const [isRevoking, setRevoking] = useState(false);
  const state = tokenStateAt(token, useNow());
  const isAlive = state === 'active' || state === 'expiring';
  return (
    <div class="card stack">
      <h2>
        <Name>{token.name}</Name> <StateBadge token={token} />
      </h2>
      <TokenFacts token={token} isAlive={isAlive} />
      {isAlive && (
        <div class="actions">
          <Button look="danger" icon="trash" onClick={() => setRevoking(true)}>
            {t('revoke.action')}
          </Button>
          <Link to={{ page: 'regenerate', id: token.id }} class="button primary">
            <Icon name="refresh" />
            <span>{t('regenerate.short')}</span>
          </Link>
        </div>
      )}
      {isRevoking && (
        <RevokeDialog
          token={token}
          onClose={() => setRevoking(false)}
          onRevoked={() => {
            setRevoking(false);
            say(t('revoke.done', { name: token.name }));
            onChange();
          }}
        />
      )}
    </div>
  );
};

const TokenFacts = ({ token, isAlive }: { readonly token: ApiToken; readonly isAlive: boolean }) => {
  const words = useWords();
  const { t } = words;
  return (
    <Facts>
      <Fact title={t('token.id')}>
        <code>{token.id}</code>{' '}
        <CopyButton text={token.id} look="quiet">
          {t('copy.id')}
        </CopyButton>
      </Fact>
      <Fact title={t('tokens.owner')}>
        <code>{`${token.org}/${token.user}`}</code>
      </Fact>
      <Fact title={t('token.scopes')}>
        <AllScopes scopes={token.scopes} />
      </Fact>
      <Fact title={t('token.allowFrom')}>
        {token.allowFrom === null ? t('token.anywhere') : <code>{token.allowFrom.join(' ')}</code>}
      </Fact>
      <Fact title={t('token.created')}>
        <Time iso={token.createdAt} />
      </Fact>
      <Fact title={t('token.expires')}>
        {token.expiresAt === null ? (
          t('token.neverExpires')
        ) : (
          <>
            <Time iso={token.expiresAt} /> (<Time iso={token.expiresAt} look="relative" />)
          </>
        )}
      </Fact>
      {token.revokedAt !== null && (
        <Fact title={t('token.revoked')}>
          <Time iso={token.revokedAt} />
        </Fact>
      )}
      <Fact title={t('token.lastUsed')}>
        {token.lastUsedAt === null ? t('token.neverUsed') : <Time iso={token.lastUsedAt} />}
      </Fact>
      <Fact title={t('token.openid')}>{t(token.openid ? 'answer.yes' : 'answer.no')}</Fact>
      <Fact title={t('token.reminder')}>{reminderText(words, token.remindBefore)}</Fact>
      <Fact title={t('token.secretNumber')}>{words.number(token.secretNumber)}</Fact>
      {token.previousSecretExpiresAt !== null && isAlive && (
        <Fact title={t('token.previousSecret')}>
          <Time iso={token.previousSecretExpiresAt} />
        </Fact>
      )}
    </Facts>
  );
};

const AllScopes = ({ scopes }: { readonly scopes: ApiToken['scopes'] }) => {
  const { t } = useWords();
  if (scopes === 'all') return <>{t('token.allRolesLong')}</>;
  if (scopes.length === 0) return <>{t('token.noScopes')}</>;
  return (
    <ul class="scopes">
      {scopes.map((scope) => (
        <li key={scope}>
          <code>{scope}</code>
        </li>
      ))}
    </ul>
  );
};
