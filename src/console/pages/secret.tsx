// The secret of a token, this once: to copy, download or print. On leaving the page in any way it is forgotten; a reload or
// the back button shows that it is gone.

import { useEffect, useState } from 'preact/hooks';
import type { ApiTokenWithSecret } from '../api/shapes.ts';
import { Link, useRouter } from '../routing/router.tsx';
import { useWords } from '../session/preferences.tsx';
import { forgetSecret, shownSecret } from '../session/shown-secret.ts';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { Fact, Facts } from '../ui/facts.tsx';
import { Notice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Name } from '../ui/rich.tsx';
import { Time } from '../ui/time.tsx';

export const Secret = ({ id }: { readonly id: string }) => {
  const [token, setToken] = useState(() => shownSecret(id));
  useEffect(() => {
    const forget = (): void => {
      forgetSecret();
      setToken(undefined);
    };
    // The browser may keep the page as it is and show it again on the way back.
    window.addEventListener('pagehide', forget);
    return () => {
      window.removeEventListener('pagehide', forget);
      forgetSecret();
    };
  }, []);
  return token === undefined ? <Gone id={id} /> : <Once token={token} />;
};

const Gone = ({ id }: { readonly id: string }) => {
  const { t } = useWords();
  return (
    <Page title={t('secret.goneTitle')} width="narrow">
      <Notice tone="info">
        <p>{t('secret.gone')}</p>
      </Notice>
      <div class="actions">
        <Link to={{ page: 'tokens' }} class="button">
          {t('tokens.title')}
        </Link>
        <Link to={{ page: 'regenerate', id }} class="button">
          {t('regenerate.short')}
        </Link>
      </div>
    </Page>
  );
};

const Once = ({ token }: { readonly token: ApiTokenWithSecret }) => {
  const { t } = useWords();
  const { replace } = useRouter();
  const [isKept, setKept] = useState(false);
  const [isAsking, setAsking] = useState(false);
  useWarning(!isKept);
  const goOn = (): void => {
    forgetSecret();
    replace({ page: 'tokens' });
  };
  const keep = (work: (token: ApiTokenWithSecret) => void) => (): void => {
    work(token);
    setKept(true);
  };
  return (
    <Page title={t('secret.title')} width="narrow">
      <div class="card stack sheet">
        <Notice tone="warning" title={t('secret.onceTitle')}>
          <p>{t('secret.once')}</p>
        </Notice>
        <output class="secret" aria-label={t('secret.title')} dir="ltr" translate={false}>
          {token.secret}
        </output>
        <div class="actions start">
          <CopyButton text={token.secret} look="primary" onCopied={() => setKept(true)}>
            {t('secret.copy')}
          </CopyButton>
          <Button icon="download" onClick={keep(download)}>
            {t('secret.download')}
          </Button>
          <Button icon="print" onClick={keep(() => window.print())}>
            {t('secret.print')}
          </Button>
        </div>
        <Sheet token={token} />
        <div class="actions">
          <Button look={isKept ? 'primary' : 'plain'} onClick={() => (isKept ? goOn() : setAsking(true))}>
            {t('secret.continue')}
          </Button>
        </div>
      </div>
      {isAsking && (
        <Confirm
          title={t('secret.leaveTitle')}
          action={t('secret.leave')}
          isBusy={false}
          onConfirm={goOn}
          onClose={() => setAsking(false)}
        >
          <p>{t('secret.leaveWarning')}</p>
        </Confirm>
      )}
    </Page>
  );
};

/** What stands beside the secret, on paper too. */
const Sheet = ({ token }: { readonly token: ApiTokenWithSecret }) => {
  const { t } = useWords();
  return (
    <Facts>
      <Fact title={t('token.name')}>
        <Name>{token.name}</Name>
      </Fact>
      <Fact title={t('token.id')}>
        <code>{token.id}</code>
      </Fact>
      <Fact title={t('tokens.owner')}>
        <code>{`${token.org}/${token.user}`}</code>
      </Fact>
      <Fact title={t('token.expires')}>
        {token.expiresAt === null ? t('token.neverExpires') : <Time iso={token.expiresAt} />}
      </Fact>
      {token.previousSecretExpiresAt !== null && (
        <Fact title={t('token.previousSecret')}>
          <Time iso={token.previousSecretExpiresAt} />
        </Fact>
      )}
    </Facts>
  );
};

/** The browser asks before the page is closed while the secret is kept nowhere. */
const useWarning = (isNeeded: boolean): void => {
  useEffect(() => {
    if (!isNeeded) return undefined;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [isNeeded]);
};

/** A file with the secret alone, named for its token, so that a program can read it. */
const download = ({ id, name, secret }: ApiTokenWithSecret): void => {
  const address = URL.createObjectURL(new Blob([`${secret}\n`], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = `${fileNameOf(name)}-${id.slice(0, 8)}.txt`;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(address), 1000);
};

const fileNameOf = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 40) || 'token';
