// What pages do beyond htmx. Event filters and inline handlers need eval, which the content security policy forbids.
(() => {
  // data-confirm: asks before a form is sent.
  document.addEventListener("submit", (event) => {
    const question = event.target.getAttribute("data-confirm");
    if (!question || confirm(question)) return;
    event.preventDefault();
    event.stopPropagation(); // htmx sends what it hears of, prevented or not
  }, true);

  // data-copy: copies the text of the element that it names.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const text = document.querySelector(button.getAttribute("data-copy"))?.textContent ?? "";
    try {
      await navigator.clipboard.writeText(text.trim());
      button.classList.add("copied");
      setTimeout(() => button.classList.remove("copied"), 1500);
    } catch { /* the text is there to be selected */ }
  });

  // A tab that nobody looks at does not ask again and again.
  document.addEventListener("htmx:before:request", (event) => {
    const source = event.detail?.ctx?.sourceElement;
    if (document.hidden && source?.getAttribute("hx-trigger")?.includes("every")) event.preventDefault();
  });

  // "/" goes to the search field of a page.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const field = document.querySelector("[data-search]");
    if (field) { event.preventDefault(); field.focus(); }
  });
})();
