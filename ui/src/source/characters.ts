// Offsets of the service count characters; strings here count in halves of some of them. This is where the two meet.

/** Cuts a text at offsets that count characters. */
export class Characters {
  readonly length: number;
  // Where each character begins; nothing where every character is one unit, which is nearly always.
  private readonly begins: Uint32Array | null;

  constructor(readonly text: string) {
    this.begins = /[\ud800-\udbff]/.test(text) ? beginnings(text) : null;
    this.length = this.begins ? this.begins.length - 1 : text.length;
  }

  slice(start: number, end: number): string {
    return this.text.slice(this.unit(start), this.unit(end));
  }

  private unit(offset: number): number {
    const bounded = Math.min(Math.max(0, offset), this.length);
    return this.begins ? (this.begins[bounded] ?? this.text.length) : bounded;
  }
}

function beginnings(text: string): Uint32Array {
  const found: number[] = [];
  let at = 0;
  for (const character of text) {
    found.push(at);
    at += character.length;
  }
  found.push(at);
  return Uint32Array.from(found);
}

export interface Span {
  id: string;
  start: number;
  end: number;
}

export interface Piece {
  text: string;
  start: number;
  /** The spans that cover it, the shortest first. */
  spans: string[];
}

/** A text in pieces, each of which is covered by the same spans all along; spans may overlap. */
export function pieces(text: string, spans: Span[], from = 0): Piece[] {
  const characters = new Characters(text);
  const inside = spans
    .map((span) => ({ ...span, start: span.start - from, end: span.end - from }))
    .filter((span) => span.end > 0 && span.start < characters.length && span.end > span.start);
  const cuts = [...new Set([0, characters.length, ...inside.flatMap((span) => [Math.max(0, span.start), Math.min(characters.length, span.end)])])];
  cuts.sort((a, b) => a - b);
  return cuts.slice(0, -1).map((start, index) => {
    const end = cuts[index + 1] ?? characters.length;
    const covering = inside.filter((span) => span.start <= start && span.end >= end).sort((a, b) => a.end - a.start - (b.end - b.start));
    return { text: characters.slice(start, end), start: start + from, spans: covering.map((span) => span.id) };
  });
}
