// Rows that came since a list was shown wait until they are asked for, and what grows above a list waits while somebody points at it: so
// nothing moves under the cursor.

import { useState } from "react";

interface Top {
  of: string;
  id: string;
}

export interface Fresh<Row> {
  /** Those that are shown; they change in place. */
  rows: Row[];
  /** How many wait to be asked for. */
  fresh: number;
  showFresh: () => void;
}

/**
 * `all`: the newest first, undefined before they are read; ids rise with time. `of`: which list it is; another one begins anew.
 * `atLeast`: the newest that is shown in any case, as somebody has just made it.
 */
export function useFresh<Row extends { id: string }>(all: Row[] | undefined, of: string, atLeast = ""): Fresh<Row> {
  const [top, setTop] = useState<Top | null>(null);
  const newest = all?.[0]?.id ?? "";
  if (all !== undefined && top?.of !== of) setTop({ of, id: newest });
  const shown = top?.of === of && top.id !== "" ? (atLeast > top.id ? atLeast : top.id) : null;
  const rows = all === undefined ? [] : shown === null ? all : all.filter((row) => row.id <= shown);
  return { rows, fresh: (all?.length ?? 0) - rows.length, showFresh: () => setTop({ of, id: newest }) };
}

/** The value as it was, while it is held; before there was any, the value. */
export function useHeld<Value>(value: Value | undefined, isHeld: boolean): Value | undefined {
  const [shown, setShown] = useState(value);
  if (shown !== value && (!isHeld || shown === undefined)) setShown(value);
  return isHeld && shown !== undefined ? shown : value;
}
