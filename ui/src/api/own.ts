// What stands under a name that somebody chose: never what every object has (`constructor`).

export const own = <Value>(from: Readonly<Record<string, Value>>, name: string): Value | undefined => (Object.hasOwn(from, name) ? from[name] : undefined);
