// What the pages do beyond links and forms. Each page works without it.
"use strict";

function themeToggle() {
  const root = document.documentElement;
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    const show = () => button.setAttribute("aria-pressed", String(root.dataset.bsTheme === "dark"));
    button.hidden = false;
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
    button.hidden = false;
    button.addEventListener("click", async () => {
      await copyText(button.dataset.copy);
      button.classList.add("copied");
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

// The tab that is open stands in the address, so that it can be linked to.
function tabsInAddress() {
  const tabs = [...document.querySelectorAll('[data-bs-toggle="tab"]')];
  const open = () => {
    const tab = tabs.find((each) => each.hash === location.hash);
    if (tab) bootstrap.Tab.getOrCreateInstance(tab).show();
  };
  for (const tab of tabs) {
    tab.addEventListener("shown.bs.tab", () => {
      history.replaceState(null, "", tab.hash);
      // On a phone the row of tabs is wider than the screen.
      tab.scrollIntoView({ block: "nearest", inline: "center" });
    });
  }
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

themeToggle();
copyButtons();
localDates();
tabsInAddress();
fileFilters();
