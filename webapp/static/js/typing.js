// What a form would object to, said while somebody types: passwords that are easy to guess, names that are taken.
// The form says the same once it is sent.
"use strict";

(() => {
  const WAIT_MS = 400;
  const address = document.currentScript.dataset.address;

  function watch(input, name) {
    const said = document.createElement("p");
    const form = input.form;
    let timer = 0, asking = null;

    said.id = `${input.id}-typing`;
    said.className = "field-hint";
    said.setAttribute("role", "status");
    input.after(said);
    input.setAttribute("aria-describedby", `${input.getAttribute("aria-describedby") ?? ""} ${said.id}`.trim());

    const ask = async () => {
      asking?.abort();
      asking = new AbortController();
      const typed = new URLSearchParams({ csrf_token: form.elements.csrf_token.value, [name]: input.value });
      for (const other of ["name", "email"]) {
        if (name === "password" && form.elements[other]) typed.set(other, form.elements[other].value);
      }
      const answer = await fetch(address, { method: "POST", body: typed, signal: asking.signal });
      said.textContent = answer.ok ? (await answer.json())[name] ?? "" : "";
    };

    input.addEventListener("input", () => {
      clearTimeout(timer);
      if (!input.value) said.textContent = "";
      else timer = setTimeout(() => ask().catch(() => { /* the form says it once it is sent */ }), WAIT_MS);
    });
    form.addEventListener("submit", () => {
      clearTimeout(timer);
      asking?.abort();
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const input of document.querySelectorAll('main input[autocomplete="new-password"]')) watch(input, "password");
    for (const name of ["username", "project"]) {
      const input = document.querySelector(`main form input[name="${name}"]`);
      if (input) watch(input, name);
    }
  });
})();
