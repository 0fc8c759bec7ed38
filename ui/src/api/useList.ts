// A list page by page: what is there is kept, more is read when it is asked for.

import { useInfiniteQuery, keepPreviousData, type UseInfiniteQueryResult, type InfiniteData } from "@tanstack/react-query";

import { call, type Answer, type Refusal } from "./call";
import type { OperationName } from "./schema";

export type ListName = { [Name in OperationName]: Answer<Name> extends { items: unknown[]; next_cursor: string | null } ? Name : never }[OperationName];
export type Item<Name extends ListName> = Answer<Name>["items"][number];

export interface Listed<Name extends ListName> {
  rows: Item<Name>[];
  found: UseInfiniteQueryResult<InfiniteData<Answer<Name>>, Refusal>;
}

export function useList<Name extends ListName>(name: Name, query: Record<string, unknown> = {}, isEnabled = true): Listed<Name> {
  const found = useInfiniteQuery<Answer<Name>, Refusal>({
    queryKey: [name, "pages", query],
    enabled: isEnabled,
    queryFn: async ({ pageParam, signal }) => (await (call as AnyCall)(name, { query: { ...query, ...(pageParam ? { cursor: pageParam } : {}) } }, { signal })) as Answer<Name>,
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
  const rows: Item<Name>[] = [];
  for (const page of found.data?.pages ?? []) rows.push(...(page.items as Item<Name>[]));
  return { rows, found };
}

type AnyCall = (name: OperationName, given: unknown, options: { signal: AbortSignal }) => Promise<unknown>;
