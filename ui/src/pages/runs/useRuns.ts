// The runs that match, page by page. Those that are there change in place; runs that came since wait until they are asked for, so that
// nothing moves under the cursor.

import { useRef } from "react";

import { queries } from "../../api/query";
import type { Run } from "../../api/schema";
import { listKeyOf, useList } from "../../api/useList";
import { useDelayed, useFeed } from "../../live/useFeed";
import { useFresh } from "../../live/useFresh";
import type { RunsQuery } from "./search";

const PAGE = 50;
const LOOK_MS = 700;

export function useRuns(query: RunsQuery) {
  const given = { ...query, limit: PAGE };
  const name = JSON.stringify(given);
  const { rows: all, found: pages } = useList("runs_list", given);
  // While another search is read, what the one before found is shown, and none of that is new.
  const isSettled = pages.data !== undefined && !pages.isPlaceholderData;
  const listed = useFresh<Run>(isSettled ? all : undefined, name);

  // A list of one status loses rows when they move on: not while somebody points at it.
  const isHeld = useRef(false);
  const isDue = useRef(false);
  const look = useDelayed(() => {
    isDue.current = isHeld.current;
    if (!isHeld.current) void queries.invalidateQueries({ queryKey: listKeyOf("runs_list", given) });
  }, LOOK_MS);
  useFeed("runs", { onEvent: look, onResync: look });
  return {
    rows: isSettled ? listed.rows : all,
    fresh: listed.fresh,
    pages,
    hold: (holds: boolean) => {
      isHeld.current = holds && query.status !== undefined;
      if (!isHeld.current && isDue.current) look();
    },
    showFresh: listed.showFresh,
  };
}
