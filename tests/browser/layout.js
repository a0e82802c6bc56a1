// What a reader would see go wrong on a laid-out page, as a list of sentences: text over text, text cut off, text beside the page.
// Looked at is every line of every text that is shown; text for screen readers alone (clipped away whole) is not shown.
() => {
  const faults = [];
  const round = (r) => `${Math.round(r.left)},${Math.round(r.top)} to ${Math.round(r.right)},${Math.round(r.bottom)}`;
  const name = (text, element) => {
    const holder = element.closest("[id]");
    return `"${text.trim().slice(0, 50)}" in ${element.tagName.toLowerCase()}${holder ? " of #" + holder.id : ""}`;
  };
  const width = document.documentElement.clientWidth;
  const root = document.scrollingElement;
  if (root.scrollWidth > width) faults.push(`the page is ${root.scrollWidth} wide and scrolls sideways in ${width}`);

  const unseen = new Map();
  const isUnseen = (element) => {
    if (!element) return false;
    if (!unseen.has(element)) {
      const style = getComputedStyle(element);
      unseen.set(element, style.clipPath.startsWith("inset") || isUnseen(element.parentElement));
    }
    return unseen.get(element);
  };
  const boxes = []; // {left, top, right, bottom, what, of}: one a line of text, one a drawing
  const add = (rect, what, of, kind) => {
    // a line's box is higher than its letters: lines set close touch without a letter touching
    const slack = kind === "drawing" ? 1 : rect.height * 0.22;
    boxes.push({ left: rect.left, right: rect.right, top: rect.top + slack, bottom: rect.bottom - slack, what, of, kind });
  };
  const inside = (rect, bounds) =>
    rect.left >= bounds.left - 1 && rect.right <= bounds.right + 1 && rect.top >= bounds.top - 2 && rect.bottom <= bounds.bottom + 2;

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility({ visibilityProperty: true }) || element.closest("svg") || isUnseen(element)) continue;
    if (element.closest(".skip") && element !== document.activeElement) continue; // waits outside until it has the focus
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      if (rect.width < 1) continue;
      let scrolls = false;
      for (let box = element; box && box !== document.body; box = box.parentElement) {
        const style = getComputedStyle(box);
        if (style.overflowX === "visible" && style.overflowY === "visible") continue;
        if (["auto", "scroll"].includes(style.overflowX)) scrolls = true;
        else if (!scrolls && !inside(rect, box.getBoundingClientRect())) faults.push(`cut off: ${name(node.data, element)} at ${round(rect)}`);
      }
      if (!scrolls && (rect.left < -1 || rect.right > width + 1)) faults.push(`beside the page: ${name(node.data, element)} at ${round(rect)}`);
      add(rect, name(node.data, element), element, "text");
    }
  }
  for (const svg of document.querySelectorAll("body svg:not(.defs)")) {
    if (!svg.checkVisibility() || isUnseen(svg)) continue;
    const bounds = svg.getBoundingClientRect();
    add(bounds, name("drawing", svg), svg, "drawing");
    for (const text of svg.querySelectorAll("text")) {
      const rect = text.getBoundingClientRect();
      if (!text.textContent.trim() || rect.width < 1) continue;
      if (!inside(rect, bounds)) faults.push(`cut off by its drawing: ${name(text.textContent, svg)} at ${round(rect)} of ${round(bounds)}`);
      add(rect, name(text.textContent, svg), svg, "drawn text");
    }
  }
  boxes.sort((a, b) => a.top - b.top);
  let open = [];
  for (const box of boxes) {
    open = open.filter((other) => other.bottom > box.top + 1);
    for (const other of open) {
      const apart = box.left >= other.right - 1 || other.left >= box.right - 1 || other.bottom <= box.top + 1;
      const drawnTogether = box.of === other.of && (box.kind === "drawing" || other.kind === "drawing");
      if (!apart && !drawnTogether) faults.push(`over one another: ${other.what} and ${box.what} at ${round(box)}`);
    }
    open.push(box);
  }
  return [...new Set(faults)];
}
