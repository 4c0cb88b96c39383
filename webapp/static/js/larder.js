// What the pages do beyond links and forms. Each page works without it.
"use strict";

// What happened without a change of the focus, for readers who hear the page. The room must be there before the text.
const announce = (() => {
  const room = document.createElement("div");
  room.className = "visually-hidden";
  room.setAttribute("aria-live", "polite");
  document.body.append(room);
  return (text) => {
    room.textContent = "";
    setTimeout(() => { room.textContent = text; }, 50);
  };
})();

function themeToggle() {
  const root = document.documentElement;
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    const show = () => button.setAttribute("aria-pressed", String(root.dataset.bsTheme === "dark"));
    button.addEventListener("click", () => {
      root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
      try { localStorage.setItem("theme", root.dataset.bsTheme); } catch { /* it holds for this page, then */ }
      show();
    });
    show();
  }
}

function copyButtons() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      await copyText(button.dataset.copy);
      button.classList.add("copied");
      announce("Copied");
      setTimeout(() => button.classList.remove("copied"), 1500);
    });
  }
}

// The clipboard's interface is there only on HTTPS and on localhost; a private index often has neither.
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return;
  } catch { /* or the reader does not allow it */ }
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
  focused.focus();
}

// Dates stand in the page in UTC; readers see their own day.
function localDates() {
  const format = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
  for (const time of document.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    if (!Number.isNaN(date.valueOf())) time.textContent = format.format(date);
  }
}

// Tabs with the keys of the ARIA Authoring Practices. The one that is open stands in the address, so that it can be linked to.
function tabsInAddress() {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const show = (shown) => {
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", String(tab === shown));
      tab.tabIndex = tab === shown ? 0 : -1;
      tab.classList.toggle("active", tab === shown);
      document.getElementById(tab.getAttribute("aria-controls")).classList.toggle("active", tab === shown);
    }
  };
  const choose = (tab) => {
    show(tab);
    history.replaceState(null, "", tab.hash);
    // On a phone the row of tabs is wider than the screen.
    tab.scrollIntoView({ block: "nearest", inline: "center" });
  };
  const open = () => {
    const tab = tabs.find((each) => each.hash === location.hash);
    if (tab) show(tab);
  };
  tabs.forEach((tab, number) => {
    tab.tabIndex = number ? -1 : 0;
    tab.addEventListener("click", (event) => {
      event.preventDefault();
      choose(tab);
    });
    tab.addEventListener("keydown", (event) => {
      const to = { ArrowRight: number + 1, ArrowLeft: number - 1, Home: 0, End: -1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = tabs.at(to % tabs.length);
      choose(next);
      next.focus();
    });
  });
  addEventListener("hashchange", open);
  open();
}

function fileFilters() {
  for (const group of document.querySelectorAll("[data-file-group]")) {
    const choices = [...group.querySelectorAll("[data-filter]")];
    if (!choices.length) continue;
    const files = [...group.querySelectorAll(".file")];
    const count = group.querySelector("[data-filter-count]");
    const apply = () => {
      for (const file of files) {
        file.hidden = choices.some(
          (choice) => choice.value && !file.dataset[choice.dataset.filter].split(" ").includes(choice.value));
      }
      count.textContent = `${files.filter((file) => !file.hidden).length} of ${files.length} files`;
    };
    group.querySelector("[data-file-filters]").hidden = false;
    for (const choice of choices) choice.addEventListener("change", apply);
    apply();
  }
}

// Code and tables that are wider than their page are scrolled with the keyboard, too; Safari does not see to that by itself.
function scrollableCode() {
  const watcher = new ResizeObserver((entries) => entries.forEach(({ target }) => {
    if (target.scrollWidth <= target.clientWidth && target.scrollHeight <= target.clientHeight) return;
    target.tabIndex = 0;
    target.setAttribute("role", "group");
    target.setAttribute("aria-label", target.matches("pre") ? "Code" : "Table");
  }));
  document.querySelectorAll("pre, .table-scroll:not([role])").forEach((each) => watcher.observe(each));
}

// An image that cannot be shown is named in its place, as where the site shows no images.
function missingImages() {
  const nameInstead = (image) => {
    const name = document.createElement("span");
    name.className = "description-image";
    name.textContent = image.alt;
    image.replaceWith(name);
  };
  for (const image of document.querySelectorAll(".description-picture")) {
    image.addEventListener("error", () => nameInstead(image));
    // It may have failed before this script ran. An SVG without a size has no width either.
    if (image.complete && !image.naturalWidth) image.decode().catch(() => nameInstead(image));
  }
}

// Folds that are open on wide screens: what newer browsers do by CSS alone.
function openFolds() {
  if (CSS.supports("selector(::details-content)") || matchMedia("(max-width: 61.99rem)").matches) return;
  for (const fold of document.querySelectorAll("[data-fold]")) fold.open = true;
}

themeToggle();
openFolds();
scrollableCode();
copyButtons();
missingImages();
localDates();
tabsInAddress();
fileFilters();
