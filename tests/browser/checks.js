// What a test asks of a whole page. Each returns a list of what is wrong, in words.
(() => {
  const shown = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const words = (element) => (element.textContent || element.value || "").trim().slice(0, 40);

  function colour(text) {
    const [r, g, b, a = 1] = text.match(/-?[\d.]+(e-\d+)?/g).map(Number);
    return text.startsWith("color(srgb") ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
  }

  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];

  function background(element) {
    if (!element) return [255, 255, 255, 1];
    const own = colour(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own : over(own, background(element.parentElement));
  }

  function opacity(element) {
    return element ? Number(getComputedStyle(element).opacity) * opacity(element.parentElement) : 1;
  }

  function luminance([r, g, b]) {
    const [R, G, B] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  }

  function contrast(element, text) {
    const behind = background(element);
    const [r, g, b, a] = colour(text);
    const [high, low] = [luminance(over([r, g, b, a * opacity(element)], behind)), luminance(behind)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  }

  function texts() {
    const found = new Map();
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const element = walk.currentNode.parentElement;
      if (!walk.currentNode.data.trim() || element.closest("script, style, title, desc, #announcer") || !shown(element)) continue;
      const style = getComputedStyle(element);
      found.set(element, element.closest("svg") ? style.fill : style.color);
    }
    for (const box of document.querySelectorAll("textarea, input[type=text]")) {
      if (shown(box)) found.set(box, getComputedStyle(box, box.value ? null : "::placeholder").color);
    }
    return found;
  }

  // What is left of its box when each ancestor has cut off what it hides.
  function visibleBox(element) {
    const box = element.getBoundingClientRect();
    let { left, right, top, bottom } = box;
    for (let around = element.parentElement; around; around = around.parentElement) {
      const style = getComputedStyle(around);
      const cut = around.getBoundingClientRect();
      if (/hidden|clip/.test(style.overflowX)) [left, right] = [Math.max(left, cut.left), Math.min(right, cut.right)];
      if (/hidden|clip/.test(style.overflowY)) [top, bottom] = [Math.max(top, cut.top), Math.min(bottom, cut.bottom)];
    }
    return { width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
  }

  window.checks = {
    texts: () => texts().size,
    faint: (least) =>
      [...texts()].map(([element, text]) => [contrast(element, text), element]).filter(([ratio]) => ratio < least)
        .map(([ratio, element]) => `${ratio.toFixed(2)} ${element.tagName} ${words(element)}`),
    small: (least) =>
      [...document.querySelectorAll("button, a, textarea, label:has(input[type=radio]), [role=tab]")].filter(shown)
        .filter((target) => !target.closest("p, [aria-hidden=true]"))
        .map((target) => [visibleBox(target), target])
        .filter(([box]) => box.height < least || box.width < least)
        .map(([box, target]) => `${box.width.toFixed()}x${box.height.toFixed()} ${target.tagName} ${words(target)}`),
    cutOff: (css) =>
      [...document.querySelectorAll(css)].filter(shown)
        .filter((element) => visibleBox(element).height < element.getBoundingClientRect().height).map(words),
    colourOf: (className, property) => {
      const sample = Object.assign(document.createElement("i"), { className });
      document.body.append(sample);
      sample.style.color = `var(${property})`;
      const found = getComputedStyle(sample).color;
      sample.remove();
      return found;
    },
    faintMarks: (least) =>
      [...document.querySelectorAll(".mark")].map((mark) => [contrast(mark, getComputedStyle(mark).stroke), mark])
        .filter(([ratio]) => ratio < least).map(([ratio, mark]) => `${ratio.toFixed(2)} ${mark.dataset.mood}`),
    wide: () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
})();
