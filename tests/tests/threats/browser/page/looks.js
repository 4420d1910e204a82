// Every way that a page has to ask another origin for something, and what it then can read.
"use strict";

const FETCHES = (bearer) => ({
  "fetch": {},
  "fetch, credentials": { credentials: "include" },
  "fetch, bearer": { headers: { authorization: bearer } },
  "fetch, bearer and credentials": { headers: { authorization: bearer }, credentials: "include" },
  "fetch, header of our own": { headers: { "x-airbyte-tokend": "1" } },
  "fetch, plain text": { headers: { accept: "text/plain" } },
  "fetch, no referrer": { referrerPolicy: "no-referrer" },
  "fetch, whole referrer": { referrerPolicy: "unsafe-url" },
  "fetch, no redirect": { redirect: "manual" },
  "fetch, to loopback": { targetAddressSpace: "loopback" },
  "fetch, kept alive": { keepalive: true },
  "fetch, from the cache": { cache: "force-cache" },
  "fetch no-cors": { mode: "no-cors" },
  "fetch no-cors, credentials": { mode: "no-cors", credentials: "include", keepalive: true },
  "fetch no-cors, bearer": { mode: "no-cors", headers: { authorization: bearer } },
  "fetch no-cors, no referrer": { mode: "no-cors", referrerPolicy: "no-referrer" },
  "fetch same-origin": { mode: "same-origin" },
  "head": { method: "HEAD" },
  "head no-cors": { mode: "no-cors", method: "HEAD" },
  "options": { method: "OPTIONS" },
});

const OTHERS = (bearer) => ({
  "XMLHttpRequest": (url) => asked("GET", url),
  "XMLHttpRequest, credentials": (url) => asked("GET", url, { withCredentials: true }),
  "XMLHttpRequest, bearer": (url) => asked("GET", url, { headers: { authorization: bearer } }),
  "sandboxed frame": sandboxed,
  "worker": (url) => worked(WORKER_FETCH(url)),
  "worker, import": (url) => worked(WORKER_IMPORT(url)),
  "worker of theirs": (url) =>
    new Promise((give) => (new Worker(url).onerror = () => give("error"))),
  "service worker": async (url) => {
    const registration = await navigator.serviceWorker.register(url);
    return read(registration.scope);
  },
  "event source": (url) => streamed(url, { withCredentials: true }),
  "WebSocket": (url) => talked(url.replace("http:", "ws:")),
  "WebTransport": async (url) => {
    const transport = new WebTransport(url.replace("http:", "https:"));
    await transport.ready;
    return read("a WebTransport is ready");
  },
  "beacon": (url) => Promise.resolve(String(navigator.sendBeacon(url, "x"))),
  "form": (url) => submitted(url, { method: "GET" }, {}),
  "window": opened,
  "window, who asks": (url, { id, secret }) => opened(url.replace("://", `://${id}:${secret}@`)),
});

// All at once for one target: each waits for its own end.
async function look(target, plan) {
  const url = `${target}/v1/token`;
  const fetches = Object.entries(FETCHES(`Bearer ${plan.secret}`)).map(([name, how]) =>
    attempt(name, target, () => fetched(url, how)));
  const all = { ...ELEMENTS, ...OTHERS(`Bearer ${plan.secret}`) };
  const others = Object.entries(all).map(([name, work]) => attempt(name, target, () => work(url, plan)));
  const measure = attempt("what was measured", target, () => measured(target, fetches, others));
  return Promise.all([...fetches, ...others, measure]);
}

// What the browser tells of all that was loaded.
async function measured(target, ...attempts) {
  await Promise.all(attempts.flat());
  const told = performance.getEntriesByType("resource").filter(({ name }) => name.startsWith(target));
  const known = told.filter((entry) => entry.responseStatus || entry.transferSize || entry.decodedBodySize);
  if (known.length > 0) return read(JSON.stringify(known));
  return `${told.length} were loaded`;
}
