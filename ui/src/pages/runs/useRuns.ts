// The runs that match, page by page. Those that are there change in place; runs that came since wait until they are asked for, so that
// nothing moves under the cursor.

import { useRef, useState } from "react";

import { queries } from "../../api/query";
import type { Run } from "../../api/schema";
import { listKeyOf, useList } from "../../api/useList";
import { useDelayed, useFeed } from "../../live/useFeed";
import type { RunsQuery } from "./search";

const PAGE = 50;
const LOOK_MS = 700;

export function useRuns(query: RunsQuery) {
  const given = { ...query, limit: PAGE };
  const name = JSON.stringify(given);
  const { rows: all, found: pages } = useList("runs_list", given);
  // The newest that was shown when the search was made: ids rise with time.
  const [top, setTop] = useState<{ name: string; id: string } | null>(null);
  const isSettled = pages.data !== undefined && !pages.isPlaceholderData;
  if (isSettled && top?.name !== name) setTop({ name, id: all[0]?.id ?? "" });
  const newest = top?.name === name && top.id ? top.id : null;
  const rows: Run[] = newest === null ? all : all.filter((run) => run.id <= newest);
  const fresh = all.length - rows.length;

  // A list of one status loses rows when they move on: not while somebody points at it.
  const isHeld = useRef(false);
  const isDue = useRef(false);
  const look = useDelayed(() => {
    isDue.current = isHeld.current;
    if (!isHeld.current) void queries.invalidateQueries({ queryKey: listKeyOf("runs_list", given) });
  }, LOOK_MS);
  useFeed("runs", { onEvent: look, onResync: look });
  return {
    rows,
    fresh,
    pages,
    hold: (holds: boolean) => {
      isHeld.current = holds && query.status !== undefined;
      if (!isHeld.current && isDue.current) look();
    },
    showFresh: () => setTop({ name, id: all[0]?.id ?? "" }),
  };
}
