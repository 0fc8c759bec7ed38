// What a pipeline can be tried on: the files or the e-mail threads that were added last.

import { useRead } from "../../../api/query";

export interface Sample {
  id: string;
  name: string;
  kind: "content" | "mail_thread";
}

const SAMPLES_MAX = 50;

export function useSamples(input: string) {
  const takesThreads = input === "mail_thread";
  const contents = useRead("contents_list", { query: { limit: SAMPLES_MAX } }, { enabled: !takesThreads });
  const threads = useRead("threads_list", { query: { limit: SAMPLES_MAX } }, { enabled: takesThreads });
  const read = takesThreads ? threads : contents;
  const samples: Sample[] = takesThreads
    ? (threads.data?.items ?? []).map(({ id, subject }) => ({ id, name: subject || "(no subject)", kind: "mail_thread" }))
    : (contents.data?.items ?? []).filter((each) => each.parent_id === null).map(({ id, name, media_type }) => ({ id, name: name ?? media_type, kind: "content" }));
  return { samples, isPending: read.isPending, error: read.error };
}
