// What HTML alone cannot do: the reader's own time, words for screen readers, copy and share, Ctrl + Enter,
// and a history and a draft that live in this browser tab and outlive the server's process.
(() => {
  function read(key) {
    try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; }
  }

  function write(key, value) {
    try { sessionStorage.setItem(key, JSON.stringify(value)); } catch { /* a browser that keeps nothing */ }
    return [];
  }

  window.mood = {
    kept: () => read("mood-history"),
    keep: (history) => write("mood-history", history),
    draft: () => read("mood-draft") ?? "",
    keepDraft: (text) => write("mood-draft", text),
  };

  function tellLocalTimes() {
    for (const time of document.querySelectorAll("time[data-local]:not([title])")) {
      const at = new Date(time.dateTime);
      const today = at.toDateString() === new Date().toDateString();
      const day = today ? {} : { day: "numeric", month: "short" };
      time.textContent = at.toLocaleString([], { hour: "2-digit", minute: "2-digit", ...day });
      time.title = at.toLocaleString();
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
    region.textContent = words;
  }

  function announceAnswers() {
    for (const answer of document.querySelectorAll("[data-announce]:not([data-announced])")) {
      answer.dataset.announced = "";
      announce(answer.dataset.announce);
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
    const name = button.dataset.name ??= button.textContent;
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

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !event.target.closest("#text")) return;
    event.preventDefault();
    document.getElementById("analyze").click();
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
    announceAnswers();
  }

  function begin() {
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
    look();
  }

  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
})();
