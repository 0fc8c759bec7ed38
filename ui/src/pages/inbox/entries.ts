// Files and e-mail threads as one list, the newest first: what one would run something over.

import type { Content, ContentPage, ThreadEntry, ThreadEntryPage } from "../../api/schema";
import { size } from "../../design/words";

export interface Entry {
  key: string;
  kind: "content" | "thread";
  id: string;
  name: string;
  about: string;
  at: string;
  /** How the file is called at its end: `pdf`; null for e-mails. */
  ending: string | null;
}

/** E-mails stand as their threads, and what came with them is with them. */
function entryOfContent(content: Content): Entry | null {
  if (content.thread_id !== null || content.parent_id !== null || content.media_type === "application/mbox") return null;
  const name = content.name ?? content.media_type;
  return { key: `content ${content.id}`, kind: "content", id: content.id, name, about: size(content.size_bytes), at: content.created_at, ending: endingOf(name) };
}

function entryOfThread(thread: ThreadEntry): Entry {
  const about = thread.messages === 1 ? "1 e-mail" : `${thread.messages} e-mails`;
  return { key: `thread ${thread.id}`, kind: "thread", id: thread.id, name: thread.subject || "(no subject)", about, at: thread.created_at, ending: null };
}

export const endingOf = (name: string): string | null => /\.([a-z0-9]{1,8})$/i.exec(name)?.[1]?.toLowerCase() ?? null;

/** Of two lists that are read page by page, as far as both of them are known: what one of them may still have stands below. */
export function entriesOf(contents: ContentPage[], threads: ThreadEntryPage[]): { entries: Entry[]; hasMore: boolean } {
  const files = contents.flatMap((page) => page.items);
  const mails = threads.flatMap((page) => page.items);
  const known = [contents, threads].flatMap((pages) => {
    const last = pages.at(-1);
    const oldest = last?.items.at(-1)?.created_at;
    return last?.next_cursor && oldest ? [oldest] : [];
  });
  const from = known.sort().at(-1) ?? "";
  const entries = [...files.map(entryOfContent), ...mails.map(entryOfThread)].filter((entry): entry is Entry => entry !== null && entry.at >= from);
  return { entries: entries.sort((a, b) => b.at.localeCompare(a.at)), hasMore: known.length > 0 };
}
