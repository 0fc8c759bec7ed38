// A stream of events by `fetch`, for who comes in with a token: an EventSource can send none, and a query would end up in logs.

import { reach } from "../api/call";

interface Told {
  kind: string;
  data: string;
  id: string;
}

/** What of the stream was whole so far. Lines end with \n, \r\n or \r, as the standard says. */
export class EventParser {
  private rest = "";
  private kind = "";
  private data: string[] = [];
  private id = "";

  take(text: string): Told[] {
    const found: Told[] = [];
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (this.data.length > 0) found.push({ kind: this.kind || "message", data: this.data.join("\n"), id: this.id });
        this.kind = "";
        this.data = [];
        continue;
      }
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") this.kind = value;
      else if (field === "data") this.data.push(value);
      else if (field === "id") this.id = value;
    }
    return found;
  }
}

export class FetchedEvents {
  onerror: ((event: Event) => void) | null = null;
  private readonly listeners = new Map<string, (message: MessageEvent) => void>();
  private readonly stop = new AbortController();

  constructor(url: string) {
    void this.read(url);
  }

  addEventListener(kind: string, listener: (message: MessageEvent) => void): void {
    this.listeners.set(kind, listener);
  }

  close(): void {
    this.stop.abort();
  }

  private async read(url: string): Promise<void> {
    try {
      const answer = await reach(url, { headers: { accept: "text/event-stream" }, signal: this.stop.signal });
      const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser();
      for (let piece = await reader?.read(); piece !== undefined && !piece.done; piece = await reader?.read()) {
        for (const { kind, data, id } of parser.take(piece.value)) {
          this.listeners.get(kind)?.(new MessageEvent(kind, { data, lastEventId: id }));
        }
      }
    } catch {
      // It broke, or was refused: whoever follows comes again, and reads why.
    }
    if (!this.stop.signal.aborted) this.onerror?.(new Event("error"));
  }
}
