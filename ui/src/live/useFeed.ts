// The feed in components: follow a topic while shown, and say how the stream is.

import { useCallback, useEffect, useRef, useSyncExternalStore } from "react";

import { stale } from "../api/query";
import type { OperationName } from "../api/schema";
import { Feed, type FeedState, type Listener } from "./feed";

export const feed = new Feed();

/** Follow a topic while the component is there; null follows nothing. */
export function useFeed(topic: string | null, listener: Listener): void {
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => {
    if (topic === null) return undefined;
    return feed.follow(topic, {
      onEvent: (event) => latest.current.onEvent?.(event),
      onPartial: (partial) => latest.current.onPartial?.(partial),
      onResync: () => latest.current.onResync?.(),
    });
  }, [topic]);
}

/** Read these again when there is news of a topic, at most once in a while. */
export function useReread(topic: string, names: OperationName[], delay_ms: number): void {
  const look = useDelayed(() => stale(...names), delay_ms);
  useFeed(topic, { onEvent: look, onResync: look });
}

export const useFeedState = (): FeedState => useSyncExternalStore(feed.watch, () => feed.state);

/** Whether the service does not answer: it is asked again and again. */
export const useIsAway = (): boolean => useSyncExternalStore(feed.watch, () => feed.isAway);

/** The same, but at most once in a while: what happens at once is looked at once. */
export function useDelayed(act: () => void, delay_ms: number): () => void {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  return useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      latest.current();
    }, delay_ms);
  }, [delay_ms]);
}
