// Draws the structure while one types, and copies the command. Everything else works without it.
"use strict";

const field = document.getElementById("smile");
const structure = document.getElementById("structure");
const hint = document.getElementById("hint");
const problem = document.getElementById("problem");
const PAUSE = 150;
let timer, request;

function show(svg, message) {
  structure.hidden = !svg;
  hint.hidden = Boolean(svg);
  problem.textContent = message;
  field.toggleAttribute("aria-invalid", Boolean(message));
  if (svg) {
    structure.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svg);
    structure.alt = "Structure of " + field.value;
  }
}

async function draw() {
  request?.abort();
  if (!field.value.trim()) return show("", "");
  request = new AbortController();
  try {
    const answer = await fetch("/draw", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ smile: field.value }),
      signal: request.signal,
    });
    const drawn = await answer.json();
    show(drawn.svg ?? "", drawn.reason ?? "");
  } catch (error) {
    if (error.name !== "AbortError") show("", "The service cannot be reached.");
  }
}

field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(draw, PAUSE);
});

for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
    button.textContent = "Copied";
  });
}
