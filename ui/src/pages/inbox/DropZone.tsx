// Where files are dropped or chosen, and how far those on their way are.

import { Link } from "@tanstack/react-router";
import { useState, useSyncExternalStore, type DragEvent } from "react";

import { stale } from "../../api/query";
import { Button } from "../../design/Button";
import { Time } from "../../design/Time";
import { size } from "../../design/words";
import { Uploads, type Upload } from "./upload";

const SHOWN_MAX = 6;
const uploads = new Uploads(() => stale("contents_list", "threads_list"));

export function DropZone({ picker }: { picker: React.RefObject<HTMLInputElement | null> }) {
  const list = useSyncExternalStore(uploads.watch, () => uploads.list);
  const [isOver, setIsOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setIsOver(false);
    uploads.add(event.dataTransfer.files);
  };
  return (
    <section
      className="drop"
      data-over={isOver || undefined}
      aria-label="Add files"
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={drop}
    >
      <p>
        <strong>Drop files, e-mails or mailboxes here</strong>
      </p>
      <p className="muted">PDF, text, HTML, Markdown, .eml, .mbox</p>
      <Button kind="primary" shortcut="a" onClick={() => picker.current?.click()}>
        Choose files
      </Button>
      <input
        ref={picker}
        className="visually-hidden"
        type="file"
        multiple
        tabIndex={-1}
        aria-label="Files to add"
        onChange={(event) => {
          uploads.add(event.currentTarget.files ?? []);
          event.currentTarget.value = "";
        }}
      />
      {list.length > 0 ? (
        <ul className="uploads" aria-live="polite">
          {list.slice(0, SHOWN_MAX).map((upload) => (
            <li key={upload.id}>
              <span className="truncate">{upload.name}</span>
              <UploadState upload={upload} />
            </li>
          ))}
        </ul>
      ) : null}
      {list.length > SHOWN_MAX ? <Rest list={list.slice(SHOWN_MAX)} /> : null}
    </section>
  );
}

function UploadState({ upload }: { upload: Upload }) {
  if (upload.error) return <span className="failed-text">{said(upload.error)}</span>;
  if (upload.ingested) {
    const { is_new, messages, content } = upload.ingested;
    const what = messages.length > 1 ? `${messages.length} e-mails` : size(content.size_bytes);
    if (is_new) return <span className="muted">stored, {what}</span>;
    return (
      <span className="muted">
        already here since <Time at={content.created_at} /> ·{" "}
        <Link to="/runs" search={{ q: `"${(content.name ?? upload.name).replaceAll('"', "")}"` }}>
          view its runs
        </Link>
      </span>
    );
  }
  return <progress value={upload.sent} max={1} aria-label={`${upload.name} is uploading`} />;
}

function said(error: Error): string {
  const hint = "hint" in error && typeof error.hint === "string" ? `: ${error.hint}` : "";
  return `${error.message}${hint}`;
}

function Rest({ list }: { list: readonly Upload[] }) {
  const failed = list.filter((upload) => upload.error !== null).length;
  const waiting = list.filter((upload) => upload.error === null && upload.ingested === null).length;
  return (
    <p className="muted">
      and {list.length} more{waiting ? `, ${waiting} uploading` : ""}
      {failed ? `, ${failed} failed` : ""}
    </p>
  );
}
