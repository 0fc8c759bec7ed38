import { describe, expect, it } from "vitest";

import { EventParser } from "./fetched";

describe("a stream of events that comes in pieces", () => {
  it("is told event by event, wherever it was cut", () => {
    const parser = new EventParser();
    const stream = 'retry: 2000\n\nid: c1\nevent: run\ndata: {"seq":1}\n\n: alive\nid: c2\n\nevent: partial\ndata: {"a":\ndata: 1}\n\n';
    const found = stream.split("").flatMap((letter) => parser.take(letter));
    expect(found).toEqual([
      { kind: "run", data: '{"seq":1}', id: "c1" },
      { kind: "partial", data: '{"a":\n1}', id: "c2" },
    ]);
  });

  it("knows the line ends of other systems", () => {
    expect(new EventParser().take("event: end\r\ndata: {}\r\n\r\n")).toEqual([{ kind: "end", data: "{}", id: "" }]);
  });
});
