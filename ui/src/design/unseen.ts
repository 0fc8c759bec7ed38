// Characters that nobody sees, and by which a text looks like another: told by their numbers where they stand.

export interface Stretch {
  text: string;
  /** `U+202E`, of a character that nobody sees; null of what stands there to be read. */
  unseen: string | null;
}

/** Line breaks and tabs are as they are elsewhere; scripts and emoji are written with the joiners. */
const UNSEEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/u;

/** A text, cut where something unseen stands, which is told by its number. */
export function stretchesOf(text: string): Stretch[] {
  if (!UNSEEN.test(text)) return [{ text, unseen: null }];
  const found: Stretch[] = [];
  for (const letter of text) {
    const last = found.at(-1);
    if (UNSEEN.test(letter)) found.push({ text: letter, unseen: numberOf(letter) });
    else if (last?.unseen === null) last.text += letter;
    else found.push({ text: letter, unseen: null });
  }
  return found;
}

/** The same as one line of text, where no element can stand: titles and labels. */
export const told = (text: string): string => stretchesOf(text).map((each) => (each.unseen === null ? each.text : `[${each.unseen}]`)).join("");

const numberOf = (letter: string): string => `U+${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
