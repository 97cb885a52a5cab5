"use strict";

function made(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function described(path, method, route) {
  const schema = route.requestBody?.content?.["application/json"]?.schema;
  const said = route.responses?.["200"]?.content?.["application/json"]?.schema;
  const parts = [made("p", {}, route.summary ?? "")];
  for (const [title, value] of [["What it takes", schema], ["What it answers", said]]) {
    if (!value || !Object.keys(value).length) continue;
    parts.push(made("details", {}, made("summary", {}, title), made("pre", {}, JSON.stringify(value, null, 2))));
  }
  return [made("dt", {}, made("code", {}, `${method.toUpperCase()} ${path}`)), made("dd", {}, ...parts)];
}

async function begin() {
  try {
    const { paths } = await (await fetch("/openapi.json")).json();
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, route] of Object.entries(methods)) {
        document.getElementById("routes").append(...described(path, method, route));
      }
    }
  } catch {
    document.getElementById("error").textContent = "The server does not say which addresses it has.";
  }
}

begin();
