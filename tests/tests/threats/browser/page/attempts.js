// What every page of the attacker's has: attempts, and a report of what each of them could read.
"use strict";

// An attempt that nobody answers is given up; none should need to be, but a machine may be busy.
const PATIENCE = 20000;

class Read extends Error {}
// To be thrown, or given to `outcome`, by an attempt that got hold of anything of the other side.
const read = (...what) => new Read(what.join(" "));

const within = (promise, limit = PATIENCE) =>
  Promise.race([promise, new Promise((give) => setTimeout(give, limit, "nothing happened"))]);

// Makes one attempt: `work` gives what is to be said of it, or a `Read`.
async function attempt(name, target, work) {
  const began = performance.now();
  let outcome;
  try {
    outcome = await within(work());
  } catch (error) {
    outcome = error;
  }
  const took = Math.round(performance.now() - began);
  const known = outcome instanceof Read ? outcome.message : null;
  return { name, target, read: known, said: known === null ? String(outcome) : "read", took };
}

// What a page may know of a response.
async function tell(response) {
  if (response.type.startsWith("opaque")) return response.type;
  return read(response.status, [...response.headers].join("; "), await response.text());
}

const fetched = async (url, how) => tell(await fetch(url, { cache: "no-store", ...how }));

// An XMLHttpRequest.
const asked = (method, url, { headers = {}, body, withCredentials = false } = {}) =>
  new Promise((give) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.withCredentials = withCredentials;
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.onerror = () => give("error");
    request.onload = () => give(read(request.status, request.getAllResponseHeaders(), request.responseText));
    request.send(body);
  });

// The first of these events at an element that is put into the page.
const put = (element, events = ["load", "error"], place = document.body) =>
  new Promise((give) => {
    for (const event of events) element.addEventListener(event, () => give([event, element]));
    place.append(element);
  });

function element(name, properties = {}, attributes = {}) {
  const made = Object.assign(document.createElement(name), properties);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

// What can be read of a window or frame.
function peek(view) {
  try {
    const text = view.document.body.innerText;
    return view.location.href === "about:blank" ? "blank" : read(view.location.href, text);
  } catch (error) {
    return error.name;
  }
}

// What a Worker of our own finds: it runs `script`, which posts one message.
const worked = (script) =>
  new Promise((give) => {
    const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
    worker.onmessage = ({ data }) => give(data.read ? read(data.read) : data.said);
    worker.onerror = (event) => give(`error ${event.message}`);
  });

const WORKER_FETCH = (url) => `
  fetch(${JSON.stringify(url)}).then((response) => response.text()).then(
    (text) => postMessage({ read: text }),
    (error) => postMessage({ said: String(error) }));`;

const WORKER_IMPORT = (url) => `
  try { importScripts(${JSON.stringify(url)}); postMessage({ said: "imported" }); }
  catch (error) { postMessage({ said: String(error) }); }`;

const streamed = (url, how) =>
  new Promise((give) => {
    const source = new EventSource(url, how);
    source.onmessage = ({ data }) => give(read(data));
    source.onopen = () => give("open");
    source.onerror = () => (source.close(), give("error"));
  });

const talked = (url) =>
  new Promise((give) => {
    const socket = new WebSocket(url, ["airbyte"]);
    socket.onopen = () => give(read("a WebSocket is open"));
    socket.onmessage = ({ data }) => give(read(data));
    socket.onerror = () => give("error");
  });
