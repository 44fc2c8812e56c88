// The picture of a journey that is being drawn. What is open beside it is marked in it; a step, or a kind of step, can be
// dragged onto an opening. All of it can be done without, too.
(() => {
  document.addEventListener("click", (event) => {
    const chosen = event.target.closest?.("a.step-card, a.slot");
    if (!chosen) return;
    document.querySelectorAll(".step-open, .slot-open").forEach((each) => each.classList.remove("step-open", "slot-open"));
    chosen.classList.add(chosen.matches(".slot") ? "slot-open" : "step-open");
  });

  let dragged = null;

  const slotAt = (event) => (dragged ? event.target.closest?.("[data-slot]") : null);

  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-step], [data-kind]") ?? null;
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.step ?? dragged.dataset.kind);
    document.querySelector(".flow").classList.add("flow-dragging");
  });

  document.addEventListener("dragend", () => {
    dragged = null;
    document.querySelector(".flow").classList.remove("flow-dragging");
    document.querySelectorAll(".slot-over").forEach((slot) => slot.classList.remove("slot-over"));
  });

  document.addEventListener("dragover", (event) => {
    const slot = slotAt(event);
    if (slot) event.preventDefault();
    document.querySelectorAll(".slot-over").forEach((each) => each !== slot && each.classList.remove("slot-over"));
    slot?.classList.add("slot-over");
  });

  document.addEventListener("drop", (event) => {
    const slot = slotAt(event);
    if (!slot) return;
    event.preventDefault();
    if (dragged.dataset.kind) {
      location.assign(`${slot.href}&kind=${encodeURIComponent(dragged.dataset.kind)}`);
      return;
    }
    const form = document.getElementById("move");
    form.elements.step.value = dragged.dataset.step;
    form.elements.slot.value = slot.dataset.slot;
    form.submit();
  });
})();
