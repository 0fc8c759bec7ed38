// A moment, as how long ago it was; the whole of it on hover.

import { useNow } from "./now";
import { ago, fullTime } from "./words";

export function Time({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={fullTime(at)}>
      {ago(at, now)}
    </time>
  );
}
