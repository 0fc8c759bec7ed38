import { expect, it } from "vitest";

import { withEdit } from "./edit";

const shorthand = { tegu: 1, stages: { refund: { uses: "extract", with: { instructions: "Read.", schema: { amount: "money?" } } } } };
const whole = (instructions: string) => ({ tegu: 1, stages: { refund: { uses: "extract", with: { instructions, schema: { type: "object" } }, retries: 2 }, other: { uses: "summarize" } } });

it("changes what the edit changed, and leaves the author's way of writing", () => {
  expect(withEdit(shorthand, whole("Read."), whole("Read closely."))).toEqual({ tegu: 1, stages: { refund: { uses: "extract", with: { instructions: "Read closely.", schema: { amount: "money?" } } } } });
});

it("takes away options, and no stage", () => {
  const { other: _, ...stages } = whole("Read.").stages;
  const { instructions: __, ...options } = stages.refund.with;
  const after = { tegu: 1, stages: { refund: { ...stages.refund, with: options } } };
  expect(withEdit({ ...shorthand, stages: { ...shorthand.stages, other: { uses: "summarize" } } }, whole("Read."), after)).toEqual({
    tegu: 1,
    stages: { refund: { uses: "extract", with: { schema: { amount: "money?" } } }, other: { uses: "summarize" } },
  });
});
