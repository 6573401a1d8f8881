// One question at a time, so that no answer overtakes another and each finds the history it belongs to; and a history and
// a draft that live in this browser tab and outlive the server's process.
(() => {
  function read(key) {
    try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; }
  }

  function write(key, value) {
    try { sessionStorage.setItem(key, JSON.stringify(value)); } catch { /* a browser that keeps nothing */ }
    return [];
  }

  let history = read("mood-history");
  let asking = false;

  // Not `disabled`, which would take the keyboard's focus away.
  function setAsking(value) {
    asking = value;
    for (const button of document.querySelectorAll(".asks")) button.ariaDisabled = value ? "true" : null;
  }

  document.addEventListener("click", (event) => {
    if (!event.target.closest(".asks")) return;
    if (!asking) return setAsking(true);
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey || event.shiftKey) || !event.target.closest("#text")) return;
    event.preventDefault();
    document.getElementById("analyze").click();
  });

  window.mood = {
    kept: () => history,
    // Every press ends here, whether an answer came or not; `kept` is the history with it.
    answered(kept) {
      if (kept) write("mood-history", history = kept);
      setAsking(false);
      return [];
    },
    focusText() {
      const text = document.querySelector("#text textarea");
      (text.checkVisibility() ? text : document.querySelector("[role=tab][aria-selected=true]")).focus();
      return [];
    },
    draft: () => read("mood-draft") ?? "",
    keepDraft: (text) => write("mood-draft", text),
  };
})();
