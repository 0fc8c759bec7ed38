// A list of what is set: rows with columns made by hand, what to do where there is none, and more of them on demand.

import type { ReactNode } from "react";

import type { Item, Listed, ListName } from "../../api/useList";
import { Button } from "../../design/Button";
import { Empty, ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Scroll } from "../../design/Scroll";

export interface Column<Row> {
  title: string;
  cell: (row: Row) => ReactNode;
  isNumber?: boolean;
}

interface Props<Name extends ListName> {
  title: string;
  listed: Listed<Name>;
  columns: Column<Item<Name>>[];
  keyOf: (row: Item<Name>) => string;
  empty: ReactNode;
  /** What the rows are, in the plural. */
  noun?: string;
  aside?: ReactNode;
  actions?: (row: Item<Name>) => ReactNode;
}

export function Listing<Name extends ListName>({ title, listed: { rows, found }, columns, keyOf, empty, noun = title.toLowerCase(), aside, actions }: Props<Name>) {
  return (
    <Panel title={title} aside={aside}>
      {found.error ? <ErrorNotice error={found.error} /> : found.isPending ? <Skeleton rows={4} /> : rows.length === 0 ? <Empty title={`No ${noun}`}>{empty}</Empty> : null}
      {rows.length > 0 ? (
        <Scroll label={`${title}, as a table`}>
          <table className="rows settings-rows">
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column.title} className={column.isNumber ? "number" : ""}>
                    {column.title}
                  </th>
                ))}
                {actions ? (
                  <th>
                    <span className="visually-hidden">what can be done</span>
                  </th>
                ) : null}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={keyOf(row)}>
                  {columns.map((column) => (
                    <td key={column.title} className={column.isNumber ? "number" : "truncate"}>
                      {column.cell(row)}
                    </td>
                  ))}
                  {actions ? <td className="doing">{actions(row)}</td> : null}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      ) : null}
      {found.hasNextPage ? (
        <div className="body">
          <Button isBusy={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            More
          </Button>
        </div>
      ) : null}
    </Panel>
  );
}
