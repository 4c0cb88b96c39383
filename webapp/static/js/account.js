// Who is signed in stands in no page, so that caches can keep pages for everybody. Only a browser with the marker
// cookie asks; for all others this is no request.
"use strict";

async function showMember(link) {
  const managed = document.querySelector("[data-manage]");
  const question = managed ? `?project=${encodeURIComponent(managed.dataset.manage)}` : "";
  const answer = await fetch(link.dataset.account + question, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const member = await answer.json();
  if (!member.name) return;
  const name = document.createElement("span");
  name.textContent = member.name;
  link.href = member.address;
  link.replaceChildren(name);
  link.classList.add("member-link");
  let label = `Your account, ${member.name}`;
  if (member.invitations) {
    const number = `${member.invitations}${member.has_more_invitations ? "+" : ""}`;
    const invited = `${number} open invitation${number === "1" ? "" : "s"}`;
    const count = document.createElement("span");
    count.textContent = number;
    count.className = "nav-count";
    count.title = invited;
    link.append(" ", count);
    label += ` ${invited}`;  // contains what is seen, for those who speak to their computer (WCAG 2.5.3)
  }
  link.setAttribute("aria-label", label);
  if (member.manages) managed.hidden = false;
  if (member.administration) {
    const admin = document.createElement("a");
    admin.href = member.administration;
    admin.textContent = "Admin";
    link.before(admin);
  }
}

if (document.cookie.split("; ").includes("signed_in=1")) {
  const link = document.querySelector("[data-account]");
  if (link) showMember(link).catch(() => { /* the link leads to the account all the same */ });
}
