// Places of the source that answers come from, and which of them is looked at now.

import type { Span } from "./characters";

export interface Mark extends Span {
  contentId: string | null;
}

export interface Marking {
  marks: Mark[];
  chosen: string | null;
  onChoose: (mark: string | null) => void;
}
