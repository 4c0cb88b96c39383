// The first names that begin with what stands in a search box, each of which opens its project.
// The form works without it. Source of the pattern: WAI-ARIA Authoring Practices, "Combobox with list autocomplete".
"use strict";

const WAIT_MS = 150;

function suggestNames(input, number) {
  const list = document.createElement("ul");
  const form = input.form;
  let selected = -1, typed = "", timer = 0, asking = null;

  list.id = `suggestions-${number}`;
  list.className = "suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Project names");
  form.classList.add("suggesting");
  form.append(list);
  for (const [name, value] of Object.entries({
    role: "combobox", autocomplete: "off", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
  })) input.setAttribute(name, value);

  const stopAsking = () => {
    clearTimeout(timer);
    asking?.abort();
  };

  const close = () => {
    stopAsking();
    list.hidden = true;
    selected = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };

  const select = (place) => {
    stopAsking(); // an answer that is on its way would replace the list, and with it what is selected
    selected = place;
    [...list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === place)));
    if (place < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", list.children[place].id);
    input.value = place < 0 ? typed : list.children[place].textContent;
  };

  const show = ({ names, addresses }) => {
    list.replaceChildren(...names.map((name, index) => {
      const option = document.createElement("li");
      option.id = `${list.id}-${index}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.textContent = name;
      option.dataset.address = addresses[index];
      return option;
    }));
    selected = -1;
    input.removeAttribute("aria-activedescendant");
    list.hidden = !names.length;
    input.setAttribute("aria-expanded", String(Boolean(names.length)));
    announce(names.length ? `${names.length} ${names.length === 1 ? "suggestion" : "suggestions"}` : "No suggestions");
  };

  const ask = async () => {
    asking?.abort();
    const mine = asking = new AbortController();
    let found = { names: [], addresses: [] };
    try {
      const answer = await fetch(`${input.dataset.suggest}?q=${encodeURIComponent(typed)}`, { signal: mine.signal });
      if (answer.ok) found = await answer.json();
    } catch { /* the site does not answer: then there are no suggestions, nor those for what was typed before */ }
    if (!mine.signal.aborted && document.activeElement === input) show(found);
  };

  // A suggestion is a project, so it opens the project and not a search for its name.
  const open = (option) => location.assign(option.dataset.address);

  input.addEventListener("input", () => {
    typed = input.value;
    clearTimeout(timer);
    if (typed.trim()) timer = setTimeout(ask, WAIT_MS);
    else close();
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const count = list.hidden ? 0 : list.children.length;
    if (event.key === "Escape") {
      if (selected >= 0) select(-1);
      close(); // an answer that is on its way would open the list again
      if (!count) return;
    } else if (event.key === "ArrowDown" && count) {
      select(selected + 1 < count ? selected + 1 : -1);
    } else if (event.key === "ArrowUp" && count) {
      select(selected >= 0 ? selected - 1 : count - 1);
    } else {
      if (event.key === "Enter" && selected >= 0) {
        event.preventDefault();
        open(list.children[selected]);
      }
      if (event.key === "Enter" || event.key === "Tab") close();
      return;
    }
    event.preventDefault();
  });
  // Before the input loses the focus, which would close the list.
  list.addEventListener("mousedown", (event) => {
    const option = event.target.closest("li");
    event.preventDefault();
    if (!option) return;
    select([...list.children].indexOf(option));
    close();
    open(option);
  });
  input.addEventListener("blur", close);
}

document.querySelectorAll("[data-suggest]").forEach(suggestNames);
