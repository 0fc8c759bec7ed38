import { expect, it } from "vitest";

import { controlOf, type Schema } from "./schema";

const definitions = { Status: { type: "string", enum: ["running", "failed"] }, Self: { $ref: "#/Self" } } satisfies Record<string, Schema>;
const kindOf = (schema: Schema) => controlOf(schema, definitions).control.kind;

it("asks for each type by what suits it", () => {
  expect(kindOf({ type: "string" })).toBe("text");
  expect(kindOf({ type: "integer" })).toBe("number");
  expect(kindOf({ type: "boolean" })).toBe("flag");
  expect(kindOf({ $ref: "#/components/schemas/Status" })).toBe("choice");
  expect(kindOf({ type: "array", items: { $ref: "#/components/schemas/Status" } })).toBe("choices");
  expect(kindOf({ type: "array", items: { type: "string" } })).toBe("list");
  expect(kindOf({ type: "object", properties: { a: { type: "string" } } })).toBe("object");
  expect(kindOf({ type: "object" })).toBe("json");
  expect(kindOf({})).toBe("json");
});

it("knows what may be null, however that is written", () => {
  expect(controlOf({ anyOf: [{ type: "integer" }, { type: "null" }] }, definitions)).toMatchObject({ isNullable: true, control: { kind: "number", isWhole: true } });
  expect(controlOf({ type: ["string", "null"] }, definitions)).toMatchObject({ isNullable: true, control: { kind: "text" } });
  expect(controlOf({ anyOf: [{ type: "integer" }, { type: "string" }] }, definitions).control.kind).toBe("json");
});

it("ends where a schema leads to itself", () => {
  expect(kindOf({ $ref: "#/Self" })).toBe("json");
});
