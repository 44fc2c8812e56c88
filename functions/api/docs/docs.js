// Draws the API from /api/v1/openapi.json, and lets its reader try it. Everything is set as text, never as markup.

const $ = (id) => document.getElementById(id);

/** An element with attributes and children; texts become text nodes. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A text whose `words` are code. */
function prose(text) {
  return (text || "").split(/(`[^`]+`)/).map((part) =>
    part.startsWith("`") ? make("code", {}, part.slice(1, -1)) : part);
}

class Api {
  constructor(spec) {
    this.spec = spec;
    this.base = spec.servers[0].url;
  }

  resolve(schema) {
    return schema.$ref ? { ...this.spec.components.schemas[schema.$ref.split("/").pop()], ...schema } : schema;
  }

  *operations() {
    for (const [path, methods] of Object.entries(this.spec.paths)) {
      for (const [method, operation] of Object.entries(methods)) yield { ...operation, method: method.toUpperCase(), path };
    }
  }

  /** What a schema is, in words: `list of ContactView`. */
  typeName(schema) {
    if (schema.anyOf) return schema.anyOf.map((each) => this.typeName(each)).join(" or ");
    if (schema.$ref) return schema.$ref.split("/").pop().replace(/View$|Body$/, "");
    if (schema.type === "array") return `list of ${this.typeName(schema.items)}`;
    if (schema.format) return schema.format;
    if (schema.type === "object" && schema.additionalProperties) return `${this.typeName(schema.additionalProperties)} by name`;
    return schema.type || "any JSON";
  }

  /** The object schemas that a schema leads to, each once, itself first. */
  objects(schema, seen = new Map()) {
    if (schema.$ref) {
      const name = this.typeName(schema);
      if (!seen.has(name)) {
        const found = this.resolve(schema);
        seen.set(name, found);
        Object.values(found.properties || {}).forEach((each) => this.objects(each, seen));
      }
    }
    (schema.anyOf || []).forEach((each) => this.objects(each, seen));
    if (schema.items) this.objects(schema.items, seen);
    if (typeof schema.additionalProperties === "object") this.objects(schema.additionalProperties, seen);
    return seen;
  }

  /** A value that a schema would take. */
  example(schema) {
    schema = this.resolve(schema);
    if (schema.examples) return schema.examples[0];
    if (schema.anyOf) return this.example(schema.anyOf[0]);
    if (schema.enum) return schema.enum[0];
    if (schema.properties) {
      const wanted = Object.entries(schema.properties).filter(([name]) => (schema.required || []).includes(name));
      return Object.fromEntries(wanted.map(([name, each]) => [name, this.example(each)]));
    }
    return { array: [], object: {}, integer: 1, number: 1, boolean: true }[schema.type] ?? "";
  }
}

const anchor = (operation) => operation.operationId.replaceAll("_", "-");

function drawContents(api) {
  const groups = new Map(api.spec.tags.map((tag) => [tag.name, []]));
  for (const operation of api.operations()) groups.get(operation.tags[0]).push(operation);
  for (const [tag, operations] of groups) {
    $("contents").append(make("h2", {}, tag), make("ul", {}, ...operations.map((operation) =>
      make("li", {}, make("a", { href: `#${anchor(operation)}` }, badge(operation), title(operation))))));
    $("routes").append(make("h2", { class: "tag" }, tag), ...operations.map((operation) => drawOperation(api, operation)));
  }
  $("contents").append(make("h2", {}, "More"), make("ul", {}, make("li", {}, make("a", { href: "#problems" }, "Problems"))));
}

/** `list_journey_days` is "List journey days". */
const title = (operation) => {
  const words = operation.operationId.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
};

const badge = (operation) => make("span", { class: `method ${operation.method.toLowerCase()}` }, operation.method);

function drawOperation(api, operation) {
  const body = operation.requestBody?.content["application/json"].schema;
  const [status, done] = Object.entries(operation.responses)[0];
  return make("article", { id: anchor(operation) },
    make("h3", {}, badge(operation), make("code", {}, api.base + operation.path)),
    make("p", { class: "summary" }, ...prose(operation.summary)),
    operation.description ? make("p", {}, ...prose(operation.description)) : null,
    operation.parameters.length ? drawFields("Parameters", operation.parameters.map((each) => ({
      name: each.name, note: each.in, type: api.typeName(each.schema), required: each.required,
      text: each.description, schema: each.schema }))) : null,
    body ? drawObjects(api, body, "Body") : null,
    drawAnswer(api, done, status),
    drawTrial(api, operation, body));
}

/** What comes back: objects, or a file of another kind, which is named. */
function drawAnswer(api, answer, status) {
  const [[kind, { schema }]] = Object.entries(answer.content);
  return kind === "application/json" ? drawObjects(api, schema, `Answer ${status}`)
    : make("p", { class: "type" }, `Answer ${status}: ${kind}`);
}

function drawObjects(api, schema, title) {
  const tables = [...api.objects(schema)].map(([name, found]) => drawFields(
    name, Object.entries(found.properties || {}).map(([key, each]) => ({
      name: key, type: api.typeName(each), required: (found.required || []).includes(key), text: each.description,
      schema: each })), found.description));
  return make("details", {}, make("summary", {}, title, make("span", { class: "type" }, api.typeName(schema))), ...tables);
}

function drawFields(title, fields, text) {
  return make("div", { class: "fields" }, make("h4", {}, title), text ? make("p", {}, ...prose(text)) : null,
    make("dl", {}, ...fields.flatMap((field) => [
      make("dt", {}, make("code", {}, field.name), make("span", { class: "type" }, field.type),
        field.note ? make("span", { class: "note" }, field.note) : null,
        field.required ? null : make("span", { class: "note" }, "optional")),
      make("dd", {}, ...prose(field.text), hint(field.schema))])));
}

/** What a schema says beside its type: the words that are taken, bounds, an example. */
function hint(schema) {
  const { enum: words, minimum, maximum, examples, default: usual } = schema.anyOf ? { ...schema.anyOf[0], ...schema } : schema;
  const parts = [
    words && `One of ${words.map((word) => `\`${word}\``).join(", ")}.`,
    maximum !== undefined && `From ${minimum} to ${maximum}.`,
    usual !== undefined && `By default \`${usual}\`.`,
    examples && `For example \`${typeof examples[0] === "string" ? examples[0] : JSON.stringify(examples[0])}\`.`,
  ].filter(Boolean);
  return parts.length ? make("span", { class: "hint" }, " ", ...prose(parts.join(" "))) : null;
}

function drawTrial(api, operation, body) {
  const inputs = operation.parameters.map((each) => {
    const input = make("input", { type: "text", spellcheck: "false", autocomplete: "off",
      placeholder: each.schema.default ?? each.schema.examples?.[0] ?? "", "data-in": each.in, name: each.name });
    return make("label", {}, make("span", {}, each.name), input);
  });
  const text = body ? make("textarea", { rows: "6", spellcheck: "false" }) : null;
  if (text) text.value = JSON.stringify(api.example(body), null, 2);
  const curl = make("pre", { class: "curl", tabindex: "0" });
  const answer = make("div", { class: "answer", "aria-live": "polite" });
  const build = () => request(api, operation, inputs.map((label) => label.querySelector("input")), text);
  const show = () => { curl.textContent = asCurl(build()); };
  const form = make("form", { oninput: show, onsubmit: (event) => { event.preventDefault(); send(build(), answer); } },
    ...inputs, text ? make("label", { class: "body" }, make("span", {}, "body"), text) : null, curl,
    make("button", {}, "Send"), answer);
  return make("details", { class: "trial", ontoggle: show }, make("summary", {}, "Try it"), form);
}

function request(api, operation, inputs, text) {
  let path = operation.path;
  const query = new URLSearchParams();
  const headers = { Authorization: `Bearer ${$("key").value || "API-KEY"}` };
  for (const input of inputs) {
    const place = input.dataset.in;
    if (place === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(input.value) || `{${input.name}}`);
    else if (input.value && place === "query") query.set(input.name, input.value);
    else if (input.value) headers[input.name] = input.value;
  }
  const search = query.toString();
  const body = text?.value.trim() || undefined;
  if (body) headers["Content-Type"] = "application/json";
  return { method: operation.method, url: `${location.origin}${api.base}${path}${search ? `?${search}` : ""}`, headers, body };
}

function asCurl({ method, url, headers, body }) {
  const quote = (word) => `'${word.replaceAll("'", "'\\''")}'`;
  const secret = { ...headers, Authorization: "Bearer $API_KEY" };
  const lines = Object.entries(secret).map(([name, value]) =>
    name === "Authorization" ? `-H "${name}: ${value}"` : `-H ${quote(`${name}: ${value}`)}`);
  return [`curl -X ${method} ${quote(url)}`, ...lines, ...(body ? [`-d ${quote(body)}`] : [])].join(" \\\n  ");
}

async function send({ method, url, headers, body }, answer) {
  answer.replaceChildren(make("p", {}, "Asking…"));
  try {
    const response = await fetch(url, { method, headers, body, credentials: "omit" });
    const text = await response.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it came */ }
    answer.replaceChildren(
      make("p", { class: response.ok ? "good" : "bad" }, `${response.status} ${response.statusText}`),
      make("pre", { tabindex: "0" }, shown));
  } catch (error) {
    answer.replaceChildren(make("p", { class: "bad" }, String(error.message)));
  }
}

function keepKey() {
  // Kept for this tab alone.
  $("key").value = sessionStorage.getItem("api-key") || "";
  $("key").addEventListener("input", () => sessionStorage.setItem("api-key", $("key").value));
}

async function start() {
  keepKey();
  const api = new Api(await (await fetch("/api/v1/openapi.json")).json());
  $("about").append(...prose(api.spec.info.description));
  drawContents(api);
  $("problem-rows").append(...api.spec["x-problems"].map((each) => make("tr", { id: each.name },
    make("th", { scope: "row" }, make("code", {}, each.name)), make("td", {}, String(each.status)),
    make("td", {}, ...prose(each.when)))));
  // On a small screen the contents would hide what they are about.
  $("menu").open = matchMedia("(min-width: 60.01rem)").matches;
  if (location.hash) $(location.hash.slice(1))?.scrollIntoView();
}

start();
