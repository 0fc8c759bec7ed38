// Brings into view what was chosen, within its own scroller; the page around it moves only where the scroller is not seen whole.

export function reveal(element: Element | null | undefined): void {
  if (!element) return;
  const scroller = scrollerOf(element);
  if (scroller === null) return element.scrollIntoView({ block: "nearest" });
  scroller.scrollIntoView({ block: "nearest" });
  const [outer, inner] = [scroller.getBoundingClientRect(), element.getBoundingClientRect()];
  if (inner.top >= outer.top && inner.bottom <= outer.bottom) return;
  const top = scroller.scrollTop + inner.top - outer.top - Math.max(0, (outer.height - inner.height) / 2);
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  scroller.scrollTo({ top, behavior: isCalm ? "instant" : "smooth" });
}

function scrollerOf(element: Element): Element | null {
  for (let at = element.parentElement; at !== null && at !== document.body; at = at.parentElement) {
    const flow = getComputedStyle(at).overflowY;
    if ((flow === "auto" || flow === "scroll") && at.scrollHeight > at.clientHeight) return at;
  }
  return null;
}
