"use strict";
// Everything from a message is shown by textContent; its HTML lives in a sandboxed frame with a policy of its own.

const find = (id) => document.getElementById(id);
const local = (iso) => new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
const MOST = 200;
// What the inbox calls a message of each channel.
const WORDS = {
  email: { to: "To", title: "(no subject)" },
  sms: { to: "SMS to", title: "Text message" },
  push: { to: "Push to", title: "Notification" },
  webhook: { to: "Webhook to", title: "Webhook" },
};
let items = [], chosen = location.hash.slice(1), view = "html";

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function showList() {
  find("empty").hidden = items.length > 0;
  find("older").hidden = items.length < MOST;
  find("list").replaceChildren(...items.map((item) => {
    const button = document.createElement("button");
    const who = element("span", "who", "");
    who.append(element("span", "", `${WORDS[item.channel].to} ${[].concat(item.to).join(", ")}`), element("time", "", local(item.time)));
    button.append(who, element("span", "what", item.subject || item.text.slice(0, 120) || "(no subject)"));
    if (item.id === chosen) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => { location.hash = item.id; });
    const entry = document.createElement("li");
    entry.append(button);
    return entry;
  }));
}

function showMessage() {
  const item = items.find((each) => each.id === chosen);
  find("message").hidden = !item;
  find("hint").hidden = Boolean(item);
  if (!item) return;
  find("subject").textContent = item.subject || WORDS[item.channel].title;
  find("from").textContent = item.from;
  find("to").textContent = [].concat(item.to).join(", ");
  find("time").textContent = local(item.time);
  find("text").textContent = item.text;
  find("headers").textContent = Object.entries(item.headers).map(([name, value]) => `${name}: ${value}`).join("\n");
  find("raw").hidden = item.channel !== "email";
  find("raw").href = `/_local/inbox/${item.id}/raw`;
  const address = `/_local/inbox/${item.id}/html`;
  if (view === "html" && find("html").getAttribute("src") !== address) find("html").src = address;
  for (const tab of document.querySelectorAll("[role=tab]")) {
    tab.hidden = tab.dataset.view === "html" && !item.html;
    tab.setAttribute("aria-selected", String(tab.dataset.view === view));
    find(tab.dataset.view).hidden = tab.dataset.view !== view;
  }
}

// Only a person's choice opens a message: its pictures load, and that counts as an open.
function choose() {
  chosen = location.hash.slice(1);
  view = (items.find((each) => each.id === chosen) || {}).html ? "html" : "text";
  showList();
  showMessage();
}

async function refresh() {
  try {
    const json = { headers: { Accept: "application/json" } };
    const [inbox, clock] = await Promise.all([`/_local/inbox?limit=${MOST}`, "/_local/clock"].map(async (path) => (await fetch(path, json)).json()));
    find("now").textContent = local(clock.now);
    if (JSON.stringify(inbox.items.map((each) => each.id)) !== JSON.stringify(items.map((each) => each.id))) {
      items = inbox.items;
      choose();
    }
  } catch {
    find("note").textContent = "The local cloud does not answer.";
  }
}

for (const button of document.querySelectorAll("[data-advance]")) {
  button.addEventListener("click", async () => {
    const all = document.querySelectorAll("[data-advance]");
    all.forEach((each) => { each.disabled = true; });
    find("note").textContent = "Time passes…";
    try {
      const answer = await fetch("/_local/clock", {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ advance: button.dataset.advance }),
      });
      const told = await answer.json();
      const ran = Object.entries(told.ran || {}).map(([name, count]) => `${name} ${count}×`).join(", ");
      find("note").textContent = answer.ok ? ran || "Nothing was due." : told.message;
    } finally {
      all.forEach((each) => { each.disabled = false; });
      await refresh();
    }
  });
}
for (const tab of document.querySelectorAll("[role=tab]")) {
  tab.addEventListener("click", () => { view = tab.dataset.view; showMessage(); });
}
addEventListener("hashchange", choose);
refresh();
setInterval(() => { if (!document.hidden) refresh(); }, 2000);
