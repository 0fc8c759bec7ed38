// A text that somebody else wrote, beside words of ours: it reorders nothing around it, and hides nothing within. It keeps its characters.

import { stretchesOf } from "./unseen";

export function Theirs({ text }: { text: string }) {
  return (
    <bdi>
      {stretchesOf(text).map((each, at) =>
        each.unseen === null ? (
          each.text
        ) : (
          <bdi key={at} className="unseen" data-number={each.unseen} title="A character that is not shown, and can make a text look like another">
            {each.text}
          </bdi>
        ),
      )}
    </bdi>
  );
}
