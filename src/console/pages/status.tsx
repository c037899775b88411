// For the operator: what the replica that answers does at the moment. Asked again every five seconds.

import type { ComponentChildren } from 'preact';
import type { Status } from '../api/shapes.ts';
import { useWords } from '../session/preferences.tsx';
import { useApi } from '../session/session.tsx';
import { Fact, Facts } from '../ui/facts.tsx';
import { Badge, Notice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Shown } from '../ui/shown.tsx';
import { Table } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';
import { useResource } from '../ui/use-resource.ts';

const everyMs = 5000;

export const Live = () => {
  const { t } = useWords();
  const api = useApi();
  const loaded = useResource('status', api.findStatus, everyMs);
  return (
    <Page title={t('status.title')} lead={t('status.lead')}>
      <Shown loaded={loaded}>{(status) => <Figures status={status} />}</Shown>
    </Page>
  );
};

const Figures = ({ status }: { readonly status: Status }) => {
  const { t, number } = useWords();
  const { requests, revocation, latency, connections } = status;
  const ms = (value: number | null): string =>
    value === null ? '–' : t('status.ms', { value: number(value) });
  return (
    <>
      <Readiness status={status} />
      <div class="figures">
        <Figure title={t('status.requests')} value={number(requests.total)}>
          {t('status.split', {
            forwarded: number(requests.forwarded),
            refused: number(requests.refused),
            failed: number(requests.failed),
          })}
        </Figure>
        <Figure title={t('status.lag')} value={ms(revocation.lastLagMs)}>
          {t('status.lagMax', { max: ms(revocation.maxLagMs), count: revocation.count })}
        </Figure>
        <Figure title={t('status.latency')} value={ms(latency.p50Ms)}>
          {t('status.p99', { value: ms(latency.p99Ms) })}
        </Figure>
        <Figure title={t('status.connections')} value={number(connections.clients)}>
          {t('status.upgraded', { value: number(connections.upgraded) })}
        </Figure>
      </div>
      <Refusals refusals={status.refusals} />
      <Parts status={status} />
    </>
  );
};

const Readiness = ({ status: { ready, reasons, warnings } }: { readonly status: Status }) => {
  const { t } = useWords();
  return (
    <>
      <Notice
        tone={ready ? 'done' : 'error'}
        role="status"
        title={t(ready ? 'status.ready' : 'status.notReady')}
      >
        <Sentences of={reasons} />
      </Notice>
      {warnings.length > 0 && (
        <Notice tone="warning" title={t('status.warnings')}>
          <Sentences of={warnings} />
        </Notice>
      )}
    </>
  );
};

/** The server's own, in English. */
const Sentences = ({ of }: { readonly of: readonly string[] }) => (
  <>
    {of.map((sentence) => (
      <p key={sentence} lang="en">
        {sentence}
      </p>
    ))}
  </>
);

interface FigureProps {
  readonly title: string;
  readonly value: string;
  readonly children: ComponentChildren;
}

const Figure = ({ title, value, children }: FigureProps) => (
  <section class="card figure">
    <h2>{title}</h2>
    <strong>{value}</strong>
    <small>{children}</small>
  </section>
);

const Refusals = ({ refusals }: { readonly refusals: Status['refusals'] }) => {
  const { t, number } = useWords();
  return (
    <section class="stack" aria-labelledby="refusals">
      <h2 id="refusals">{t('status.refusals')}</h2>
      {refusals.length === 0 ? (
        <p>{t('status.noRefusals')}</p>
      ) : (
        <Table
          caption={t('status.refusals')}
          rows={refusals}
          keyOf={({ reason }) => reason}
          columns={[
            { title: t('status.reason'), look: 'main', cell: ({ reason }) => <code>{reason}</code> },
            { title: t('status.count'), look: 'number', cell: ({ count }) => number(count) },
          ]}
        />
      )}
    </section>
  );
};

const Parts = ({ status }: { readonly status: Status }) => {
  const { t, number } = useWords();
  const { store, feed, cache, replica, version, startedAt } = status;
  const sign = (
    isGood: boolean,
    good: 'status.answers' | 'status.connected',
    bad: 'status.silent' | 'status.apart',
  ) => <Badge tone={isGood ? 'ok' : 'bad'}>{t(isGood ? good : bad)}</Badge>;
  return (
    <section class="card stack" aria-labelledby="parts">
      <h2 id="parts">{t('status.parts')}</h2>
      <Facts>
        <Fact title={t('status.store')}>
          <code>{store.kind}</code> {sign(store.answers, 'status.answers', 'status.silent')}
        </Fact>
        <Fact title={t('status.feed')}>{sign(feed.connected, 'status.connected', 'status.apart')}</Fact>
        {feed.lastChangeAt !== null && (
          <Fact title={t('status.lastChange')}>
            <Time iso={feed.lastChangeAt} look="relative" />
          </Fact>
        )}
        <Fact title={t('status.remembered')}>{number(feed.tombstones)}</Fact>
        <Fact title={t('status.resets')}>{number(feed.resets)}</Fact>
        <Fact title={t('status.cache')}>
          {t('status.cached', {
            identities: number(cache.identities),
            hits: number(cache.hits),
            misses: number(cache.misses),
          })}
        </Fact>
        <Fact title={t('status.replica')}>
          <code>{replica}</code> <small>{version}</small>
        </Fact>
        <Fact title={t('status.since')}>
          <Time iso={startedAt} />
        </Fact>
      </Facts>
    </section>
  );
};
