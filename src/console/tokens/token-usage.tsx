// How much a token was used in the last 30 days: sums, a chart of the requests, and a table of every day that had any. Shows nothing
// where the server counts nothing.

import type { Usage, UsageSums } from '../api/shapes.ts';
import { useWords } from '../session/preferences.tsx';
import { useApi, useSignedIn } from '../session/session.tsx';
import { Fact, Facts } from '../ui/facts.tsx';
import { Shown } from '../ui/shown.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { useResource } from '../ui/use-resource.ts';
import { daysOf } from './usage-days.ts';

export const TokenUsage = ({ id }: { readonly id: string }) => {
  const { t } = useWords();
  const api = useApi();
  const { org } = useSignedIn().session;
  const loaded = useResource(`usage ${org.id} ${id}`, (signal) => api.findTokenUsage(org.id, id, signal));
  const { resource } = loaded;
  // The token above says that something is being loaded, and what is wrong where it cannot be.
  if (resource.kind === 'loading') return null;
  if (resource.kind === 'ready' && !resource.value.counted && resource.value.days.length === 0) return null;
  return (
    <section class="card stack" aria-labelledby="usage-title">
      <div>
        <h2 id="usage-title">{t('usage.title')}</h2>
        <small>{t('usage.hint')}</small>
      </div>
      <Shown loaded={loaded}>{(usage, isStale) => <Sums usage={usage} isStale={isStale} />}</Shown>
    </section>
  );
};

interface SumsProps {
  readonly usage: Usage;
  readonly isStale: boolean;
}

const Sums = ({ usage, isStale }: SumsProps) => {
  const { t, number, bytes } = useWords();
  const { total, days } = usage;
  if (days.length === 0) return <p>{t('usage.none')}</p>;
  return (
    <>
      <Facts>
        <Fact title={t('usage.requests')}>{number(total.requests)}</Fact>
        <Fact title={t('usage.refused')}>{number(total.refused)}</Fact>
        <Fact title={t('usage.bytesIn')}>{bytes(total.bytesIn)}</Fact>
        <Fact title={t('usage.bytesOut')}>{bytes(total.bytesOut)}</Fact>
      </Facts>
      <Chart usage={usage} />
      <details class="days">
        <summary>{t('usage.days')}</summary>
        <Days usage={usage} isStale={isStale} />
      </details>
    </>
  );
};

const barWidth = 10;
const chartHeight = 60;

/** A picture, and one sentence for screen readers; the numbers are in the table. */
const Chart = ({ usage }: { readonly usage: Usage }) => {
  const { t, day, number } = useWords();
  const bars = daysOf(usage);
  const most = Math.max(1, ...bars.map(({ requests }) => requests));
  const named = { from: day(usage.from), to: day(usage.to), most: number(most) };
  return (
    <svg
      class="chart"
      role="img"
      aria-label={t('usage.chart', named)}
      viewBox={`0 0 ${bars.length * barWidth} ${chartHeight}`}
      preserveAspectRatio="none"
    >
      {bars.map((bar, index) => {
        // A day with a single request is seen too.
        const height = bar.requests === 0 ? 0 : Math.max(2, (chartHeight * bar.requests) / most);
        return (
          <rect
            key={bar.day}
            x={index * barWidth + 1}
            y={chartHeight - height}
            width={barWidth - 2}
            height={height}
          >
            <title>{`${day(bar.day)}: ${number(bar.requests)}`}</title>
          </rect>
        );
      })}
    </svg>
  );
};

const Days = ({ usage, isStale }: SumsProps) => {
  const { t, day, number, bytes } = useWords();
  type Row = UsageSums & { readonly day: string };
  const columns: readonly Column<Row>[] = [
    { title: t('usage.day'), look: 'main', cell: (row) => <time dateTime={row.day}>{day(row.day)}</time> },
    { title: t('usage.requests'), look: 'number', cell: (row) => number(row.requests) },
    { title: t('usage.refused'), look: 'number', cell: (row) => number(row.refused) },
    { title: t('usage.bytesIn'), look: 'number', cell: (row) => bytes(row.bytesIn) },
    { title: t('usage.bytesOut'), look: 'number', cell: (row) => bytes(row.bytesOut) },
  ];
  const rows = usage.days.toReversed();
  return (
    <Table
      caption={t('usage.title')}
      columns={columns}
      rows={rows}
      keyOf={(row) => row.day}
      isStale={isStale}
    />
  );
};
