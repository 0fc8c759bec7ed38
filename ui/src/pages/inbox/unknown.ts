// Why an estimate is not known, told once for all stages that share the reason.

/** `["a: too few", "b: too few"]` is `["a, b: too few"]`. */
export function reasonsOf(unknown: string[]): string[] {
  const stages = new Map<string, string[]>();
  for (const each of unknown) {
    const [stage, ...reason] = each.split(": ");
    const why = reason.join(": ");
    stages.set(why, [...(stages.get(why) ?? []), stage ?? ""]);
  }
  return [...stages].map(([why, names]) => (why ? `${names.join(", ")}: ${why}` : names.join(", ")));
}
