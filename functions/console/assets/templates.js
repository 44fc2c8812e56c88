// A message beside its form: what is typed is shown a moment later, and looked at. Without this a button shows it.
(() => {
  const PAUSE = 450;
  let waiting = null;
  let shown = 0;

  // Into a new frame each time, so that looking leaves no trace in the browser's history, and nothing flickers.
  const renew = (send) => {
    const old = document.querySelector("iframe[data-shown]:not(.mail-coming)");
    if (!old) return;
    document.querySelectorAll("iframe.mail-coming").forEach((each) => each.remove());
    const fresh = old.cloneNode();
    fresh.name = `shown-${++shown}`;
    fresh.removeAttribute("src");
    fresh.classList.add("mail-coming");
    old.after(fresh);
    fresh.addEventListener("load", () => {
      if (!fresh.dataset.sent) return;
      old.remove();
      fresh.classList.remove("mail-coming");
    });
    fresh.dataset.sent = "yes";
    send(fresh, old);
  };

  const show = () => {
    const form = document.getElementById("mail");
    if (form) {
      const button = document.getElementById("show");
      renew((fresh) => {
        button.formTarget = fresh.name;
        form.requestSubmit(button);
      });
      document.getElementById("found")?.dispatchEvent(new Event("typed"));
      return;
    }
    const seen = document.getElementById("seen");
    if (!seen) return;
    const said = new FormData(seen);
    const address = `${seen.getAttribute("action")}/preview?as=${encodeURIComponent(said.get("as"))}&view=${said.get("view")}`;
    renew((fresh) => { fresh.src = address; });
  };

  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, PAUSE);
  };

  document.addEventListener("input", (event) => {
    if (event.target.closest("#mail") || event.target.matches('#as[form="mail"], [data-look][form="mail"]')) soon();
    else if (event.target.matches('#seen [name="view"]')) show();
  });
  document.addEventListener("htmx:after:swap", (event) => {
    if (event.target.id === "editing") soon();
  });
  if (document.getElementById("mail")) show();
})();
