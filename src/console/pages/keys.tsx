// For the operator: the keys that sign access tokens, and beginning the next one.

import { useState } from 'preact/hooks';
import type { SigningKey } from '../api/shapes.ts';
import { useWords } from '../session/preferences.tsx';
import { useApi } from '../session/session.tsx';
import { Button } from '../ui/button.tsx';
import { Confirm } from '../ui/dialog.tsx';
import { SelectField } from '../ui/fields.tsx';
import { useFlash } from '../ui/flash.tsx';
import { Badge, Empty, ProblemNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Shown } from '../ui/shown.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';
import { useCommand } from '../ui/use-command.ts';
import { useResource } from '../ui/use-resource.ts';

export const Keys = () => {
  const { t } = useWords();
  const api = useApi();
  const { say } = useFlash();
  const loaded = useResource('keys', api.listKeys);
  const columns = useColumns();
  const [isAsking, setAsking] = useState(false);
  return (
    <Page
      title={t('nav.keys')}
      lead={t('keys.lead')}
      actions={
        <Button look="primary" icon="refresh" onClick={() => setAsking(true)}>
          {t('keys.rotate')}
        </Button>
      }
    >
      <Shown loaded={loaded}>
        {({ items }, isStale) =>
          items.length === 0 ? (
            <Empty title={t('keys.none')} />
          ) : (
            <Table
              caption={t('nav.keys')}
              columns={columns}
              rows={items}
              keyOf={({ kid }) => kid}
              isStale={isStale}
            />
          )
        }
      </Shown>
      {isAsking && (
        <Rotate
          onClose={() => setAsking(false)}
          onDone={() => {
            setAsking(false);
            say(t('keys.rotated'));
            loaded.reload();
          }}
        />
      )}
    </Page>
  );
};

const tones = { next: 'warning', signing: 'ok', verifying: 'off', retired: 'off', revoked: 'bad' } as const;

const useColumns = (): readonly Column<SigningKey>[] => {
  const { t } = useWords();
  const time = (iso: string | null) => (iso === null ? '–' : <Time iso={iso} />);
  return [
    { title: t('keys.kid'), look: 'main', cell: ({ kid }) => <code>{kid}</code> },
    { title: t('keys.algorithm'), cell: ({ algorithm }) => <code>{algorithm}</code> },
    {
      title: t('token.state'),
      cell: ({ state }) => <Badge tone={tones[state]}>{t(`keys.${state}`)}</Badge>,
    },
    { title: t('keys.origin'), cell: ({ origin }) => t(`keys.${origin}`) },
    { title: t('keys.activeFrom'), cell: ({ activeFrom }) => time(activeFrom) },
    { title: t('keys.retiresAt'), cell: ({ retiresAt }) => time(retiresAt) },
  ];
};

const algorithms = ['usual', 'ES256', 'RS256', 'EdDSA'] as const;
type Algorithm = (typeof algorithms)[number];

const Rotate = ({ onDone, onClose }: { readonly onDone: () => void; readonly onClose: () => void }) => {
  const { t } = useWords();
  const api = useApi();
  const command = useCommand();
  const [algorithm, setAlgorithm] = useState<Algorithm>('usual');
  return (
    <Confirm
      title={t('keys.rotate')}
      action={t('keys.rotate')}
      look="primary"
      isBusy={command.isBusy}
      onConfirm={() =>
        command.run(() => api.rotateKey(algorithm === 'usual' ? undefined : algorithm), onDone)
      }
      onClose={onClose}
    >
      <p>{t('keys.rotateWarning')}</p>
      <SelectField
        label={t('keys.algorithm')}
        value={algorithm}
        options={algorithms.map((each) => [each, each === 'usual' ? t('keys.usual') : each] as const)}
        onValue={setAlgorithm}
      />
      <ProblemNotice problem={command.problem} />
    </Confirm>
  );
};
