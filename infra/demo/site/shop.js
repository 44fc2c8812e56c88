/* The demo shop: a shelf, a cart and a few forms, and what it tells Postroad of them. */
(() => {
  "use strict";
  const BASE = new URL(".", document.currentScript.src).pathname; // where the shop is served
  const HOME = "https://tidewater.example"; // the address that it would have
  const PRODUCTS = [
    { id: "sampler", name: "The sampler", price: 24, color: "#c98a4b", kind: "Four bags of 100 g", text: "Four small bags, from bright to dark. The best way to find out what you like.", facts: { Roast: "All of them", Taste: "Lemon, hazelnut, cocoa, toast", Grind: "Whole beans" } },
    { id: "harbour", name: "Harbour blend", price: 29, color: "#1f3b4d", kind: "1 kg", text: "What we drink ourselves, all day. Round and sweet, with enough body for milk.", facts: { Roast: "Medium", Taste: "Hazelnut, milk chocolate", From: "Brazil, Colombia" } },
    { id: "lighthouse", name: "Lighthouse espresso", price: 31, color: "#a8481f", kind: "1 kg", text: "A dark, thick espresso that wakes the keeper. Roasted on Tuesdays, shipped on Wednesdays.", facts: { Roast: "Dark", Taste: "Cocoa, dried fig", From: "India, Brazil" } },
    { id: "low-tide", name: "Low Tide decaf", price: 17.5, color: "#6f8f86", kind: "500 g", text: "For the evening. Decaffeinated with water only, so that it still tastes of coffee.", facts: { Roast: "Medium", Taste: "Caramel, red apple", From: "Colombia" } },
    { id: "grinder", name: "Hand grinder", price: 79, color: "#4d4a46", kind: "Steel, 30 g", text: "Six minutes of quiet work, and the whole kitchen smells of it. Steel burrs, ten settings.", facts: { Burrs: "Steel, conical", Holds: "30 g", Weight: "420 g" } },
  ];

  const $ = (selector) => document.querySelector(selector);
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const money = (amount) => new Intl.NumberFormat("en-IE", { style: "currency", currency: "EUR" }).format(amount);
  const find = (id) => PRODUCTS.find((product) => product.id === id);
  const tell = (...words) => window.postroad(...words);
  const link = (path) => BASE + path.replace(/^\//, "");

  const stored = (name, fallback) => {
    try { return JSON.parse(localStorage.getItem("tidewater." + name)) || fallback; } catch (error) { return fallback; }
  };
  const store = (name, value) => {
    try { localStorage.setItem("tidewater." + name, JSON.stringify(value)); } catch (error) { /* then not */ }
  };
  const cart = () => stored("cart", []).map((id) => find(id)).filter(Boolean);
  const sum = () => cart().reduce((total, product) => total + product.price, 0);
  const facts = (product) => ({ product_id: product.id, name: product.name, category: product.id === "grinder" ? "Tools" : "Coffee", price: product.price, currency: "EUR" });

  // Where the shop is served from is not where it lives: the canonical address says what its pages are called.
  const path = "/" + location.pathname.slice(BASE.length).replace(/(index)?(\.html)?$/, "").replace(/\/$/, "");
  const canonical = document.createElement("link");
  canonical.rel = "canonical";

  const picture = (product) => {
    const grinder = '<rect x="66" y="18" width="8" height="30" rx="4" fill="#2b2a28"/><circle cx="104" cy="20" r="9" fill="#8c5a34"/><rect x="66" y="16" width="40" height="7" rx="3.5" fill="#2b2a28"/><rect x="44" y="46" width="52" height="132" rx="14" fill="COLOR"/><rect x="44" y="92" width="52" height="5" fill="#fff" opacity=".35"/><rect x="52" y="56" width="7" height="112" rx="3.5" fill="#fff" opacity=".14"/>';
    const bag = '<path d="M28 34 L112 34 L120 180 Q70 190 20 180 Z" fill="COLOR"/><path d="M28 34 L112 34 L113 50 L27 50 Z" fill="#000" opacity=".16"/><rect x="38" y="78" width="64" height="66" rx="4" fill="#fffdfa"/><path d="M46 118 q8 -9 16 0 t16 0 t16 0" fill="none" stroke="COLOR" stroke-width="3"/><path d="M46 128 q8 -9 16 0 t16 0 t16 0" fill="none" stroke="COLOR" stroke-width="3" opacity=".5"/><circle cx="70" cy="97" r="8" fill="COLOR"/>';
    const drawing = (product.id === "grinder" ? grinder : bag).replace(/COLOR/g, product.color);
    return `<svg viewBox="0 0 140 200" role="img" aria-label="${product.name}">${drawing}</svg>`;
  };

  const showShelf = (shelf) => {
    shelf.innerHTML = PRODUCTS.map((product) => `<li><a href="${link(product.id)}"><div class="picture">${picture(product)}</div>
      <div class="what"><h3>${product.name}</h3><span class="quiet">${product.kind}</span> · <span class="price">${money(product.price)}</span></div></a></li>`).join("");
  };

  const showProduct = (box) => {
    const product = find(box.dataset.product);
    box.querySelector(".picture").innerHTML = picture(product);
    box.querySelector(".kind").textContent = product.kind;
    box.querySelector(".price").textContent = money(product.price);
    box.querySelector(".text").textContent = product.text;
    box.querySelector("dl").innerHTML = Object.entries(product.facts).map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join("");
    box.querySelector("button").addEventListener("click", () => {
      store("cart", stored("cart", []).concat(product.id));
      tell("track", "Product Added", Object.assign({ quantity: 1 }, facts(product)));
      showCount();
      const note = box.querySelector(".note");
      note.hidden = false;
    });
    tell("track", "Product Viewed", facts(product));
  };

  const showCart = (box) => {
    const products = cart();
    box.querySelector(".full").hidden = !products.length;
    box.querySelector(".empty").hidden = products.length > 0;
    box.querySelector("tbody").innerHTML = products.map((product, index) => `<tr><td>${product.name}<br><span class="quiet">${product.kind}</span></td><td><button class="button quiet" data-remove="${index}" aria-label="Take ${product.name} out of the cart">Remove</button></td><td class="price">${money(product.price)}</td></tr>`).join("");
    box.querySelector(".sum").textContent = money(sum());
    box.querySelectorAll("[data-remove]").forEach((button) => button.addEventListener("click", () => {
      const ids = stored("cart", []);
      const [gone] = ids.splice(Number(button.dataset.remove), 1);
      store("cart", ids);
      tell("track", "Product Removed", facts(find(gone)));
      showCount();
      showCart(box);
    }));
  };

  const showCount = () => all(".count").forEach((count) => {
    count.textContent = cart().length;
    count.hidden = !cart().length;
  });

  const person = () => stored("person", {});
  const read = (form) => {
    const said = {};
    new FormData(form).forEach((value, name) => { if (String(value).trim()) said[name] = String(value).trim(); });
    return said;
  };
  // Who fills in a form says who they are.
  const meet = (said) => {
    const traits = { email: said.email, firstName: said.firstName, phone: said.phone, role: said.role };
    if (said.company) traits.company = { name: said.company };
    store("person", Object.assign(person(), said));
    tell("identify", traits);
  };
  const FORMS = {
    "sign-up": (said) => { meet(said); tell("track", "Signed Up", { plan: "shop" }); return "welcome"; },
    checkout: (said) => {
      meet(said);
      tell("track", "Order Completed", {
        order_id: "TW-" + Date.now().toString(36).toUpperCase(), total: sum(), currency: "EUR",
        products: cart().map((product) => Object.assign({ quantity: 1 }, facts(product))),
      });
      store("cart", []);
      return "thanks";
    },
    guide: (said) => { meet(said); tell("track", "Guide Requested", { guide: "office" }); return null; },
    tasting: (said) => { meet(said); tell("track", "Tasting Booked", { day: said.day }); return null; },
  };
  const bindForm = (form) => {
    for (const [name, value] of Object.entries(person())) {
      if (form.elements[name]) form.elements[name].value = value;
    }
    form.addEventListener("submit", (submitted) => {
      submitted.preventDefault();
      const next = FORMS[form.dataset.form](read(form));
      if (next) location.href = link(next);
      else {
        form.querySelector(".note").hidden = false;
        form.querySelector("button").hidden = true;
      }
    });
  };

  const start = () => {
    canonical.href = HOME + (path === "/" ? "/" : path);
    document.head.append(canonical);
    all("[data-to]").forEach((anchor) => {
      anchor.href = link(anchor.dataset.to);
      if (anchor.dataset.to === path && anchor.closest(".top nav")) anchor.setAttribute("aria-current", "page");
    });
    const name = person().firstName;
    all(".hello").forEach((hello) => { if (name) hello.textContent = "Hello " + name; });
    showCount();
    all(".shelf").forEach(showShelf);
    all(".product").forEach(showProduct);
    all(".cart").forEach(showCart);
    all("form[data-form]").forEach(bindForm);
    all(".pay").forEach((total) => { total.textContent = money(sum()); });
    const cups = $("#cups");
    if (cups) {
      const show = () => {
        $("#people").textContent = cups.value;
        $("#cost").textContent = money(cups.value * 2.2 * 21 * 0.31);
      };
      cups.addEventListener("input", show);
      show();
    }
    // What has been said needs no button.
    const showConsent = (said) => all("[data-consent]").forEach((button) => { button.hidden = button.dataset.consent === said; });
    showConsent(stored("consent", "yes"));
    all("[data-consent]").forEach((button) => button.addEventListener("click", () => {
      const said = button.dataset.consent;
      tell("consent", said === "yes");
      store("consent", said);
      showConsent(said);
    }));
    all("[data-leave]").forEach((button) => button.addEventListener("click", () => {
      tell("reset");
      store("person", {});
      store("cart", []);
      location.href = BASE;
    }));
  };
  start();
})();
