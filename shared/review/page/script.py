"""The page's script: filters, and nothing else. Without it the page shows everything."""

# ruff: noqa: E501 - the long lines are those of another language

from __future__ import annotations

SCRIPT = """
"use strict";
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const [text, risk, kind, state] = ["text", "risk", "kind", "state"].map((n) => document.getElementById("f-" + n));
  const told = document.getElementById("f-count");
  const cards = [...document.querySelectorAll("article.card")].map((node) => ({ node, words: node.textContent.toLowerCase() }));
  const rows = [...document.querySelectorAll("tr[data-row]")].map((node) => ({ node, words: node.textContent.toLowerCase() }));
  const groups = [...document.querySelectorAll("[data-group]")];
  const apply = () => {
    const wanted = text.value.trim().toLowerCase().split(/\\s+/).filter(Boolean);
    const hasWords = (item) => wanted.every((word) => item.words.includes(word));
    let shown = 0;
    for (const item of cards) {
      const data = item.node.dataset;
      const fits = (!risk.value || data.risk === risk.value) && (!kind.value || data.kind === kind.value)
        && (!state.value || data.state === state.value) && hasWords(item);
      item.node.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    for (const item of rows) {
      item.node.hidden = !((!risk.value || item.node.dataset.risk === risk.value) && hasWords(item));
    }
    for (const group of groups) group.hidden = !group.querySelector("article.card:not([hidden])");
    told.textContent = shown === cards.length ? cards.length + " findings" : shown + " of " + cards.length + " findings";
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.closest("[hidden]")) { form.reset(); setTimeout(() => target.scrollIntoView()); }
  };
  window.addEventListener("hashchange", reveal);
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
  apply();
})();
"""
