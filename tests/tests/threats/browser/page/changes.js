// Every way that a page has to have another origin do something.
"use strict";

const SIMPLE = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

// A form whose body, as plain text, is this JSON and nothing else but an `=`.
const smuggled = (body) => {
  const [before, after] = [body.slice(0, -1), body.slice(-1)];
  return { [`${before}, "ignored": "`]: `"${after}` };
};

const WAYS = ({ method, body }, bearer) => ({
  ...Object.fromEntries(SIMPLE.map((enctype) =>
    [`form ${enctype}`, (url) => submitted(url, { method: "POST", enctype }, smuggled(body))])),
  "post no-cors": (url) => fetched(url, { method: "POST", mode: "no-cors", body }),
  "post no-cors, credentials": (url) =>
    fetched(url, { method: "POST", mode: "no-cors", credentials: "include", keepalive: true, body }),
  "post": (url) => fetched(url, { method: "POST", headers: { "content-type": "text/plain" }, body }),
  "post without a body": (url) => fetched(url, { method: "POST", mode: "no-cors" }),
  "json": (url) => fetched(url, { method, headers: { "content-type": "application/json" }, body }),
  "json, bearer": (url) =>
    fetched(url, { method, headers: { "content-type": "application/json", authorization: bearer }, body }),
  "XMLHttpRequest": (url) => asked(method, url, { headers: { "content-type": "application/json" }, body }),
  "beacon": (url) => Promise.resolve(String(navigator.sendBeacon(url, new Blob([body], { type: "text/plain" })))),
  "beacon, json": (url) =>
    Promise.resolve(String(navigator.sendBeacon(url, new Blob([body], { type: "application/json" })))),
  "report of a policy": (url) =>
    put(element("iframe", { src: `/policy?report-to=${encodeURIComponent(url)}` }), ["load"]).then(() => "reported"),
});

// What is enough where the others were tried on another route already.
const FEW = ["form text/plain", "post no-cors", "json, bearer"];

async function change(target, plan) {
  const attempts = plan.routes.flatMap((route, index) => {
    const ways = Object.entries(WAYS(route, `Bearer ${plan.secret}`)).filter(([name]) => index === 0 || FEW.includes(name));
    return ways.map(([name, work]) =>
      attempt(`${name}, ${route.method} ${route.path}`, target, () => work(target + route.path)));
  });
  return Promise.all(attempts);
}
