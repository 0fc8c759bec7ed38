// What the service says of the text, asked a moment after the last key; it says so where that is not of the present text yet.

import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { call } from "../../../api/call";
import type { Refusal } from "../../../api/refusal";
import type { CheckedDocument } from "../../../api/schema";

const SETTLE_MS = 250;

export function useChecked(text: string) {
  const [asked, setAsked] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const checked = useQuery<CheckedDocument, Refusal>({
    queryKey: ["pipelines_check", asked],
    queryFn: ({ signal }) => call("pipelines_check", { body: { text: asked } }, { signal }),
    staleTime: Infinity,
    placeholderData: (before) => before,
  });
  return { checked: checked.data, error: checked.error, isFresh: asked === text && checked.isSuccess && !checked.isPlaceholderData };
}
