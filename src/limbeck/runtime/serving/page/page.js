"use strict";

// What is asked of each kind of model, and an example to begin with.
const KINDS = {
  "question-answering": {
    fields: [["question", "Question", false], ["context", "Context", true]],
    example: {
      question: "What jumps over the dog?",
      context: "In the morning a quick brown fox jumps over the lazy dog that sleeps by the river.",
    },
    inputs: (given) => given,
    show: showAnswer,
  },
  "token-classification": {
    fields: [["text", "Text", true]],
    example: { text: "Selma Lagerlöf wrote in Falun about Nils Holgersson." },
    inputs: (given) => given.text,
    show: showEntities,
  },
  "text-classification": {
    fields: [["text", "Text", true]],
    example: { text: "A film that nobody who has seen it will forget." },
    inputs: (given) => given.text,
    show: showClasses,
  },
  "fill-mask": {
    fields: [["text", "Text", true]],
    example: { text: "The capital of Sweden is [MASK]." },
    inputs: (given) => given.text,
    show: showChoices,
  },
};

const at = (id) => document.getElementById(id);
const state = { info: null, model: null, language: "curl", past: [], turn: 0 };

function made(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const share = (score) => score.toFixed(2);

// --- answers ---------------------------------------------------------------------------------------------------------

// Positions are those of Python, in characters; JavaScript counts some characters as two.
function marked(text, spans) {
  const letters = Array.from(text);
  const paragraph = made("p", { className: "text" });
  let done = 0;
  for (const [start, end, label] of spans) {
    if (start < done) continue;
    const mark = made("mark", {}, letters.slice(start, end).join(""));
    if (label) mark.append(made("small", {}, label));
    paragraph.append(letters.slice(done, start).join(""), mark);
    done = end;
  }
  paragraph.append(letters.slice(done).join(""));
  return paragraph;
}

function showAnswer(said, given) {
  const text = said.answer ? `${said.answer} (${share(said.score)})` : `no answer (${share(said.score)})`;
  return [made("p", { className: "answer" }, text), marked(given.context, [[said.start, said.end, ""]])];
}

function showEntities(said, given) {
  if (!said.length) return [made("p", { className: "answer" }, "no entities"), marked(given.text, [])];
  const spans = said.map((each) => [each.start, each.end, each.entity_group]);
  const letters = Array.from(given.text);
  const rows = said.map((each) => [
    letters.slice(each.start, each.end).join(""), each.entity_group, share(each.score),
  ]);
  return [marked(given.text, spans), table(["Entity", "Type", "Score"], rows)];
}

function showClasses(said) {
  return [bars(said[0].map((each) => [each.label, each.score]))];
}

function showChoices(said) {
  const lists = Array.isArray(said[0]) ? said : [said];
  return lists.map((choices) => bars(choices.map((each) => [each.token_str, each.score])));
}

function table(heads, rows) {
  const head = made("tr", {}, ...heads.map((text) => made("th", { scope: "col" }, text)));
  const body = rows.map((row) => made("tr", {}, ...row.map((text) => made("td", {}, text))));
  return made("table", {}, made("thead", {}, head), made("tbody", {}, ...body));
}

function bars(rows) {
  const body = rows.map(([name, score]) => {
    const meter = made("meter", { min: 0, max: 1, value: score, ariaLabel: `${name}: ${share(score)}` });
    return made("tr", {},
      made("th", { scope: "row" }, name),
      made("td", { className: "bar" }, meter),
      made("td", { className: "value" }, share(score)));
  });
  return made("table", {}, made("tbody", {}, ...body));
}

// --- asking ----------------------------------------------------------------------------------------------------------

function given() {
  const found = {};
  for (const [name] of KINDS[state.model.task].fields) found[name] = at(`field-${name}`).value;
  return found;
}

function complain(text, field) {
  at("error").textContent = text;
  for (const element of document.querySelectorAll("#fields input, #fields textarea")) {
    element.setAttribute("aria-invalid", String(element === field));
  }
  if (field) field.focus();
}

async function ask(event) {
  event.preventDefault();
  complain("");
  const asked = given();
  for (const [name, label] of KINDS[state.model.task].fields) {
    if (!asked[name].trim()) return complain(`${label} is empty.`, at(`field-${name}`));
  }
  const turn = ++state.turn, model = state.model, begin = performance.now();
  at("ask").disabled = true;
  at("result").replaceChildren();
  at("cost").textContent = "";
  try {
    const response = await fetch(`/models/${model.name}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ inputs: KINDS[model.task].inputs(asked) }),
    });
    const said = await response.json();
    if (turn !== state.turn) return;
    if (!response.ok) return complain(`${said.error} (${response.status})`);
    at("result").replaceChildren(...KINDS[model.task].show(said, asked));
    tell(response.headers, performance.now() - begin);
  } catch (error) {
    if (turn === state.turn) complain("The server does not answer. Is it still running?");
  } finally {
    at("ask").disabled = false;
  }
}

function tell(headers, elapsed) {
  state.past.push(elapsed);
  const sorted = [...state.past].sort((a, b) => a - b);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  const computed = Number(headers.get("x-compute-ms")), cost = Number(headers.get("x-cost"));
  const parts = [
    `${elapsed.toFixed(0)} ms, ${computed.toFixed(1)} ms of it computing`,
    `${headers.get("x-tokens")} tokens`,
  ];
  if (state.info.limits.price_per_second > 0) parts.push(`$${cost.toFixed(8)}`);
  parts.push(`${state.past.length} so far, ${middle.toFixed(0)} ms each in the middle`);
  at("cost").textContent = parts.join(" · ");
}

// --- calls -----------------------------------------------------------------------------------------------------------

const CALLS = {
  curl: (url, body) =>
    `curl ${url} \\\n  -H 'content-type: application/json' \\\n  -d '${body.replaceAll("'", "'\\''")}'`,
  Python: (url, body, model, asked) => {
    const call = {
      "question-answering": `question_answering(\n    question=${python(asked.question)},\n    context=${python(asked.context)},\n)`,
      "token-classification": `token_classification(${python(asked.text)})`,
      "text-classification": `text_classification(${python(asked.text)})`,
      "fill-mask": `fill_mask(${python(asked.text)})`,
    }[model.task];
    return `from huggingface_hub import InferenceClient\n\nclient = InferenceClient(model=${python(url)})\nprint(client.${call})`;
  },
  JavaScript: (url, body, model, asked) => {
    const name = {
      "question-answering": "questionAnswering", "token-classification": "tokenClassification",
      "text-classification": "textClassification", "fill-mask": "fillMask",
    }[model.task];
    const inputs = JSON.stringify(KINDS[model.task].inputs(asked));
    return `import { InferenceClient } from "@huggingface/inference";\n\nconst client = new InferenceClient().endpoint(${JSON.stringify(url)});\nconsole.log(await client.${name}({ inputs: ${inputs} }));`;
  },
};

const python = (text) => JSON.stringify(text);

function showCall() {
  if (!state.model) return;
  const asked = given(), url = `${location.origin}/models/${state.model.name}`;
  const body = JSON.stringify({ inputs: KINDS[state.model.task].inputs(asked) });
  at("code").textContent = CALLS[state.language](url, body, state.model, asked);
}

function showTabs() {
  at("tabs").replaceChildren(...Object.keys(CALLS).map((name) => {
    const chosen = name === state.language;
    const tab = made("button", { type: "button", id: `tab-${name}`, tabIndex: chosen ? 0 : -1 }, name);
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-selected", String(chosen));
    tab.setAttribute("aria-controls", "call");
    tab.addEventListener("click", () => choose(name));
    return tab;
  }));
  at("call").setAttribute("aria-labelledby", `tab-${state.language}`);
  showCall();
}

function choose(language) {
  state.language = language;
  showTabs();
  at(`tab-${language}`).focus();
}

function moveTab(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const names = Object.keys(CALLS);
  choose(names[(names.indexOf(state.language) + step + names.length) % names.length]);
}

async function copy() {
  try {
    await navigator.clipboard.writeText(at("code").textContent);
    at("copied").textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren(at("code"));
    at("copied").textContent = "Selected: press Ctrl + C.";
  }
}

// --- models ----------------------------------------------------------------------------------------------------------

function field([name, label, long], value) {
  const input = made(long ? "textarea" : "input", { id: `field-${name}`, name, value, required: true });
  input.addEventListener("input", showCall);
  return made("div", {}, made("label", { htmlFor: input.id }, label), input);
}

function example(model) {
  const words = { ...KINDS[model.task].example };
  if (model.mask) for (const name of Object.keys(words)) words[name] = words[name].replace("[MASK]", model.mask);
  return words;
}

function show(model) {
  state.model = model;
  state.turn += 1;
  state.past = [];
  complain("");
  at("result").replaceChildren();
  at("cost").textContent = "";
  at("copied").textContent = "";
  at("title").textContent = model.name;
  document.title = `${model.name} – Limbeck`;
  const price = state.info.limits.price_per_second;
  at("about").textContent = [
    model.task.replace("-", " "),
    `${model.format} in ${model.engine}`,
    ...(price > 0 ? [`$${price} for a second of computing`] : []),
  ].join(", ");
  const words = example(model);
  at("fields").replaceChildren(...KINDS[model.task].fields.map((each) => field(each, words[each[0]])));
  for (const link of document.querySelectorAll("#models a")) {
    if (link.textContent === model.name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  showTabs();
  showCard(model);
}

async function showCard(model) {
  at("card-box").hidden = !model.card;
  at("card-box").open = false;
  if (!model.card) return;
  const response = await fetch(`/models/${model.name}/card`);
  if (response.ok && model === state.model) at("card").textContent = await response.text();
}

function route() {
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (wanted === "main") return;
  show(state.info.models.find((each) => each.name === wanted) ?? state.info.models[0]);
}

async function begin() {
  at("form").addEventListener("submit", ask);
  at("form").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("form").requestSubmit();
  });
  at("tabs").addEventListener("keydown", moveTab);
  at("copy").addEventListener("click", copy);
  try {
    state.info = await (await fetch("/info")).json();
  } catch {
    return complain("The server does not say what it serves.");
  }
  const links = state.info.models.map((model) => made("a", { href: `#${encodeURIComponent(model.name)}` }, model.name));
  at("models").replaceChildren(...(links.length > 1 ? links : []));
  addEventListener("hashchange", route);
  route();
}

begin();
