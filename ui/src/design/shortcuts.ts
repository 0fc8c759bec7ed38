// Keys of the whole application and of the page that is shown. They rest while somebody writes, and in dialogs.

import { useEffect, useRef, useSyncExternalStore } from "react";

export interface Shortcut {
  /** As pressed one after the other: `g r`, `?`, `j`; or with a key that is held: `Ctrl+Shift+z`, of which the command key is as good as the first. */
  keys: string;
  says: string;
  run: () => void;
}

const SEQUENCE_MS = 900;
const active = new Set<readonly Shortcut[]>();
const watchers = new Set<() => void>();
let listed: readonly Shortcut[] = [];
let pressed: { keys: string; at: number } = { keys: "", at: 0 };

function changed(): void {
  listed = [...active].flat();
  for (const watcher of watchers) watcher();
}

function isWriting(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return !/^(checkbox|radio|button|submit|file)$/.test(target.type);
  return target instanceof HTMLElement && (target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Enter and the space are what presses the thing that has the focus. */
function isPressing(event: KeyboardEvent): boolean {
  return (event.key === "Enter" || event.key === " ") && event.target instanceof HTMLElement && event.target.closest("a, button, summary, input, [role=button]") !== null;
}

document.addEventListener("keydown", (event) => {
  if (event.altKey || isWriting(event.target) || isPressing(event) || document.querySelector("dialog[open]")) return;
  const key = event.ctrlKey || event.metaKey ? `Ctrl+${event.shiftKey ? "Shift+" : ""}${event.key.toLowerCase()}` : event.key;
  const now = Date.now();
  const before = now - pressed.at < SEQUENCE_MS ? `${pressed.keys} ` : "";
  const found = listed.findLast((each) => each.keys === `${before}${key}`) ?? listed.findLast((each) => each.keys === key);
  pressed = found ? { keys: "", at: 0 } : { keys: key, at: now };
  if (!found) return;
  event.preventDefault();
  found.run();
});

/** Have these keys while the component is there. The later wins over the earlier. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  const names = shortcuts.map((each) => `${each.keys}\n${each.says}`).join("\r");
  useEffect(() => {
    const mine = latest.current.map((each, index) => ({ ...each, run: () => latest.current[index]?.run() }));
    active.add(mine);
    changed();
    return () => {
      active.delete(mine);
      changed();
    };
  }, [names]);
}

export const useListedShortcuts = (): readonly Shortcut[] =>
  useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => listed,
  );
