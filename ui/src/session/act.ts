// Doing something: an operation that changes what is stored, told of when it is done, with what it makes stale read again.

import { useMutation, type UseMutationResult } from "@tanstack/react-query";

import { say } from "../design/toasts";
import { callNamed, type Answer, type Given } from "../api/call";
import { Refusal } from "../api/refusal";
import { stale } from "../api/query";
import type { OperationName } from "../api/schema";

interface Options<Name extends OperationName> {
  /** What is told when it is done; nothing where the page itself shows it. */
  says?: string | ((answer: Answer<Name>) => string);
  makesStale?: OperationName[];
  onDone?: (answer: Answer<Name>) => void;
}

export type Act<Name extends OperationName> = UseMutationResult<Answer<Name>, Error, Given<Name>>;

export function useAct<Name extends OperationName>(name: Name, { says, makesStale = [], onDone }: Options<Name> = {}): Act<Name> {
  return useMutation<Answer<Name>, Error, Given<Name>>({
    mutationFn: (given) => callNamed(name, given, { isOnce: true }),
    onSuccess: (answer) => {
      stale(...makesStale);
      if (says !== undefined) say(typeof says === "string" ? says : says(answer));
      onDone?.(answer);
    },
  });
}

/** What is wrong with one value of what was sent. */
export function problemsOf(error: Error | null, name: string): string[] {
  if (!(error instanceof Refusal)) return [];
  const mine = error.problems.filter(({ place }) => place === name || place.endsWith(`.${name}`) || place.includes(`.${name}.`));
  return mine.map((problem) => [problem.message, problem.hint].filter(Boolean).join(" "));
}
