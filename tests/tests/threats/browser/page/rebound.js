// The page whose name was rebound: it is of the same origin as whoever serves that name by now.
"use strict";

const LOOKS = (bearer) => ({
  "fetch": (url) => fetched(url),
  "fetch, bearer": (url) => fetched(url, { headers: { authorization: bearer } }),
  "fetch, header of our own": (url) => fetched(url, { headers: { authorization: bearer, "x-airbyte-tokend": "1" } }),
  "fetch no-cors": (url) => fetched(url, { mode: "no-cors" }),
  "fetch same-origin": (url) => fetched(url, { mode: "same-origin", credentials: "include" }),
  "XMLHttpRequest": (url) => asked("GET", url, { headers: { authorization: bearer } }),
  "worker": (url) => worked(WORKER_FETCH(url)),
  "frame": (url) => put(element("iframe", { src: url })).then(([, frame]) => peek(frame.contentWindow)),
  "image": (url) => put(element("img", { src: url })).then(([event]) => event),
  "event source": (url) => streamed(url),
  "WebSocket": (url) => talked(url.replace("http:", "ws:")),
});

const STEPS = {
  look: ({ secret }) => {
    const url = `${location.origin}/v1/token`;
    const looks = Object.entries(LOOKS(`Bearer ${secret}`));
    return Promise.all(looks.map(([name, work]) => attempt(name, location.origin, () => work(url))));
  },
  change: async ({ routes, secret }) => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${secret}` };
    const found = [];
    for (const { method, path, body } of routes) {
      const work = () => fetched(location.origin + path, { method, headers, body });
      found.push(await attempt(`${method} ${path}`, location.origin, work));
    }
    return found;
  },
};

addEventListener("message", async ({ data: { step, plan }, source }) =>
  source.postMessage({ step, found: await STEPS[step](plan) }, "*"));
