// Short news that nobody must answer. The last few are shown, each for some seconds; failures stay until they are closed.

import { useSyncExternalStore, type ReactNode } from "react";

import { asError, Refusal } from "../api/refusal";
import { Button } from "./Button";

interface Toast {
  id: number;
  text: string;
  hint: string | null;
  link: ReactNode;
  tone: "failed" | "completed";
}

const SHOWN_MS = 6_000;
const TOASTS_MAX = 4;
let toasts: readonly Toast[] = [];
let last = 0;
const watchers = new Set<() => void>();

function become(next: readonly Toast[]): void {
  toasts = next;
  for (const watcher of watchers) watcher();
}

function close(id: number): void {
  become(toasts.filter((toast) => toast.id !== id));
}

function show(tone: Toast["tone"], text: string, hint: string | null, link: ReactNode = null): void {
  last += 1;
  const id = last;
  become([...toasts, { id, text, hint, link, tone }].slice(-TOASTS_MAX));
  if (tone === "completed") setTimeout(() => close(id), SHOWN_MS);
}

/** `link`: to what came of it. */
export const say = (text: string, hint: string | null = null, link: ReactNode = null): void => show("completed", text, hint, link);
export const sayError = (error: unknown): void =>
  show("failed", asError(error).message, error instanceof Refusal ? error.hint : null);

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function Toasts() {
  const shown = useSyncExternalStore(watch, () => toasts);
  return (
    <div className="toasts" aria-live="polite">
      {shown.map((toast) => (
        <div key={toast.id} className="notice" data-status={toast.tone}>
          <div>
            <div>{toast.text}</div>
            {toast.hint ? <div className="hint">{toast.hint}</div> : null}
            {toast.link}
          </div>
          <Button kind="quiet" size="small" aria-label="Close" onClick={() => close(toast.id)}>
            ×
          </Button>
        </div>
      ))}
    </div>
  );
}
