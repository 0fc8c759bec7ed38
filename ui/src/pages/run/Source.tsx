// What the run read, with the places marked that its answers come from. Texts are shown as texts: nothing of theirs is followed,
// loaded or run.

import { useEffect, useRef } from "react";

import { useRead } from "../../api/query";
import type { Content, ContentText, Run, TextPart } from "../../api/schema";
import { Empty, ErrorNotice, Skeleton } from "../../design/Notice";
import { fullTime } from "../../design/words";
import { pieces, type Span } from "./characters";

export interface Mark extends Span {
  contentId: string | null;
}

interface Marking {
  marks: Mark[];
  chosen: string | null;
  onChoose: (mark: string | null) => void;
}

const TEXT_MAX = 200_000;

export function Source({ run, ...marking }: { run: Pick<Run, "content_id" | "thread_id" | "erased_at"> } & Marking) {
  if (run.erased_at !== null) return <Empty title="What the run read was deleted." />;
  if (run.thread_id !== null) return <ThreadSource threadId={run.thread_id} {...marking} />;
  if (run.content_id !== null) return <ContentSource contentId={run.content_id} {...marking} />;
  return <Empty title="The run has no text." />;
}

function ThreadSource({ threadId, ...marking }: { threadId: string } & Marking) {
  const thread = useRead("threads_get", { path: { thread_id: threadId } });
  if (thread.error) return <ErrorNotice error={thread.error} />;
  if (!thread.data) return <Skeleton />;
  return (
    <ol className="messages">
      {thread.data.messages.map((message, index) => (
        <Message key={message.id} message={message} isOpen={index >= thread.data.messages.length - 2} {...marking} />
      ))}
    </ol>
  );
}

function Message({ message, isOpen, ...marking }: { message: Content; isOpen: boolean } & Marking) {
  const from = typeof message.metadata.from === "string" ? message.metadata.from : null;
  const sent = typeof message.metadata.date === "string" ? message.metadata.date : message.created_at;
  const isMarked = marking.marks.some((mark) => mark.contentId === message.id);
  return (
    <li>
      <details open={isOpen || isMarked}>
        <summary>
          <strong>{from ?? message.name ?? "Message"}</strong>
          <span className="muted">{Number.isNaN(Date.parse(sent)) ? sent : fullTime(sent)}</span>
        </summary>
        <ContentSource contentId={message.id} {...marking} />
      </details>
    </li>
  );
}

function ContentSource({ contentId, marks, ...marking }: { contentId: string } & Marking) {
  const text = useRead("contents_text", { path: { content_id: contentId }, query: { length: TEXT_MAX } }, { staleTime: Infinity });
  if (text.error) return <ErrorNotice error={text.error} />;
  if (!text.data) return <Skeleton />;
  const mine = marks.filter((mark) => mark.contentId === null || mark.contentId === contentId);
  return (
    <>
      <Text text={text.data} marks={mine} {...marking} />
      {text.data.end < text.data.characters ? <p className="muted">The text goes on; its first {TEXT_MAX.toLocaleString()} characters are shown.</p> : null}
    </>
  );
}

function Text({ text, marks, chosen, onChoose }: { text: ContentText } & Marking) {
  const stretches = stretchesOf(text);
  return (
    <div className="source">
      {stretches.map((stretch) => {
        const shown = <Stretch key={stretch.start} text={stretch.text} from={stretch.start} marks={marks} chosen={chosen} onChoose={onChoose} />;
        if (stretch.part?.kind !== "quoted") return <div key={stretch.start} data-part={stretch.part?.kind}>{stretch.part?.kind === "page" ? <div className="page-mark">{stretch.part.label ?? "page"}</div> : null}{shown}</div>;
        const holdsMark = marks.some((mark) => mark.start < stretch.start + stretch.text.length && mark.end > stretch.start);
        return (
          <details key={stretch.start} className="quoted" open={holdsMark}>
            <summary>quoted text</summary>
            {shown}
          </details>
        );
      })}
    </div>
  );
}

function Stretch({ text, from, marks, chosen, onChoose }: { text: string; from: number } & Marking) {
  return (
    <pre>
      {pieces(text, marks, from).map((piece) =>
        piece.spans.length === 0 ? piece.text : <Marked key={piece.start} spans={piece.spans} text={piece.text} chosen={chosen} onChoose={onChoose} />,
      )}
    </pre>
  );
}

function Marked({ spans, text, chosen, onChoose }: { spans: string[]; text: string; chosen: string | null; onChoose: (mark: string | null) => void }) {
  const isChosen = chosen !== null && spans.includes(chosen);
  const element = useRef<HTMLElement>(null);
  useEffect(() => {
    if (isChosen) element.current?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }, [isChosen]);
  return (
    <mark ref={element} data-chosen={isChosen || undefined} onMouseEnter={() => onChoose(spans[0] ?? null)} onClick={() => onChoose(spans[0] ?? null)}>
      {text}
    </mark>
  );
}

interface Piece {
  start: number;
  text: string;
  part: TextPart | null;
}

/** The text by its outermost parts, in order, with what lies between them. */
export function stretchesOf(text: Pick<ContentText, "text" | "start" | "end" | "parts">): Piece[] {
  const letters = Array.from(text.text);
  const found: Piece[] = [];
  const add = (start: number, end: number, part: TextPart | null) => {
    const cut = letters.slice(start - text.start, end - text.start).join("");
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
