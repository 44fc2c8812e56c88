"use strict";

const now = document.querySelector("#now time");
const note = document.getElementById("note");
const buttons = document.querySelectorAll("[data-advance]");
const say = (iso) => {
  now.dateTime = iso;
  now.textContent = new Date(iso).toLocaleString(undefined, { dateStyle: "full", timeStyle: "short" });
};

async function look() {
  try {
    say((await (await fetch("/_local/clock", { headers: { Accept: "application/json" } })).json()).now);
  } catch {
    note.textContent = "The local cloud does not answer.";
  }
}

function tell(ran) {
  const rows = Object.entries(ran).map(([name, times]) => {
    const row = document.createElement("tr");
    for (const text of [name, times]) row.append(Object.assign(document.createElement("td"), { textContent: text }));
    return row;
  });
  document.querySelector("#ran tbody").replaceChildren(...rows);
  document.getElementById("ran").hidden = rows.length === 0;
}

for (const button of buttons) {
  button.addEventListener("click", async () => {
    buttons.forEach((each) => { each.disabled = true; });
    note.textContent = "Time passes…";
    try {
      const answer = await fetch("/_local/clock", {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ advance: button.dataset.advance }),
      });
      const told = await answer.json();
      if (!answer.ok) throw new Error(told.message);
      say(told.now);
      tell(told.ran);
      note.textContent = `${button.textContent} later.`;
    } catch (problem) {
      note.textContent = problem.message;
    } finally {
      buttons.forEach((each) => { each.disabled = false; });
    }
  });
}

look();
setInterval(look, 10_000);
