/* Postroad for websites: page, track, identify. How to use it is in docs/website.md. Apache-2.0 */
(() => {
  "use strict";
  const script = document.currentScript || document.querySelector('script[src*="/js/postroad.js"]');
  if (!script || (window.postroad && window.postroad.loaded)) return;

  const settings = script.dataset;
  const host = settings.host || new URL(script.src).origin;
  const BATCH = "/v1/batch";
  const IDLE = (Number(settings.idle) || 300) * 1000;
  const MEMORY = "postroad", UNSENT = "postroad.unsent";
  // What leaves with a closing page may have 64 KB, and an event 32 KB.
  const MOST_EVENTS = 100, MOST_CHARACTERS = 20000, LARGEST = 32768;
  const KEPT_FOR = 7 * 86400000; // Postroad knows an event again for as long

  // ---- memory: nothing is read or stored that this browser's owner has not allowed, where they are to be asked

  const read = (name) => {
    try { return JSON.parse(localStorage.getItem(name)); } catch (error) { return null; }
  };
  const write = (name, value) => {
    try {
      if (value === null) localStorage.removeItem(name);
      else localStorage.setItem(name, JSON.stringify(value));
    } catch (error) { /* no storage: this page's memory has to do */ }
  };
  const isAsked = settings.consent === "required";
  const isSignalled = settings.signals !== "ignore" &&
    (navigator.globalPrivacyControl === true || navigator.doNotTrack === "1");

  const remembered = read(MEMORY);
  let self = remembered && typeof remembered === "object" ? remembered : {};
  let allowed = self.consent === true || (self.consent !== false && !isAsked && !isSignalled);
  let refused = self.consent === false;
  const remember = () => { if (allowed) write(MEMORY, self); };

  const newId = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  };
  const anonymousId = () => {
    if (!self.id) { self.id = newId(); remember(); }
    return self.id;
  };

  // ---- sending: in batches, again after a failure, and with the page's last breath

  const post = (path, body) => fetch(host + path, { method: "POST", body, keepalive: true, credentials: "omit" });
  let queue = [], flying = [], timer = 0, pause = 1000, isKept = false;

  const send = (isLeaving) => {
    clearTimeout(timer);
    timer = 0;
    const waiting = queue.filter((event) => !flying.includes(event));
    if (!allowed || !waiting.length || (flying.length && !isLeaving)) return;
    const batch = [];
    for (let size = 0; batch.length < waiting.length && batch.length < MOST_EVENTS; ) {
      size += JSON.stringify(waiting[batch.length]).length;
      if (batch.length && size > MOST_CHARACTERS) break;
      batch.push(waiting[batch.length]);
    }
    const body = JSON.stringify({ writeKey: settings.key, sentAt: new Date().toISOString(), batch });
    const done = () => { queue = queue.filter((event) => !batch.includes(event)); };
    if (isLeaving) {
      // A beacon says nothing of its fate: where sending has just failed, the next page tries again.
      if (pause > 1000 || navigator.onLine === false || !navigator.sendBeacon) return;
      if (navigator.sendBeacon(host + BATCH, body)) { done(); send(true); }
      return;
    }
    flying = batch;
    post(BATCH, body)
      .then((answer) => {
        if (answer.status >= 500 || answer.status === 429 || answer.status === 408) throw answer;
        if (!answer.ok) console.warn("Postroad did not take " + batch.length + " events: " + answer.status);
        done();
        pause = 1000;
      })
      .catch(() => { pause = Math.min(pause * 2, 300000); })
      .then(() => {
        flying = [];
        if (queue.length) later(pause * (0.5 + Math.random() / 2));
        if (pause > 1000 || isKept) keep();
      });
  };
  const later = (milliseconds) => { timer = timer || setTimeout(send, milliseconds); };
  // Each tab keeps its own; whichever page comes next takes what all have left.
  let place = "";
  const keep = () => {
    isKept = allowed && queue.length > 0;
    place = place || UNSENT + "." + newId();
    if (allowed) write(place, isKept ? queue.slice(-MOST_EVENTS) : null);
  };
  const takeUnsent = () => {
    let found = [];
    try {
      for (const name of Object.keys(localStorage).filter((each) => each.indexOf(UNSENT) === 0)) {
        found = found.concat(read(name) || []);
        write(name, null);
      }
    } catch (error) { /* no storage: nothing was kept */ }
    return found.filter((event) => event && Date.now() - Date.parse(event.timestamp) < KEPT_FOR);
  };
  const copy = (value) => JSON.parse(JSON.stringify(value)); // what is told stays as it was; throws where it cannot

  const add = (type, fields, traits) => {
    if (refused) return;
    const event = copy(Object.assign({
      type,
      messageId: newId(),
      timestamp: new Date().toISOString(),
      anonymousId: anonymousId(),
      userId: self.user,
      context: {
        page: view.page || pageOf(),
        campaign: self.last && self.last.source ? self.last : undefined,
        locale: navigator.language,
        timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
        userAgent: navigator.userAgent,
        groupId: self.group,
        traits,
      },
    }, fields));
    if (new Blob([JSON.stringify(event)]).size > LARGEST) {
      console.warn("Postroad: " + (event.event || type) + " has more than 32 KB and is not sent");
      return;
    }
    queue.push(event);
    if (queue.length > MOST_EVENTS) queue.shift();
    later(300);
  };

  // ---- where somebody comes from: the first touch stays, the last is replaced by whatever names its source

  const touches = () => ({ first_touch: self.first, last_touch: self.last });
  const UTM = { source: 40, medium: 40, campaign: 60, term: 40, content: 40 };

  const touch = () => {
    const query = new URLSearchParams(location.search), seen = {};
    for (const name of Object.keys(UTM)) {
      const value = query.get("utm_" + name);
      if (value) seen[name === "campaign" ? "name" : name] = value.slice(0, UTM[name]);
    }
    const from = document.referrer && new URL(document.referrer).host;
    if (from && from !== location.host) seen.referrer = from.slice(0, 60);
    const isDirect = !Object.keys(seen).length;
    if (isDirect && self.first) return undefined;
    seen.landing = pageOf().path.slice(0, 60);
    seen.at = new Date().toISOString();
    self.first = self.first || seen;
    if (!isDirect) self.last = seen;
    remember();
    return touches();
  };

  // ---- pages: seen, and left by going, by closing, or by doing nothing for a while

  let view = {}, active = 0, idle = 0;

  // A query may hold a secret, such as a token: only what the site names leaves it.
  const search = () => {
    const named = (settings.query || "").split(",").map((name) => name.trim());
    const kept = new URLSearchParams();
    new URLSearchParams(location.search).forEach((value, name) => {
      if (named.includes(name) || name.startsWith("utm_")) kept.append(name, value);
    });
    return kept.toString() && "?" + kept;
  };
  const pageOf = () => {
    const link = document.querySelector('link[rel="canonical"]');
    const own = new URL((link && link.href) || location.href, location.href);
    return {
      path: own.pathname,
      url: own.origin + own.pathname + search(),
      search: search(),
      title: document.title,
      referrer: document.referrer.split("?")[0],
    };
  };
  const watch = (page) => {
    active = Date.now();
    view = { page, seen: 0, since: document.hidden ? 0 : active, depth: 0 };
    look();
    clearTimeout(idle);
    idle = setTimeout(rest, IDLE);
  };
  const look = () => {
    const whole = document.documentElement.scrollHeight;
    view.depth = Math.max(view.depth, Math.min(100, Math.round((100 * (scrollY + innerHeight)) / whole)));
  };
  const rest = () => {
    const left = active + IDLE - Date.now();
    if (left > 0) idle = setTimeout(rest, left);
    else leave("idle");
  };
  const leave = (reason) => {
    if (!view.since && !view.seen) return;
    const milliseconds = view.seen + (view.since && Date.now() - view.since);
    const page = view.page;
    view.seen = view.since = 0;
    add("track", {
      event: "Page Left",
      properties: Object.assign({}, page, { reason, seconds: Math.round(milliseconds / 1000), scrolled: view.depth }),
    });
  };
  const onActivity = () => {
    if (view.page && !view.since && !document.hidden) watch(view.page); // back after a rest
    active = Date.now();
    look();
  };
  const onVisibility = () => {
    if (document.hidden) {
      if (view.since) view.seen += Date.now() - view.since;
      view.since = 0;
      send(true);
      keep();
    } else if (view.seen) view.since = active = Date.now();
  };
  const onLeave = () => {
    leave("left");
    send(true);
    keep();
  };

  // ---- messages that wait for this visitor

  const showBox = (message, say) => {
    const make = (name, fields) => Object.assign(document.createElement(name), fields);
    const { title, text: textContent, url: href, button } = message;
    const box = make("aside", { className: "postroad-message", ariaLabel: title || "Message" });
    if (title) box.append(make("h2", { textContent: title }));
    box.append(make("p", { textContent, role: "status" }));
    if (href) box.append(make("a", { textContent: button || href, href, onclick: () => say("clicked") }));
    box.append(make("button", { textContent: "Close", onclick: () => { say("dismissed"); box.remove(); } }));
    document.body.append(box);
    say("opened");
  };

  // ---- what is said in one tab holds in all: a no, and who somebody is

  const forget = () => {
    allowed = false;
    refused = true;
    queue = [];
    self = {};
  };
  const onStorage = (event) => {
    if (event.key !== MEMORY || !allowed) return;
    const told = read(MEMORY) || {};
    if (told.consent === false || (isAsked && told.consent !== true)) forget();
    else self = told;
  };

  // ---- what a site says

  const api = {
    page(name, properties) {
      if (name && typeof name === "object") { properties = name; name = undefined; }
      const page = copy(Object.assign(pageOf(), properties));
      leave("left");
      watch(page);
      add("page", { name, properties: page }, touch());
    },
    track(event, properties) {
      add("track", { event, properties: properties || {} });
    },
    identify(user, traits) {
      if (user && typeof user === "object") { traits = user; user = undefined; }
      if (user !== undefined && user !== null && user !== "") {
        if (self.user && self.user !== String(user)) api.reset();
        self.user = String(user);
        remember();
      }
      add("identify", { traits: Object.assign({}, touches(), traits) });
    },
    group(group, traits) {
      self.group = String(group);
      remember();
      add("group", { groupId: self.group, traits: traits || {} });
    },
    alias(user, previous) {
      add("alias", { userId: String(user), previousId: previous || anonymousId() });
      self.user = String(user);
      remember();
    },
    reset() {
      self = { consent: self.consent };
      remember();
    },
    messages(options, show) {
      if (typeof options === "function") { show = options; options = {}; }
      if (!allowed) return;
      post("/w", JSON.stringify(Object.assign({ writeKey: settings.key, anonymousId: anonymousId() }, options)))
        .then((answer) => answer.json())
        .then((told) => {
          if (!told.messages) throw new Error(told.message);
          told.messages.slice(0, show ? 10 : 1).forEach((message) => {
            (show || showBox)(message, (what) => { post("/w/" + message.token, JSON.stringify({ what })); });
          });
        })
        .catch((error) => console.warn("Postroad: " + error.message));
    },
    consent(isGiven) {
      if (isGiven === true) {
        allowed = self.consent = true;
        refused = false;
        remember();
        later(0);
        return;
      }
      forget();
      takeUnsent();
      write(MEMORY, isAsked ? null : { consent: false }); // where nobody is asked, a no has to be remembered
    },
    id: anonymousId,
  };

  const call = (name, ...rest) => {
    try {
      if (!Object.prototype.hasOwnProperty.call(api, name)) throw new Error("there is no postroad(" + name + ")");
      return api[name](...rest);
    } catch (error) {
      console.warn("Postroad: " + error.message); // a mistake here must not break the site
      return undefined;
    }
  };

  window.postroad = window.postroad || function () {
    (window.postroad.q = window.postroad.q || []).push(arguments);
  };
  const start = () => {
    if (window.postroad.loaded) return; // the page includes this twice
    const waiting = window.postroad.q || [];
    window.postroad = Object.assign(call, { loaded: true });
    for (const name of Object.keys(api)) window.postroad[name] = (...rest) => call(name, ...rest);
    if (allowed) queue = takeUnsent();
    for (const name of ["pointerdown", "pointermove", "keydown", "scroll", "touchstart"]) {
      addEventListener(name, onActivity, { passive: true, capture: true });
    }
    addEventListener("visibilitychange", onVisibility);
    addEventListener("pagehide", onLeave);
    addEventListener("online", () => send());
    addEventListener("storage", onStorage);
    if (settings.pages !== "manual") {
      const push = history.pushState;
      let shown = location.pathname;
      const turn = () => setTimeout(() => {
        if (shown === location.pathname) return;
        shown = location.pathname;
        call("page");
      });
      history.pushState = function () { push.apply(history, arguments); turn(); };
      addEventListener("popstate", turn);
      addEventListener("pageshow", (event) => { if (event.persisted) call("page"); });
      call("page");
    }
    for (const each of waiting) call(...each);
    if (queue.length) later(300);
  };
  const begin = () => {
    if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
    else start();
  };
  if (document.prerendering) document.addEventListener("prerenderingchange", begin, { once: true });
  else begin();
})();
