// Tables: on a narrow screen each row is a card with the column's title before each value. The roles are written out,
// because browsers forget those of a table that is laid out as cards.

import type { ComponentChildren } from 'preact';
import { Icon } from './icon.tsx';

export interface Column<Row> {
  readonly title: string;
  /** The name of the order by this column; `-` before it: the other way round. */
  readonly sort?: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** `main`: it names the row. */
  readonly look?: 'main' | 'number' | 'actions';
}

export interface TableProps<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly sort?: string;
  readonly onSort?: (sort: string) => void;
  readonly isStale?: boolean;
}

export const Table = <Row,>(props: TableProps<Row>) => {
  const { caption, columns, rows, keyOf, sort, onSort, isStale = false } = props;
  return (
    <table class="cards" role="table" aria-busy={isStale}>
      <caption class="unseen">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <Heading key={column.title} column={column} sort={sort} onSort={onSort} />
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr role="row" key={keyOf(row)}>
            {columns.map(({ title, look, cell }) =>
              look === 'main' ? (
                <th key={title} role="rowheader" scope="row" class="main">
                  {cell(row)}
                </th>
              ) : (
                <td key={title} role="cell" class={look} data-title={title}>
                  {cell(row)}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
};

interface HeadingProps<Row> {
  readonly column: Column<Row>;
  readonly sort: string | undefined;
  readonly onSort: ((sort: string) => void) | undefined;
}

const Heading = <Row,>({ column: { title, sort: own, look }, sort, onSort }: HeadingProps<Row>) => {
  if (own === undefined || onSort === undefined)
    return (
      <th role="columnheader" scope="col" class={look}>
        {look === 'actions' ? <span class="unseen">{title}</span> : title}
      </th>
    );
  const direction = sort === own ? 'ascending' : sort === `-${own}` ? 'descending' : 'none';
  return (
    <th role="columnheader" scope="col" class={look} aria-sort={direction}>
      <button type="button" class="sort" onClick={() => onSort(sort === own ? `-${own}` : own)}>
        {title}
        <Icon name="next" />
      </button>
    </th>
  );
};
