// The reference of the REST API, in the theme that was chosen for the console.
"use strict";
(() => {
  const root = document.documentElement;
  const show = () => root.classList.toggle("dark-mode", root.dataset.bsTheme === "dark");
  show();
  new MutationObserver(show).observe(root, { attributes: true, attributeFilter: ["data-bs-theme"] });
  const token = document.querySelector("meta[name=csrf-token]").content;
  SwaggerUIBundle({
    url: document.getElementById("reference").dataset.url,
    dom_id: "#reference",
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    deepLinking: true,
    docExpansion: "none",
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    // Whoever is signed in at the console tries requests with his session; to no other host goes its token.
    requestInterceptor: (request) => {
      const here = new URL(request.url, location.href).origin === location.origin;
      if (here && request.method && request.method !== "GET") request.headers["X-CSRFToken"] = token;
      return request;
    },
  });
})();
