// The kinds of stages that there are, and the schema of documents: read once.

import { useRead } from "../../api/query";
import type { StageKindInfo } from "../../api/schema";

const KINDS_MAX = 500;
const NO_KINDS: StageKindInfo[] = [];

export function useKinds() {
  const kinds = useRead("stage_kinds_list", { query: { limit: KINDS_MAX } }, { staleTime: Infinity });
  const schema = useRead("stage_kinds_schema", {}, { staleTime: Infinity });
  return { kinds: kinds.data?.items ?? NO_KINDS, schema: schema.data, error: kinds.error ?? schema.error, isPending: kinds.isPending || schema.isPending };
}
