import { describe, expect, it } from "vitest";

import { once } from "./once";
import { Refusal, unreachable } from "./refusal";

describe("what is asked for once", () => {
  const asked = (answer: () => Promise<string>) => {
    const keys: string[] = [];
    return { keys, ask: (key: string) => (keys.push(key), answer()) };
  };

  it("is the same request again while its answer is under way, or was lost", async () => {
    let isThere = false;
    const { keys, ask } = asked(() => (isThere ? Promise.resolve("run 1") : Promise.reject(unreachable("Wait."))));
    const tries = await Promise.allSettled([once("start", ask), once("start", ask)]);
    isThere = true;
    expect([tries.map((each) => each.status), await once("start", ask), new Set(keys).size]).toEqual([["rejected", "rejected"], "run 1", 1]);
  });

  it("is another request when it was answered, or refused, or something else is asked for", async () => {
    const { keys, ask } = asked(() => Promise.resolve("run 2"));
    await once("start this", ask);
    await once("start this", ask);
    await once("start that", ask);
    const refused = asked(() => Promise.reject(new Refusal({ detail: "No.", status: 422 })));
    for (let tries = 0; tries < 2; tries += 1) await expect(once("start those", refused.ask)).rejects.toThrow("No.");
    expect(new Set([...keys, ...refused.keys]).size).toBe(5);
  });
});
