// Files on their way in: a few at a time, with progress, and what became of each.

import { address } from "../../api/call";
import { asError, refusalOf, unreachable } from "../../api/refusal";
import type { Ingested } from "../../api/schema";

export interface Upload {
  id: number;
  name: string;
  size_bytes: number;
  sent: number;
  ingested: Ingested | null;
  error: Error | null;
}

const AT_ONCE = 3;

export class Uploads {
  list: readonly Upload[] = [];
  private readonly waiting: { id: number; file: File }[] = [];
  private under_way = 0;
  private last = 0;
  private readonly watchers = new Set<() => void>();

  constructor(private readonly onStored: () => void) {}

  watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  add(files: Iterable<File>): void {
    for (const file of files) {
      this.last += 1;
      this.waiting.push({ id: this.last, file });
      this.list = [{ id: this.last, name: file.name, size_bytes: file.size, sent: 0, ingested: null, error: null }, ...this.list];
    }
    this.changed();
    this.next();
  }

  private next(): void {
    while (this.under_way < AT_ONCE) {
      const one = this.waiting.shift();
      if (one === undefined) return;
      this.under_way += 1;
      void this.send(one.id, one.file);
    }
  }

  private async send(id: number, file: File): Promise<void> {
    try {
      const ingested = await sendFile(file, (sent) => this.become(id, { sent }));
      this.become(id, { sent: 1, ingested });
      this.onStored();
    } catch (error) {
      this.become(id, { error: asError(error) });
    }
    this.under_way -= 1;
    this.next();
  }

  private become(id: number, change: Partial<Upload>): void {
    this.list = this.list.map((each) => (each.id === id ? { ...each, ...change } : each));
    this.changed();
  }

  private changed(): void {
    for (const watcher of this.watchers) watcher();
  }
}

// XMLHttpRequest, since `fetch` tells nothing of how much was sent.
function sendFile(file: File, onProgress: (sent: number) => void): Promise<Ingested> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address("/contents", {}, { name: file.name, source_type: "file" }));
    request.setRequestHeader("content-type", "application/octet-stream");
    request.responseType = "text";
    request.upload.onprogress = (event) => onProgress(event.total ? event.loaded / event.total : 0);
    request.onerror = () => reject(unreachable("Add the file again."));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText) as Ingested);
      else reject(refusalOf(request.status, request.responseText));
    };
    request.send(file);
  });
}
