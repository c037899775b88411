// A new secret for a token that keeps its id, name, scopes and expiry. The old secret may stay good for a while. The links
// in reminders lead here.

import { useRef, useState } from 'preact/hooks';
import type { ApiToken } from '../api/shapes.ts';
import { Link, useRouter } from '../routing/router.tsx';
import { useWords } from '../session/preferences.tsx';
import { useApi, useSession, useSignedIn } from '../session/session.tsx';
import { showSecret } from '../session/shown-secret.ts';
import { Expiry, LastUse } from '../tokens/token-parts.tsx';
import { tokenStateAt } from '../tokens/token-state.ts';
import { Button } from '../ui/button.tsx';
import { SelectField } from '../ui/fields.tsx';
import { Fact, Facts } from '../ui/facts.tsx';
import { Notice, ProblemNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Name } from '../ui/rich.tsx';
import { Shown } from '../ui/shown.tsx';
import { useNow } from '../ui/time.tsx';
import { useCommand } from '../ui/use-command.ts';
import { useResource } from '../ui/use-resource.ts';
import { parseDuration } from '../words/duration.ts';
import { BackToTokens } from './token-details.tsx';

export const Regenerate = ({ id }: { readonly id: string }) => {
  const { t } = useWords();
  const { query } = useRouter();
  const { session, orgs } = useSignedIn();
  const wanted = new URLSearchParams(query).get('org');
  const elsewhere = orgs.find((each) => each.id === wanted && each.id !== session.org.id);
  return (
    <Page title={t('regenerate.title')} width="narrow" lead={<BackToTokens />}>
      {elsewhere === undefined ? <Here id={id} /> : <Elsewhere org={elsewhere} />}
    </Page>
  );
};

/** The link is to a token of another organization in which the person has an account. */
const Elsewhere = ({ org }: { readonly org: { readonly id: string; readonly name: string } }) => {
  const { t } = useWords();
  const { api, enter } = useSession();
  const command = useCommand();
  return (
    <div class="card stack">
      <p>{t('regenerate.elsewhere', { org: org.name })}</p>
      <ProblemNotice problem={command.problem} />
      <Button
        look="primary"
        isBusy={command.isBusy}
        onClick={() => command.run(() => api.switchOrg(org.id), enter)}
      >
        {t('nav.switchTo', { org: org.name })}
      </Button>
    </div>
  );
};

const Here = ({ id }: { readonly id: string }) => {
  const api = useApi();
  const { org } = useSignedIn().session;
  const loaded = useResource(`${org.id} ${id}`, (signal) => api.findToken(org.id, id, signal));
  return <Shown loaded={loaded}>{(token) => <Form token={token} />}</Shown>;
};

const overlaps = ['none', 'PT1H', 'P1D', 'P3D', 'P7D'] as const;
type Overlap = (typeof overlaps)[number];

const Form = ({ token }: { readonly token: ApiToken }) => {
  const { t, duration } = useWords();
  const api = useApi();
  const { replace } = useRouter();
  const command = useCommand();
  const [overlap, setOverlap] = useState<Overlap>('P1D');
  const key = useRef({ overlap, value: crypto.randomUUID() });
  const state = tokenStateAt(token, useNow());
  const submit = (event: Event): void => {
    event.preventDefault();
    // A repeated click after a lost answer gives the same secret; another overlap is another command.
    if (key.current.overlap !== overlap) key.current = { overlap, value: crypto.randomUUID() };
    const asked = overlap === 'none' ? undefined : overlap;
    command.run(
      () => api.regenerateToken(token.org, token.id, asked, key.current.value),
      (made) => {
        showSecret(made);
        replace({ page: 'secret', id: made.id });
      },
    );
  };
  if (state === 'revoked' || state === 'expired')
    return (
      <Notice tone="warning" role="status">
        <p>{t(`regenerate.${state}`)}</p>
        <Link to={{ page: 'generate' }} class="button">
          {t('generate.title')}
        </Link>
      </Notice>
    );
  return (
    <form class="card stack" onSubmit={submit}>
      <h2>
        <Name>{token.name}</Name>
      </h2>
      <Facts>
        <Fact title={t('token.id')}>
          <code>{token.id}</code>
        </Fact>
        <Fact title={t('token.expires')}>
          <Expiry token={token} />
        </Fact>
        <Fact title={t('token.lastUsed')}>
          <LastUse token={token} />
        </Fact>
      </Facts>
      <p>{t('regenerate.keeps')}</p>
      <SelectField
        label={t('regenerate.overlap')}
        hint={t(overlap === 'none' ? 'regenerate.atOnceHint' : 'regenerate.overlapHint')}
        value={overlap}
        options={overlaps.map((each) => [
          each,
          each === 'none' ? t('regenerate.atOnce') : duration(parseDuration(each) ?? 0),
        ])}
        onValue={setOverlap}
      />
      <p>{t('regenerate.noUndo')}</p>
      <ProblemNotice problem={command.problem} />
      <div class="actions">
        <Link to={{ page: 'tokens' }} class="button">
          {t('action.cancel')}
        </Link>
        <Button look="primary" type="submit" icon="refresh" isBusy={command.isBusy}>
          {t('regenerate.action')}
        </Button>
      </div>
    </form>
  );
};
