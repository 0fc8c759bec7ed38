// A text with its places lit up. Texts are shown as texts: nothing of theirs is followed, loaded or run.

import { useEffect, useRef } from "react";

import { reveal } from "../design/reveal";
import { Theirs } from "../design/Theirs";
import { Characters, pieces } from "./characters";
import type { Marking } from "./marks";

export function Text({ text, start, end, parts, marks, chosen, onChoose }: Cut & Marking) {
  return stretchesOf({ text, start, end, parts }).map((stretch) => {
    const shown = <Stretch key={stretch.start} text={stretch.text} from={stretch.start} marks={marks} chosen={chosen} onChoose={onChoose} />;
    const { part } = stretch;
    if (part?.kind === "quoted") {
      const holdsMark = marks.some((mark) => mark.start < part.end && mark.end > part.start);
      return (
        <details key={stretch.start} className="quoted" open={holdsMark}>
          <summary>quoted text</summary>
          {shown}
        </details>
      );
    }
    return (
      <div key={stretch.start} data-part={part?.kind}>
        {part?.kind === "page" ? <div className="page-mark">{part.label ?? "page"}</div> : null}
        {shown}
      </div>
    );
  });
}

function Stretch({ text, from, marks, chosen, onChoose }: { text: string; from: number } & Marking) {
  return (
    <pre>
      {pieces(text, marks, from).map((piece) =>
        piece.spans.length === 0 ? <Theirs key={piece.start} text={piece.text} /> : <Marked key={piece.start} spans={piece.spans} text={piece.text} chosen={chosen} onChoose={onChoose} />,
      )}
    </pre>
  );
}

function Marked({ spans, text, chosen, onChoose }: { spans: string[]; text: string; chosen: string | null; onChoose: (mark: string | null) => void }) {
  const isChosen = chosen !== null && spans.includes(chosen);
  const element = useRef<HTMLElement>(null);
  useEffect(() => {
    if (isChosen) reveal(element.current);
  }, [isChosen]);
  return (
    <mark ref={element} data-chosen={isChosen || undefined} onMouseEnter={() => onChoose(spans[0] ?? null)} onClick={() => onChoose(spans[0] ?? null)}>
      <Theirs text={text} />
    </mark>
  );
}

interface Cut {
  text: string;
  start: number;
  end: number;
  parts: readonly Part[];
}

interface Part {
  kind: string;
  start: number;
  end: number;
  label: string | null;
}

interface Piece {
  start: number;
  text: string;
  part: Part | null;
}

/** A stretch of a text that begins at `start` of the whole. Offsets count characters of that. */
export function stretchOf(text: { text: string; start: number; end: number }, start: number, end: number): { text: string; start: number; end: number } {
  const from = Math.max(start, text.start);
  const to = Math.max(from, Math.min(end, text.end));
  return { text: new Characters(text.text).slice(from - text.start, to - text.start), start: from, end: to };
}

/** The text by its outermost parts, in order, with what lies between them. */
export function stretchesOf(text: Cut): Piece[] {
  const letters = new Characters(text.text);
  const found: Piece[] = [];
  const add = (start: number, end: number, part: Part | null) => {
    const cut = letters.slice(start - text.start, end - text.start);
    if (cut.trim() !== "" || part !== null) found.push({ start, text: cut, part });
  };
  let at = text.start;
  for (const part of [...text.parts].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const [start, end] = [Math.max(at, part.start), Math.min(text.end, part.end)];
    if (end <= start) continue;
    if (start > at) add(at, start, null);
    add(start, end, part);
    at = end;
  }
  if (at < text.end) add(at, text.end, null);
  return found;
}
