// Parts of a token as lists and pages show them: its state, its scopes, when it expires.

import type { ApiToken } from '../api/shapes.ts';
import { useWords } from '../session/preferences.tsx';
import { Badge } from '../ui/notice.tsx';
import { Time, useNow } from '../ui/time.tsx';
import { tokenStateAt } from './token-state.ts';

const tones = { active: 'ok', expiring: 'warning', expired: 'off', revoked: 'bad' } as const;

export const StateBadge = ({ token }: { readonly token: ApiToken }) => {
  const { t } = useWords();
  const state = tokenStateAt(token, useNow());
  return <Badge tone={tones[state]}>{t(`state.${state}`)}</Badge>;
};

export const Expiry = ({ token }: { readonly token: ApiToken }) => {
  const { t } = useWords();
  if (token.expiresAt === null) return <span>{t('token.neverExpires')}</span>;
  return (
    <span class="two">
      <Time iso={token.expiresAt} look="date" />
      {token.state !== 'revoked' && (
        <small>
          <Time iso={token.expiresAt} look="relative" />
        </small>
      )}
    </span>
  );
};

export const LastUse = ({ token }: { readonly token: ApiToken }) => {
  const { t } = useWords();
  return token.lastUsedAt === null ? (
    <span>{t('token.neverUsed')}</span>
  ) : (
    <Time iso={token.lastUsedAt} look="relative" />
  );
};

const scopesShown = 2;

export const Scopes = ({ scopes }: { readonly scopes: ApiToken['scopes'] }) => {
  const { t } = useWords();
  if (scopes === 'all') return <span>{t('token.allRoles')}</span>;
  if (scopes.length === 0) return <span>{t('token.noScopes')}</span>;
  const more = scopes.length - scopesShown;
  return (
    <span class="scopes" title={scopes.join(' ')}>
      {scopes.slice(0, scopesShown).map((scope) => (
        <code key={scope}>{scope}</code>
      ))}
      {more > 0 && <small>{t('token.moreScopes', { count: more })}</small>}
    </span>
  );
};
