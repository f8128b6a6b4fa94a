// form[data-passkey="get"|"create"]: asks the browser for a passkey before the form is sent, and sends it along.
// The options stand in data-options, or are fetched from data-options-from when they are needed.
const decoded = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
const encoded = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const described = (list) => (list ?? []).map((each) => ({ ...each, id: decoded(each.id) }));

const asked = (options) => ({
  ...options,
  challenge: decoded(options.challenge),
  ...(options.user ? { user: { ...options.user, id: decoded(options.user.id) } } : {}),
  ...(options.allowCredentials ? { allowCredentials: described(options.allowCredentials) } : {}),
  ...(options.excludeCredentials ? { excludeCredentials: described(options.excludeCredentials) } : {}),
});

const answered = (credential) => {
  const given = credential.response;
  const response = { clientDataJSON: encoded(given.clientDataJSON) };
  if (given.attestationObject) {
    response.attestationObject = encoded(given.attestationObject);
    response.transports = given.getTransports?.() ?? [];
  } else {
    response.authenticatorData = encoded(given.authenticatorData);
    response.signature = encoded(given.signature);
    if (given.userHandle) response.userHandle = encoded(given.userHandle);
  }
  return {
    id: credential.id,
    rawId: encoded(credential.rawId),
    type: credential.type,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  };
};

async function send(form) {
  let { options } = form.dataset;
  if (form.dataset.optionsFrom) {
    const reply = await fetch(form.dataset.optionsFrom, { headers: { Accept: "application/json" } });
    const found = await reply.json();
    options = JSON.stringify(found.options);
    form.elements.challenge.value = found.challenge;
  }
  const publicKey = asked(JSON.parse(options));
  const credential = await navigator.credentials[form.dataset.passkey]({ publicKey });
  form.elements.credential.value = JSON.stringify(answered(credential));
  form.submit();
}

// At an address instead of a name browsers have none.
const able = Boolean(window.PublicKeyCredential) && !/^[\d.]+$|:/.test(location.hostname);
for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.hidden = !able;
  // Before all others: the form is not on its way yet.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const failed = form.querySelector("[data-passkey-failed]");
    const button = form.querySelector("button");
    failed.hidden = true;
    button.disabled = true;
    send(form).catch(() => {
      button.disabled = false;
      failed.hidden = false;
    });
  });
}
for (const note of document.querySelectorAll("[data-without-passkeys]")) note.hidden = able;
for (const note of document.querySelectorAll("[data-with-passkeys]")) note.hidden = !able;
