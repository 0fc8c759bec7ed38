// Values that no form asks for are written in the language of the document beside them.

import { parse, stringify } from "yaml";

import type { JsonValue } from "../../../api/schema";

export const YAML = {
  name: "YAML",
  write: (value: JsonValue): string => stringify(value, { lineWidth: 0, flowCollectionPadding: false }).trimEnd(),
  read: (text: string): JsonValue => parse(text) as JsonValue,
};
