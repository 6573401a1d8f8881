// What HTML alone cannot do: the reader's own time, words for screen readers, an answer that comes into view, copy and share.
(() => {
  // Trouble announces itself.
  const ANSWERS = "[data-announce], :is(#mood-result, #thought-result) .trouble:not(article *)";
  const told = new WeakMap(); // what an element said when it was last looked at: Gradio changes elements in place

  function isNews(element, words) {
    if (told.get(element) === words) return false;
    told.set(element, words);
    return true;
  }

  function tellLocalTimes() {
    for (const time of document.querySelectorAll("time[data-local]")) {
      if (!isNews(time, time.dateTime + time.textContent)) continue;
      const at = new Date(time.dateTime);
      const today = at.toDateString() === new Date().toDateString();
      const day = today ? {} : { day: "numeric", month: "short" };
      time.textContent = at.toLocaleString([], { hour: "2-digit", minute: "2-digit", ...day });
      time.title = at.toLocaleString();
      told.set(time, time.dateTime + time.textContent);
    }
  }

  // A region that is there before its words come is read by every screen reader.
  function announce(words) {
    let region = document.getElementById("announcer");
    if (!region) {
      region = Object.assign(document.createElement("div"), { id: "announcer" });
      region.setAttribute("role", "status");
      region.setAttribute("aria-live", "polite");
      document.body.append(region);
    }
    region.textContent = words === region.textContent ? `${words}\u00a0` : words; // what does not change is not read again
  }

  function isFocusLost() {
    const here = document.activeElement;
    return !here || here === document.body || !here.checkVisibility({ checkVisibilityCSS: true });
  }

  function focusOn(element) {
    if (element.tabIndex < 0) element.tabIndex = -1;
    element.focus({ preventScroll: true });
  }

  function bringIntoView(answer) {
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    answer.scrollIntoView({ block: "nearest", behavior: isStill ? "instant" : "smooth" });
    if (isFocusLost()) focusOn(answer); // what was pressed is gone
  }

  function presentAnswers() {
    for (const answer of document.querySelectorAll(ANSWERS)) {
      const words = answer.dataset.announce ?? answer.textContent;
      if (!isNews(answer, `${answer.dataset.answer} ${words}`)) continue;
      if ("announce" in answer.dataset) announce(words);
      bringIntoView(answer);
    }
  }

  async function copy(words) {
    if (window.isSecureContext && navigator.clipboard) return navigator.clipboard.writeText(words);
    // Without https there is no clipboard but this.
    const box = Object.assign(document.createElement("textarea"), { value: words });
    box.style.position = "fixed";
    box.style.opacity = "0";
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    if (!done) throw new Error("refused");
  }

  async function share(words) {
    const url = location.origin + location.pathname;
    if (!navigator.share) return copy(`${words} ${url}`).then(() => "Copied to share");
    return navigator.share({ text: words, url }).then(() => "Shared", (error) => {
      if (error.name !== "AbortError") throw error;
      return "Share";
    });
  }

  async function press(button) {
    const name = "copy" in button.dataset ? "Copy" : "Share";
    try {
      const done = "copy" in button.dataset ? await copy(button.dataset.copy).then(() => "Copied") : await share(button.dataset.share);
      button.textContent = done;
    } catch {
      button.textContent = "Not allowed";
    }
    button.focus();
    announce(button.textContent);
    setTimeout(() => { button.textContent = name; }, 2500);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-share]");
    if (button) press(button);
  });

  function namePanels() {
    for (const panel of document.querySelectorAll("[role=tabpanel]:not([aria-label])")) {
      const tab = document.querySelector(`[role=tab][aria-controls="${panel.id}"]`);
      if (tab) panel.setAttribute("aria-label", tab.textContent);
    }
  }

  // Gradio itself lays out each text from the left.
  function followLetters() {
    for (const box of document.querySelectorAll("#text textarea:not([dir=auto])")) box.dir = "auto";
  }

  function look() {
    namePanels();
    followLetters();
    tellLocalTimes();
    presentAnswers();
  }

  function begin() {
    new MutationObserver(look).observe(document.body, {
      childList: true,
      subtree: true,
      characterData: true,
      attributeFilter: ["datetime", "data-announce", "data-answer"],
    });
    look();
  }

  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
})();
