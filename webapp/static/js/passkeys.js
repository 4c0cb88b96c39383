// Forms that a passkey or a security key answers. Questions and answers are JSON, as WebAuthn level 3 defines it; browsers
// without these functions keep their other ways to sign in.
"use strict";

const ALREADY = "This device already has a passkey for your account.";
const NONE_USED = "No passkey was used. Try again, or choose another way.";
const UNKNOWN = "This browser cannot use passkeys.";

function showPasskeyProblem(form, text) {
  form.parentElement.querySelectorAll("[data-passkey-problem]").forEach((shown) => shown.remove());
  const banner = document.createElement("div");
  banner.className = "banner banner-bad";
  banner.setAttribute("role", "alert");
  banner.dataset.passkeyProblem = "";
  banner.append(Object.assign(document.createElement("p"), { textContent: text }));
  form.before(banner);
}

async function sendAnswer(form, ask) {
  try {
    form.querySelector("[name=credential]")?.remove();
    const answer = Object.assign(document.createElement("input"), { type: "hidden", name: "credential" });
    answer.value = JSON.stringify((await ask()).toJSON());
    form.append(answer);
    form.submit();
  } catch (error) {
    showPasskeyProblem(form, error.name === "InvalidStateError" ? ALREADY : NONE_USED);
  }
}

const canUsePasskeys = window.PublicKeyCredential?.parseRequestOptionsFromJSON !== undefined;

for (const button of document.querySelectorAll("[data-passkey-get]")) {
  if (!canUsePasskeys) continue;
  button.hidden = false;
  button.addEventListener("click", () => sendAnswer(button.form, () => navigator.credentials.get({
    publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(button.dataset.passkeyGet)),
  })));
}

for (const form of document.querySelectorAll("[data-passkey-create]")) {
  if (!canUsePasskeys) showPasskeyProblem(form, UNKNOWN);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sendAnswer(form, () => navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(form.dataset.passkeyCreate)),
    }));
  });
}
