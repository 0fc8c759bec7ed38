// What is read is kept under its operation's name and what was given, so that whoever changes something can say what is stale.

import { QueryClient, useQuery, type UseQueryOptions, type UseQueryResult } from "@tanstack/react-query";

import { callNamed, type Answer, type Given } from "./call";
import { Refusal } from "./refusal";
import type { OperationName } from "./schema";

const TRIES_MAX = 3;

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: "always",
      retry: (tries, error) => tries < TRIES_MAX && !(error instanceof Refusal && error.status >= 400 && error.status < 500),
    },
  },
});

export function keyOf<Name extends OperationName>(name: Name, given?: Given<Name>): readonly unknown[] {
  return given === undefined ? [name] : [name, given];
}

export function useRead<Name extends OperationName>(
  name: Name,
  given: Given<Name>,
  options: Omit<UseQueryOptions<Answer<Name>, Refusal>, "queryKey" | "queryFn"> = {},
): UseQueryResult<Answer<Name>, Refusal> {
  return useQuery<Answer<Name>, Refusal>({
    ...options,
    queryKey: keyOf(name, given),
    queryFn: ({ signal }) => callNamed(name, given, { signal }),
  });
}

export function stale(...names: OperationName[]): void {
  for (const name of names) void queries.invalidateQueries({ queryKey: [name] });
}
