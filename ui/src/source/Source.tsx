// What the run read, with the places marked that its answers come from: e-mails as cards, pages as they are printed, texts as texts.

import { useState, type ReactNode } from "react";

import { useRead } from "../api/query";
import type { RunSource, SourcePart } from "../api/schema";
import { Button } from "../design/Button";
import { Empty, ErrorNotice, Notice, Skeleton } from "../design/Notice";
import { count, fullTime } from "../design/words";
import type { Marking } from "./marks";
import { Pages } from "./Pages";
import "./source.css";
import { stretchOf, Text } from "./Text";

const TEXT_MAX = 200_000;
const PDF = "application/pdf";

export function Source({ run, marks, ...marked }: { run: { id: string; erased_at: string | null } } & Marking) {
  const [length, setLength] = useState(TEXT_MAX);
  const found = useRead(
    "runs_source",
    { path: { run_id: run.id }, query: { length } },
    { enabled: run.erased_at === null, staleTime: Infinity, placeholderData: (before) => before },
  );
  if (run.erased_at !== null) return <Empty title="The source of this run was deleted." />;
  if (found.error) return <ErrorNotice error={found.error} />;
  if (!found.data) return <Skeleton rows={6} />;
  const source = found.data;
  // What an item that is a content of its own says of itself is not in the text of the run.
  const marking = { marks: marks.filter((mark) => mark.contentId === source.content_id), ...marked };
  const more = source.end < source.characters ? <More source={source} onMore={() => setLength(length + TEXT_MAX)} /> : null;
  if (source.parts.some((part) => part.kind === "message")) return <Messages source={source} more={more} {...marking} />;
  if (source.content_id !== null && source.media_type === PDF) return <Paged source={source} contentId={source.content_id} more={more} {...marking} />;
  return (
    <div className="source">
      <Text {...source} {...marking} />
      {more}
    </div>
  );
}

function More({ source, onMore }: { source: RunSource; onMore: () => void }) {
  return (
    <p className="more">
      <span className="muted">
        {count(source.end)} of {count(source.characters)} characters.
      </span>
      <Button size="small" onClick={onMore}>
        Show more
      </Button>
    </p>
  );
}

interface Shown extends Marking {
  source: RunSource;
  more: ReactNode;
}

function Messages({ source, more, ...marking }: Shown) {
  const messages = source.parts.filter((part) => part.kind === "message");
  return (
    <ol className="messages">
      {messages.map((message, index) => (
        <Message key={message.start} source={source} message={message} isOpen={index >= messages.length - 2} {...marking} />
      ))}
      {more ? <li>{more}</li> : null}
    </ol>
  );
}

function Message({ source, message, isOpen, ...marking }: { source: RunSource; message: SourcePart; isOpen: boolean } & Marking) {
  const inside = (each: { start: number; end: number }) => each.start < message.end && each.end > message.start;
  const marks = marking.marks.filter(inside);
  const isChosen = marks.some((mark) => mark.id === marking.chosen);
  const [isUnfolded, setIsUnfolded] = useState(isOpen || marks.length > 0);
  const text = stretchOf(source, message.start, message.end);
  return (
    <li>
      <details open={isUnfolded || isChosen} onToggle={(event) => setIsUnfolded(event.currentTarget.open)}>
        <summary>
          <strong className="truncate">{message.label ?? "E-mail"}</strong>
          <span className="muted truncate">{message.sent_at ? fullTime(message.sent_at) : "date unknown"}</span>
          {marks.length > 0 ? <span className="places">{marks.length === 1 ? "1 place" : `${count(marks.length)} places`}</span> : null}
        </summary>
        <div className="source">
          <Text {...text} parts={source.parts.filter((part) => part.kind !== "message" && inside(part))} {...marking} />
        </div>
        {message.content_id ? <Quoted contentId={message.content_id} isFirst={message.start === 0} /> : null}
      </details>
    </li>
  );
}

/** What an answer quotes is in the thread already, and was not read again: it is there for people, and only when they ask. */
function Quoted({ contentId, isFirst }: { contentId: string; isFirst: boolean }) {
  const [isOpen, setIsOpen] = useState(false);
  const text = useRead("contents_text", { path: { content_id: contentId }, query: { length: TEXT_MAX } }, { enabled: isOpen, staleTime: Infinity });
  if (isFirst) return null;
  const quoted = (text.data?.parts ?? []).filter((part) => part.kind === "quoted");
  return (
    <details className="quoted unread" onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>What it quotes</summary>
      {text.error ? <ErrorNotice error={text.error} /> : null}
      {text.data && quoted.length === 0 ? <p>Nothing.</p> : null}
      {text.data ? quoted.map((part) => <pre key={part.start}>{stretchOf(text.data, part.start, part.end).text}</pre>) : null}
    </details>
  );
}

function Paged({ source, contentId, more, ...marking }: { contentId: string } & Shown) {
  const first = useRead("contents_page", { path: { content_id: contentId }, query: { page: 1 } }, { staleTime: Infinity });
  const [wantsText, setWantsText] = useState(false);
  if (first.isPending) return <Skeleton rows={8} />;
  const page = wantsText ? null : (first.data ?? null);
  return (
    <div className="paged">
      <div className="paged-choice" role="group" aria-label="Show it as">
        <Button size="small" kind="quiet" aria-pressed={page !== null} refusal={first.error ? "The pages cannot be drawn." : null} onClick={() => setWantsText(false)}>
          Pages
        </Button>
        <Button size="small" kind="quiet" aria-pressed={page === null} onClick={() => setWantsText(true)}>
          Text
        </Button>
      </div>
      {first.error ? <Notice title={first.error.message} hint={first.error.hint} /> : null}
      {page === null ? (
        <div className="source">
          <Text {...source} {...marking} />
          {more}
        </div>
      ) : (
        <Pages contentId={contentId} first={page} parts={source.parts} {...marking} />
      )}
    </div>
  );
}
