// The runs that match, page by page. Those that are there change in place; runs that came since wait until they are asked for, so that
// nothing moves under the cursor.

import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { call, type Refusal } from "../../api/call";
import { keyOf, queries } from "../../api/query";
import type { Run, RunPage } from "../../api/schema";
import { useDelayed, useFeed } from "../../live/useFeed";
import type { RunsQuery } from "./search";

const PAGE = 50;
const LOOK_MS = 700;

export function useRuns(query: RunsQuery) {
  const given = { ...query, limit: PAGE };
  const key = keyOf("runs_list", { query: given });
  const name = JSON.stringify(given);
  const pages = useInfiniteQuery<RunPage, Refusal>({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => call("runs_list", { query: { ...given, ...(pageParam ? { cursor: pageParam as string } : {}) } }, { signal }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  });
  const all = pages.data?.pages.flatMap((page) => page.items) ?? [];
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
    if (!isHeld.current) void queries.invalidateQueries({ queryKey: key });
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
