// My API tokens: those about to expire first, then the list.

import { useState } from 'preact/hooks';
import { Link } from '../routing/router.tsx';
import { useWords } from '../session/preferences.tsx';
import { mayUse } from '../session/rights.ts';
import { useApi, useSignedIn } from '../session/session.tsx';
import { Icon } from '../ui/icon.tsx';
import { Notice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Name, Rich } from '../ui/rich.tsx';
import { Time } from '../ui/time.tsx';
import { useResource } from '../ui/use-resource.ts';
import { TokenList } from '../tokens/token-list.tsx';

export const MyTokens = () => {
  const { t } = useWords();
  const { org, user } = useSignedIn().session;
  const { scopes } = useSignedIn().session;
  if (!mayUse(scopes, 'ownTokens'))
    return (
      <Page title={t('tokens.title')}>
        <Notice tone="warning">
          <p>{t('tokens.noRight')}</p>
        </Notice>
      </Page>
    );
  return (
    <Page
      title={t('tokens.title')}
      lead={t('tokens.lead')}
      actions={
        <>
          <Link to={{ page: 'revokeAll' }} class="button quiet">
            {t('revokeAll.action')}
          </Link>
          <Link to={{ page: 'generate' }} class="button primary">
            <Icon name="add" />
            <span>{t('generate.title')}</span>
          </Link>
        </>
      }
    >
      <Expiring org={org.id} user={user.id} />
      <TokenList org={org.id} user={user.id} />
    </Page>
  );
};

const expiringShown = '5';

/** Regenerate is offered here first. Where this cannot be loaded, the list below says why. */
const Expiring = ({ org, user }: { readonly org: string; readonly user: string }) => {
  const { t } = useWords();
  const api = useApi();
  const query = { state: 'expiring', limit: expiringShown };
  const { resource } = useResource(`${org}/${user}`, (signal) => api.listTokens(org, user, query, signal));
  const [isHidden, setHidden] = useState(false);
  if (resource.kind !== 'ready' || resource.value.items.length === 0 || isHidden) return null;
  return (
    <section class="card expiring" aria-labelledby="expiring">
      <header>
        <h2 id="expiring">
          <Icon name="clock" /> {t('expiring.title')}
        </h2>
        <button
          type="button"
          class="button quiet"
          aria-label={t('action.dismiss')}
          onClick={() => setHidden(true)}
        >
          <Icon name="close" />
        </button>
      </header>
      <ul>
        {resource.value.items.map(({ id, name, expiresAt }) => (
          <li key={id}>
            <span>
              <Rich
                id="expiring.token"
                values={{
                  name: <Name>{name}</Name>,
                  when: expiresAt === null ? '' : <Time iso={expiresAt} look="relative" />,
                }}
              />
            </span>
            <Link to={{ page: 'regenerate', id }} class="button" label={t('regenerate.named', { name })}>
              <Icon name="refresh" />
              <span>{t('regenerate.short')}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
};
