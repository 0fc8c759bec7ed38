// Where files are dropped or chosen, and how far those on their way are.

import { Link } from "@tanstack/react-router";
import { useState, useSyncExternalStore, type DragEvent } from "react";

import { stale } from "../../api/query";
import { Button } from "../../design/Button";
import { Time } from "../../design/Time";
import { sayError } from "../../design/toasts";
import { size } from "../../design/words";
import { Uploads, type Upload } from "./upload";

const SHOWN_MAX = 6;
const uploads = new Uploads(() => stale("contents_list", "threads_list"));

/** `refusal`: why whoever looks can add nothing. */
export function DropZone({ picker, refusal }: { picker: React.RefObject<HTMLInputElement | null>; refusal: string | null }) {
  const list = useSyncExternalStore(uploads.watch, () => uploads.list);
  const [isOver, setIsOver] = useState(false);
  const [showsAll, setShowsAll] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setIsOver(false);
    if (refusal === null) uploads.add(event.dataTransfer.files);
    else sayError(new Error(refusal));
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
      <Button kind="primary" shortcut="a" refusal={refusal} onClick={() => picker.current?.click()}>
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
          {list.slice(0, showsAll ? list.length : SHOWN_MAX).map((upload) => (
            <li key={upload.id} data-failed={upload.error !== null || undefined}>
              <span className="name" title={upload.name}>
                {upload.name}
              </span>
              <UploadState upload={upload} />
            </li>
          ))}
        </ul>
      ) : null}
      {list.length > SHOWN_MAX ? (
        <Button kind="quiet" size="small" aria-expanded={showsAll} onClick={() => setShowsAll(!showsAll)}>
          {showsAll ? "Show fewer" : restOf(list.slice(SHOWN_MAX))}
        </Button>
      ) : null}
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

/** What is not shown, in words. */
function restOf(list: readonly Upload[]): string {
  const failed = list.filter((upload) => upload.error !== null).length;
  const waiting = list.filter((upload) => upload.error === null && upload.ingested === null).length;
  return [`Show ${list.length} more`, waiting ? `${waiting} uploading` : "", failed ? `${failed} failed` : ""].filter(Boolean).join(", ");
}
