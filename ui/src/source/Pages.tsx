// The pages of a PDF as they are printed, with the places lit up that answers come from. Only pages that are looked at are drawn.

import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { address, reach } from "../api/call";
import type { Refusal } from "../api/refusal";
import { useRead } from "../api/query";
import type { PrintedPage, SourcePart } from "../api/schema";
import { ErrorNotice } from "../design/Notice";
import { reveal } from "../design/reveal";
import type { Marking } from "./marks";
import { pictureWidth, rectanglesOf } from "./places";

interface Props extends Marking {
  contentId: string;
  first: PrintedPage;
  /** Where the text of pages begins and ends, as far as it is known. */
  parts: SourcePart[];
}

export function Pages({ contentId, first, parts, ...marking }: Props) {
  const list = useRef<HTMLOListElement>(null);
  const target = useChosenPage(contentId, parts, marking);
  useEffect(() => {
    if (target !== null) reveal(list.current?.children[target - 1]);
  }, [target]);
  return (
    <ol className="pages" ref={list}>
      {Array.from({ length: first.pages }, (_, index) => (
        <Sheet key={index} contentId={contentId} number={index + 1} pages={first.pages} shape={first} {...marking} />
      ))}
    </ol>
  );
}

/** The page of the chosen place. Where that lies beyond what was read of a long text, the service is asked. */
function useChosenPage(contentId: string, parts: SourcePart[], { marks, chosen }: Marking): number | null {
  const mark = marks.find((each) => each.id === chosen);
  const known = mark ? pageAt(parts, mark.start) : null;
  const asked = useRead(
    "contents_text",
    { path: { content_id: contentId }, query: { start: mark?.start ?? 0, length: 1 } },
    { enabled: mark !== undefined && known === null, staleTime: Infinity },
  );
  if (mark === undefined) return null;
  return known ?? pageAt(asked.data?.parts ?? [], mark.start);
}

function pageAt(parts: { kind: string; start: number; end: number; label: string | null }[], offset: number): number | null {
  const part = parts.find((each) => each.kind === "page" && each.start <= offset && offset < each.end);
  return part ? Number(part.label) : null;
}

function Sheet({ contentId, number, pages, shape, ...marking }: { contentId: string; number: number; pages: number; shape: PrintedPage } & Marking) {
  const [box, width] = useSeen();
  const isSeen = width !== null;
  const page = useRead("contents_page", { path: { content_id: contentId }, query: { page: number } }, { enabled: isSeen, staleTime: Infinity });
  const picture = usePicture(contentId, number, width);
  const { width_pt, height_pt } = page.data ?? shape;
  const error = picture.error ?? page.error;
  return (
    <li className="sheet" ref={box} aria-label={`Page ${number} of ${pages}`}>
      <svg viewBox={`0 0 ${width_pt} ${height_pt}`} role="group" aria-label={`Page ${number}`}>
        {picture.data ? <image href={picture.data} width={width_pt} height={height_pt} preserveAspectRatio="none" role="img" aria-label={`Page ${number}, as printed`} /> : null}
        {page.data ? <Lit page={page.data} {...marking} /> : null}
      </svg>
      {error ? <ErrorNotice error={error} /> : null}
      {pages > 1 ? (
        <span className="sheet-number" aria-hidden="true">
          {number} / {pages}
        </span>
      ) : null}
    </li>
  );
}

function Lit({ page, marks, chosen, onChoose }: { page: PrintedPage } & Marking) {
  const here = marks.filter((mark) => mark.start < page.end && mark.end > page.start);
  // The chosen one lies on top, and can be seen where several stand in one place.
  const ordered = [...here.filter((mark) => mark.id !== chosen), ...here.filter((mark) => mark.id === chosen)];
  return ordered.flatMap((mark) =>
    rectanglesOf(page.lines, mark.start, mark.end).map((place, index) => (
      <Place key={`${mark.id} ${mark.start} ${place.top} ${place.left}`} place={place} isChosen={mark.id === chosen} isFirst={index === 0} onChoose={() => onChoose(mark.id)} />
    )),
  );
}

const AROUND_PT = 1.5;

function Place({ place, isChosen, isFirst, onChoose }: { place: ReturnType<typeof rectanglesOf>[number]; isChosen: boolean; isFirst: boolean; onChoose: () => void }) {
  const element = useRef<SVGRectElement>(null);
  useEffect(() => {
    if (isChosen && isFirst) reveal(element.current);
  }, [isChosen, isFirst]);
  return (
    <rect
      ref={element}
      className="lit"
      data-chosen={isChosen || undefined}
      x={place.left - AROUND_PT}
      y={place.top - AROUND_PT}
      width={place.width + 2 * AROUND_PT}
      height={place.height + 2 * AROUND_PT}
      rx="2"
      onMouseEnter={onChoose}
      onClick={onChoose}
    />
  );
}

/** How wide an element is, from the moment on that somebody sees it. */
function useSeen(): [React.RefObject<HTMLLIElement | null>, number | null] {
  const element = useRef<HTMLLIElement>(null);
  const [width, setWidth] = useState<number | null>(null);
  useEffect(() => {
    const node = element.current;
    if (node === null) return undefined;
    const watch = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        setWidth(node.clientWidth);
        watch.disconnect();
      },
      { rootMargin: "400px" },
    );
    watch.observe(node);
    return () => watch.disconnect();
  }, []);
  return [element, width];
}

/** Asked for as everything else is, and not by an address in an image: what is refused is told, with its hint. */
function usePicture(contentId: string, page: number, shown_px: number | null) {
  const width = shown_px === null ? 0 : pictureWidth(shown_px, window.devicePixelRatio);
  return useQuery<string, Refusal>({
    queryKey: ["contents_page_picture", contentId, page, width],
    queryFn: async ({ signal }) => {
      const answer = await reach(address("/contents/{content_id}/page/picture", { content_id: contentId }, { page, width }), { signal });
      return dataUrl(await answer.blob());
    },
    enabled: shown_px !== null,
    staleTime: Infinity,
  });
}

function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(typeof reader.result === "string" ? reader.result : "");
    reader.onerror = () => reject(reader.error ?? new Error("The picture cannot be read."));
    reader.readAsDataURL(blob);
  });
}
