// The live feed: one stream of events for the whole tab, over all topics that anything on the page follows.
//
// Invariant: nothing that happens is missed. The service's cursor is carried from stream to stream; where it says that something
// was left out (`resync`), everybody reads the present state again. A hidden tab lets its stream go, and comes back where it was.

import { address, isBearing } from "../api/call";
import type { RunEvent } from "../api/schema";
import { FetchedEvents } from "./fetched";

export interface Listener {
  onEvent?(event: RunEvent): void;
  /** What a model has said so far, of the moment: `data` holds it. */
  onPartial?(partial: RunEvent): void;
  /** Read the present state: at the beginning, and whenever something may have been missed. */
  onResync?(): void;
}

export type FeedState = "off" | "connecting" | "live" | "waiting";

const REOPEN_MS = 50; // whatever is followed at once makes one stream
const RETRY_MS = 2_000;
const HIDDEN_MS = 30_000;

interface Source {
  addEventListener(kind: string, listener: (message: MessageEvent) => void): void;
  close(): void;
  onerror: ((event: Event) => void) | null;
}

export class Feed {
  state: FeedState = "off";
  /** Whether the last try to reach the service failed. */
  isAway = false;
  private readonly followed = new Map<Listener, string>();
  private readonly watchers = new Set<() => void>();
  private source: Source | null = null;
  private cursor: string | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly open: (url: string) => Source = (url) => (isBearing() ? new FetchedEvents(url) : new EventSource(url))) {
    document.addEventListener("visibilitychange", () => this.schedule(document.hidden ? HIDDEN_MS : 0));
  }

  /** Follow a topic (`runs`, `pipeline:NAME`, `run:ID`); the answer ends it. */
  follow(topic: string, listener: Listener): () => void {
    this.followed.set(listener, topic);
    this.schedule(REOPEN_MS);
    return () => {
      this.followed.delete(listener);
      this.schedule(REOPEN_MS);
    };
  }

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  private schedule(delay_ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), delay_ms);
  }

  private connect(): void {
    this.source?.close();
    this.source = null;
    const topics = [...new Set(this.followed.values())].sort();
    if (topics.length === 0 || document.hidden) return this.become("off");
    this.become("connecting");
    const cursor = this.cursor;
    const source = this.open(address("/events", {}, { topics: topics.join(","), partials: true, cursor: cursor ?? undefined }));
    this.source = source;
    source.addEventListener("ready", (event) => {
      this.keep(event);
      this.isAway = false;
      this.become("live");
      // Topics that are new have nothing behind the cursor that they could be told.
      for (const listener of this.followed.keys()) listener.onResync?.();
    });
    source.addEventListener("run", (event) => this.told(event));
    source.addEventListener("partial", (event) => this.toldPartial(event));
    source.addEventListener("resync", (event) => {
      this.keep(event);
      for (const listener of this.followed.keys()) listener.onResync?.();
    });
    source.addEventListener("end", () => this.again());
    // Also what the browser would mend itself: its next try would lack the topics that came since.
    source.onerror = () => {
      this.isAway = true;
      this.again();
    };
  }

  private again(): void {
    this.source?.close();
    this.source = null;
    this.become("waiting");
    this.schedule(RETRY_MS);
  }

  private told(message: MessageEvent): void {
    const event = JSON.parse(message.data as string) as RunEvent;
    for (const [listener, topic] of this.followed) {
      if (!topic.startsWith("run:") || topic === `run:${event.run_id}`) listener.onEvent?.(event);
    }
    this.keep(message);
  }

  private toldPartial(message: MessageEvent): void {
    const partial = JSON.parse(message.data as string) as RunEvent;
    for (const [listener, topic] of this.followed) {
      if (topic === `run:${partial.run_id}`) listener.onPartial?.(partial);
    }
  }

  private keep(message: MessageEvent): void {
    if (message.lastEventId) this.cursor = message.lastEventId;
  }

  private become(state: FeedState): void {
    if (state === this.state) return;
    this.state = state;
    for (const watcher of this.watchers) watcher();
  }
}
