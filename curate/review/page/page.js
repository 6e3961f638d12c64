"use strict";
// Every text of a document gets into the page by textContent alone.

const VERDICTS = { h: "human", s: "synthetic", k: "keep", d: "drop" };
const token = location.pathname.split("/")[1];
const element = (id) => document.getElementById(id);

let state = null;   // documents, answered, next, reviewer
let shown = null;   // the document on the page
let last = null;    // number of the document that was answered last
let busy = false;   // whether a request is on its way

async function ask(route, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Curate-Token": token },
    body: JSON.stringify(body),
  };
  const response = await fetch(route, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

async function doing(work) {
  if (busy) return;
  busy = true;
  try {
    await work();
    element("failure").textContent = "";
  } catch (error) {
    const lost = error instanceof TypeError;
    element("message").textContent = "";
    element("failure").textContent = lost
      ? "NOT saved: the server does not answer. Start `curate review serve` again and open the address it prints."
      : `NOT saved: ${error.message}`;
  } finally {
    busy = false;
  }
}

function progress() {
  const { documents, answered, reviewer } = state;
  element("progress").textContent = `${answered} of ${documents} answered, reviewer ${reviewer}`;
  element("bar").max = Math.max(documents, 1);
  element("bar").value = answered;
}

async function show(number) {
  if (number === null) {
    element("document").hidden = shown === null;
    element("controls").hidden = shown === null;
    element("message").textContent = state.documents
      ? "All documents are answered. Next: curate decide --annotations DIR --output NEW."
      : "No document waits for an answer.";
    return;
  }
  shown = await ask(`document/${number}`);
  element("title").textContent = `Document ${shown.number + 1} of ${state.documents}: ${shown.id}`;
  const about = [shown.language && `language ${shown.language}`, shown.source && `from ${shown.source}`,
    shown.cluster !== null && `cluster ${shown.cluster}${shown.terms.length ? ` (${shown.terms.join(", ")})` : ""}`,
    shown.copies && `held copies that follow this answer: ${shown.copies}`];
  element("about").textContent = about.filter(Boolean).join("; ");
  element("text").textContent = shown.text || "(no text)";
  if (/^[A-Za-z-]{2,12}$/.test(shown.language || "")) element("text").lang = shown.language;
  else element("text").removeAttribute("lang");
  const cut = shown.characters > shown.text.length;
  element("cut").hidden = !cut;
  element("cut").textContent = cut ? `The first part; the document has ${shown.characters} characters.` : "";
  element("score").textContent = `Reason: ${shown.reason}. ${shown.score}`;
  element("evidence").replaceChildren(...shown.evidence.map((told) => {
    const item = document.createElement("li");
    item.textContent = told;
    return item;
  }));
  compare(shown.matched);
  element("note").value = "";
  for (const button of document.querySelectorAll("[data-verdict]")) {
    button.setAttribute("aria-pressed", String(button.dataset.verdict === shown.answer));
  }
  element("document").hidden = element("controls").hidden = false;
  element("text").scrollTop = 0;
  scrollTo(0, 0);
  element("document").focus({ preventScroll: true });
}

function compare(matched) {
  element("comparison").hidden = matched === null;
  if (matched === null) return;
  element("compared").textContent = `Compared with ${matched.id}${matched.cut ? " (the beginnings)" : ""}`;
  element("legend").hidden = matched.parts === null;
  const parts = (matched.parts || [["=", "Its text is not among those that were written."]]).map(([kind, words]) => {
    const part = document.createElement(kind === "-" ? "del" : kind === "+" ? "ins" : "span");
    part.textContent = words;
    return part;
  });
  element("difference").replaceChildren(...parts.flatMap((part) => [part, " "]));
}

async function answer(number, verdict) {
  const note = verdict === null ? "" : element("note").value;
  state = await ask("answer", { number, verdict, note });
  progress();
  last = verdict === null ? null : number;
  await show(verdict === null ? number : state.next);
  const told = verdict === null ? `Withdrawn: document ${number + 1}.` : `Saved: document ${number + 1} is ${verdict}.`;
  element("message").textContent = state.next === null && verdict !== null
    ? `${told} ${element("message").textContent}` : told;
}

function step(by) {
  return show((shown.number + by + state.documents) % state.documents);
}

function undo() {
  const number = last !== null ? last : shown.answer !== null ? shown.number : null;
  if (number === null) {
    element("message").textContent = "Nothing to undo.";
    return Promise.resolve();
  }
  return answer(number, null);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || shown === null) return;
  if (event.target === element("note")) {
    if (event.key === "Escape" || event.key === "Enter") element("document").focus();
    return;
  }
  const key = event.key.toLowerCase();
  if (key in VERDICTS) doing(() => answer(shown.number, VERDICTS[key]));
  else if (key === "u") doing(undo);
  else if (key === "n") doing(() => step(1));
  else if (key === "p") doing(() => step(-1));
  else return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button === null || shown === null) return;
  if (button.dataset.verdict) doing(() => answer(shown.number, button.dataset.verdict));
  else if (button.dataset.step) doing(() => step(Number(button.dataset.step)));
  else doing(undo);
});

doing(async () => {
  state = await ask("state");
  progress();
  await show(state.next === null && state.documents ? 0 : state.next);
  if (state.next === null) await show(null);
});
