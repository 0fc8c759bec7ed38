// The text that is being written: its changes, which can be undone, and a copy of it on this machine, so that a reload loses nothing.

import { useEffect, useReducer } from "react";

const KEEP_MS = 400;
const MERGE_MS = 1_000;
const UNDO_MAX = 200;

interface State {
  past: readonly string[];
  text: string;
  future: readonly string[];
  /** What was changed last, and when: typing is one change. */
  last: { what: string; at: number } | null;
}

type Step = { is: "change"; text: string; what: string; at: number } | { is: "undo" } | { is: "redo" } | { is: "become"; text: string };

export function stepped(state: State, step: Step): State {
  switch (step.is) {
    case "change": {
      if (step.text === state.text) return state;
      const goesOn = state.last !== null && state.last.what === step.what && step.what !== "" && step.at - state.last.at < MERGE_MS;
      const past = goesOn ? state.past : [...state.past, state.text].slice(-UNDO_MAX);
      return { past, text: step.text, future: [], last: { what: step.what, at: step.at } };
    }
    case "undo": {
      const text = state.past.at(-1);
      return text === undefined ? state : { past: state.past.slice(0, -1), text, future: [state.text, ...state.future], last: null };
    }
    case "redo": {
      const [text, ...future] = state.future;
      return text === undefined ? state : { past: [...state.past, state.text], text, future, last: null };
    }
    case "become":
      return { past: [], text: step.text, future: [], last: null };
  }
}

export interface Kept {
  text: string;
  /** The hash of the version that it was begun from; null: of none. */
  base: string | null;
  at: string;
}

const keyOf = (of: string) => `tegu.draft.${of}`;

export function keptDraft(of: string): Kept | null {
  try {
    const found = JSON.parse(localStorage.getItem(keyOf(of)) ?? "null") as Partial<Kept> | null;
    return typeof found?.text === "string" && typeof found.at === "string" ? { text: found.text, base: found.base ?? null, at: found.at } : null;
  } catch {
    return null; // storage may be forbidden, or hold what another release wrote
  }
}

export function keepDraft(of: string, draft: Kept | null): void {
  try {
    if (draft === null) localStorage.removeItem(keyOf(of));
    else localStorage.setItem(keyOf(of), JSON.stringify(draft));
  } catch {
    // Then it lasts as long as the page.
  }
}

/** `of` tells drafts apart: the organization and the pipeline. `base` is the version that was read, by its hash. `offered` is begun with instead
 * of what was kept, to which undoing leads back.
 */
export function useDraft(of: string, stored: string, base: string | null, offered: string | null) {
  const [state, step] = useReducer(stepped, null, (): State => {
    const begun = keptDraft(of)?.text ?? stored;
    return offered === null || offered === begun ? { past: [], text: begun, future: [], last: null } : { past: [begun], text: offered, future: [], last: null };
  });
  const { text } = state;
  useEffect(() => {
    const keep = () => {
      if (text === stored) keepDraft(of, null);
      else if (keptDraft(of)?.text !== text) keepDraft(of, { text, base: keptDraft(of)?.base ?? base, at: new Date().toISOString() });
    };
    const timer = setTimeout(keep, KEEP_MS);
    addEventListener("pagehide", keep);
    return () => {
      clearTimeout(timer);
      removeEventListener("pagehide", keep);
    };
  }, [of, text, stored, base]);
  return {
    text,
    canUndo: state.past.length > 0,
    canRedo: state.future.length > 0,
    /** Changes with the same `what` in a row, like typing, are undone together. */
    change: (next: string, what = "") => step({ is: "change", text: next, what, at: Date.now() }),
    undo: () => step({ is: "undo" }),
    redo: () => step({ is: "redo" }),
    discard: () => {
      keepDraft(of, null);
      step({ is: "become", text: stored });
    },
  };
}

export type Draft = ReturnType<typeof useDraft>;
