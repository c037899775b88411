// One page of a list as a table, with the way to the other pages below it.

import type { ComponentChildren } from 'preact';
import { Table, type TableProps } from '../ui/table.tsx';
import { Pager } from './pager.tsx';
import type { Pages } from './use-pages.ts';

export interface PagedTableProps<Row> extends Omit<TableProps<Row>, 'rows'> {
  readonly page: {
    readonly items: readonly Row[];
    readonly nextCursor: string | null;
    readonly total?: number | null;
  };
  readonly pages: Pages;
  readonly pageSize: number;
  /** Stands where the table would, on a page without rows. */
  readonly empty: ComponentChildren;
}

export const PagedTable = <Row,>({ page, pages, pageSize, empty, ...table }: PagedTableProps<Row>) => {
  const { items, nextCursor, total = null } = page;
  return (
    <>
      {items.length === 0 ? empty : <Table {...table} rows={items} />}
      <Pager pages={pages} pageSize={pageSize} shown={items.length} total={total} nextCursor={nextCursor} />
    </>
  );
};
