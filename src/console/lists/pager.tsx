// Below a list: how much of it is shown, and the pages before and after.

import { useWords } from '../session/preferences.tsx';
import { Button } from '../ui/button.tsx';
import type { Pages } from './use-pages.ts';

export interface PagerProps {
  readonly pages: Pages;
  readonly pageSize: number;
  readonly shown: number;
  readonly total: number | null;
  readonly nextCursor: string | null;
}

export const Pager = ({ pages, pageSize, shown, total, nextCursor }: PagerProps) => {
  const { t, number } = useWords();
  const from = pages.before * pageSize;
  // A page of a search may be short: then where it stands is not known.
  const isFull = shown === pageSize || nextCursor === null;
  const range = `${number(from + 1)}–${number(from + shown)}`;
  if (pages.before === 0 && nextCursor === null && total === null) return null;
  return (
    <nav class="pager" aria-label={t('list.pages')}>
      <p role="status">
        {shown > 0 && isFull && total !== null && t('list.rangeOf', { range, total: number(total) })}
        {shown > 0 && !(isFull && total !== null) && t('list.page', { page: number(pages.before + 1) })}
      </p>
      {(pages.before > 0 || nextCursor !== null) && (
        <div class="actions">
          <Button icon="previous" isDisabled={pages.before === 0} onClick={pages.previous}>
            {t('list.previous')}
          </Button>
          <Button
            icon="next"
            isDisabled={nextCursor === null}
            onClick={() => nextCursor !== null && pages.next(nextCursor)}
          >
            {t(shown === 0 ? 'list.searchOn' : 'list.next')}
          </Button>
        </div>
      )}
    </nav>
  );
};
