import { expect, it } from "vitest";

import { controlOf, labelOf, variantOf, type Schema } from "./schema";

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
});

it("lets choose between quite different ways, and not between such as look the same", () => {
  const anyOf = [{ enum: ["all", "any"] }, { type: "integer" }];
  const { control } = controlOf({ anyOf }, definitions);
  expect(control).toMatchObject({ kind: "variants", variants: [{ name: "one of a few" }, { name: "a number" }] });
  expect([3, "any", undefined].map((value) => variantOf(value, anyOf.map((schema) => ({ schema })), definitions))).toEqual([1, 0, 0]);
  expect(kindOf({ anyOf: [{ type: "object", properties: { a: {} } }, {}] })).toBe("json");
  expect(kindOf({ type: "object", properties: { a: {} }, oneOf: [{ required: ["a"] }] })).toBe("object");
});

it("asks for names of one's own in rows", () => {
  expect(controlOf({ type: "object", additionalProperties: { type: "string" } }, definitions).control).toEqual({ kind: "map", of: "text" });
});

it("ends where a schema leads to itself", () => {
  expect(kindOf({ $ref: "#/Self" })).toBe("json");
  const json: Record<string, Schema> = { Json: { anyOf: [{ type: "string" }, { type: "array", items: { $ref: "#/Json" } }, { type: "object", additionalProperties: { $ref: "#/Json" } }] } };
  expect(controlOf({ $ref: "#/Json" }, json).control.kind).toBe("json");
});

it("labels values with words and units, and with their titles where they have some", () => {
  expect(labelOf("deadline_s", {})).toBe("Deadline (seconds)");
  expect(labelOf("on_timeout", {})).toBe("On timeout");
  expect(labelOf("content_id", {})).toBe("Content ID");
  expect(labelOf("budget_usd", { title: "Budget" })).toBe("Budget");
});
