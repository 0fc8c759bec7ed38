// The document as text: with its lines counted, its parts told apart by colours, and a mark where something is wrong.

import { useEffect, useMemo, useRef } from "react";

import { highlighted } from "./highlight";
import { Lines } from "./Written";

/** A line to be shown; another object is another wish to see it. */
export interface Shown {
  line: number;
  takesFocus: boolean;
}

interface Props {
  text: string;
  wrong: ReadonlyMap<number, "problem" | "warning">;
  shown: Shown | null;
  onChange: (text: string) => void;
  /** The line in which the caret was put. */
  onLine: (line: number) => void;
  onUndo: () => void;
  onRedo: () => void;
}

export function TextPane({ text, wrong, shown, onChange, onLine, onUndo, onRedo }: Props) {
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  const lines = useMemo(() => highlighted(text), [text]);
  useEffect(() => {
    const row = shown ? gutter.current?.children[shown.line - 1] : null;
    if (!shown || !row) return;
    reveal(row as HTMLElement, shown.takesFocus);
    const start = (area.current?.value.split("\n").slice(0, shown.line - 1).join("\n").length ?? 0) + (shown.line > 1 ? 1 : 0);
    const end = start + (area.current?.value.split("\n")[shown.line - 1]?.length ?? 0);
    area.current?.setSelectionRange(start, end);
    if (shown.takesFocus) area.current?.focus({ preventScroll: true });
  }, [shown]);
  return (
    <div className="code">
      <div className="gutter" ref={gutter} aria-hidden="true">
        {lines.map((_, index) => (
          <span key={index} data-wrong={wrong.get(index + 1)} data-shown={shown?.line === index + 1 || undefined}>
            {index + 1}
          </span>
        ))}
      </div>
      <div className="paper">
        <Lines lines={lines} isHidden />
        <textarea
          ref={area}
          id="document"
          aria-label="The pipeline as YAML"
          aria-describedby="problems"
          spellCheck={false}
          autoCapitalize="off"
          wrap="off"
          value={text}
          onChange={(event) => onChange(event.target.value)}
          onClick={(event) => onLine(lineAt(event.currentTarget))}
          onKeyUp={(event) => {
            if (event.key.startsWith("Arrow")) onLine(lineAt(event.currentTarget));
          }}
          onKeyDown={(event) => {
            const key = (event.ctrlKey || event.metaKey) && !event.altKey ? event.key.toLowerCase() : "";
            if (key !== "z" && key !== "y") return;
            event.preventDefault();
            if (key === "y" || event.shiftKey) onRedo();
            else onUndo();
          }}
        />
      </div>
    </div>
  );
}

/** Within its box; the page itself moves only where the text is to have the focus. */
function reveal(row: HTMLElement, movesPage: boolean): void {
  const box = row.closest(".code");
  const top = row.offsetTop;
  if (box && (top < box.scrollTop || top > box.scrollTop + box.clientHeight - 2 * row.offsetHeight)) box.scrollTo({ top: Math.max(0, top - box.clientHeight / 3) });
  if (movesPage) row.scrollIntoView({ block: "nearest" });
}

const lineAt = (area: HTMLTextAreaElement): number => area.value.slice(0, area.selectionStart).split("\n").length;
