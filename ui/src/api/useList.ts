// A list page by page: what is there is kept, more is read when it is asked for.
//
// Its pages are kept apart from what `useRead` reads of the same list, which has another shape.

import { keepPreviousData, useInfiniteQuery, type InfiniteData, type UseInfiniteQueryResult } from "@tanstack/react-query";

import { callNamed, type Answer } from "./call";
import type { Refusal } from "./refusal";
import type { OperationName, Operations } from "./schema";

export type ListName = { [Name in OperationName]: Answer<Name> extends { items: unknown[]; next_cursor: string | null } ? Name : never }[OperationName];
export type Item<Name extends ListName> = Answer<Name>["items"][number];
export type ListQuery<Name extends ListName> = Omit<Operations[Name]["query"], "cursor" | "format">;

export interface Listed<Name extends ListName> {
  rows: Item<Name>[];
  found: UseInfiniteQueryResult<InfiniteData<Answer<Name>>, Refusal>;
}

export const listKeyOf = <Name extends ListName>(name: Name, query: ListQuery<Name>): readonly unknown[] => [name, "pages", query];

export function useList<Name extends ListName>(name: Name, query: ListQuery<Name>, isEnabled = true): Listed<Name> {
  const found = useInfiniteQuery<Answer<Name>, Refusal>({
    queryKey: listKeyOf(name, query),
    enabled: isEnabled,
    queryFn: ({ pageParam, signal }) => callNamed(name, { query: { ...query, ...(pageParam ? { cursor: pageParam } : {}) } }, { signal }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
  const rows: Item<Name>[] = [];
  for (const page of found.data?.pages ?? []) rows.push(...(page.items as Item<Name>[]));
  return { rows, found };
}
