// Who looks.

import { useRead } from "../api/query";

const FRESH_MS = 60_000;

export const useMe = () => useRead("me_get", {}, { staleTime: FRESH_MS });
