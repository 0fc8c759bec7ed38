// Numbers, money and times as people read them. Unknown is a dash and says so; it is never a zero.

const MONEY = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", minimumFractionDigits: 2, maximumFractionDigits: 2 });
const SMALL_MONEY = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", minimumFractionDigits: 4, maximumFractionDigits: 4 });
const COUNT = new Intl.NumberFormat("en-US");
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export const UNKNOWN = "—";

export function money(usd: string | number | null | undefined): string {
  if (usd === null || usd === undefined) return UNKNOWN;
  const amount = Number(usd);
  return (amount !== 0 && Math.abs(amount) < 1 ? SMALL_MONEY : MONEY).format(amount);
}

export function count(number: number | null | undefined): string {
  return number === null || number === undefined ? UNKNOWN : COUNT.format(number);
}

export function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? UNKNOWN : `${Math.round(share * 100)} %`;
}

/** How lists are sorted, as their `sort` says it. */
export const ORDER_SAYS: Record<string, string> = {
  "-created_at": "newest first",
  created_at: "oldest first",
  confidence: "least sure first",
  due_at: "due first",
};

export function elapsed(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return UNKNOWN;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

export function ago(time: string, now: number): string {
  const seconds = (now - Date.parse(time)) / 1000;
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 30 * 86_400) return `${Math.floor(seconds / 86_400)} d ago`;
  return new Date(time).toLocaleDateString();
}

export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(bytes < 10_000 ? 1 : 0)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export const fullTime = (time: string): string => DAY.format(new Date(time));
export const clockTime = (time: string): string => CLOCK.format(new Date(time));
export const shortId = (id: string): string => id.slice(-8);
export const secondsBetween = (from: string, to: string | number): number =>
  ((typeof to === "number" ? to : Date.parse(to)) - Date.parse(from)) / 1000;
