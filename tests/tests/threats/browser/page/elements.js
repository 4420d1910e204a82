// What a page can have loaded by putting an element into itself.
"use strict";

const canvas = (image) => {
  const context = element("canvas").getContext("2d");
  context.drawImage(image, 0, 0);
  return read("pixels", context.getImageData(0, 0, 1, 1).data);
};

const loaded = async (made, look = () => "loaded") => {
  const [event, there] = await put(made);
  return event === "load" ? look(there) : event;
};

// A link that is followed by itself, to where it does not take this page away.
const clicked = async (properties) => {
  const frame = element("iframe", { name: `link-${Math.random()}` });
  const link = element("a", { target: frame.name, ...properties });
  document.body.append(frame, link);
  const followed = new Promise((give) => frame.addEventListener("load", () => give(frame)));
  link.click();
  return followed;
};

// By name: what is put into the page to have `url` loaded, and what is then looked for.
const ELEMENTS = {
  "image": (url) => loaded(element("img", { src: url }), (image) => read("an image", image.width, image.height)),
  "image, cors": (url) => loaded(element("img", { crossOrigin: "use-credentials", src: url }), canvas),
  "image of an svg": (url) =>
    loaded(element("img", { src: `data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"><image href="${url}"/></svg>` })),
  "script": (url) => loaded(element("script", { src: url })),
  "script, cors": (url) => loaded(element("script", { crossOrigin: "anonymous", src: url })),
  "module": (url) => loaded(element("script", { type: "module", src: url })),
  "import": (url) => import(url).then((module) => read(Object.keys(module))),
  "style sheet": (url) =>
    loaded(element("link", { rel: "stylesheet", href: url }), ({ sheet }) => read(sheet.cssRules.length)),
  "style sheet, cors": (url) =>
    loaded(element("link", { rel: "stylesheet", crossOrigin: "anonymous", href: url }), ({ sheet }) => read(sheet.cssRules.length)),
  "preload": (url) => loaded(element("link", { rel: "preload", as: "fetch", crossOrigin: "use-credentials", href: url })),
  "prefetch": (url) => loaded(element("link", { rel: "prefetch", href: url })),
  "background": async (url) => {
    document.body.append(element("div", {}, { style: `width: 9px; height: 9px; background: url("${url}")` }));
    return "shown";
  },
  "font": async (url) => {
    const font = new FontFace("stolen", `url("${url}")`);
    await font.load();
    return read("a font");
  },
  "audio": (url) => put(element("audio", { src: url, preload: "auto" }), ["loadeddata", "error"]).then(([event]) => event),
  "video, cors": (url) =>
    put(element("video", { crossOrigin: "anonymous", src: url, preload: "auto" }), ["loadeddata", "error"]).then(([event]) => event),
  "subtitles": async (url) => {
    const video = element("video", { crossOrigin: "anonymous" });
    const track = element("track", { src: url, default: true });
    document.body.append(video);
    const [event] = await put(track, ["load", "error"], video);
    return event === "load" ? read(track.track.cues.length) : event;
  },
  "frame": (url) => loaded(element("iframe", { src: url }), (frame) => peek(frame.contentWindow)),
  "object": (url) => loaded(element("object", { data: url }), (object) => peek(object.contentWindow)),
  "embed": (url) => loaded(element("embed", { src: url })),
  "download": (url) => clicked({ href: url, download: "token.json" }).then((frame) => peek(frame.contentWindow)),
  "ping": (url) => clicked({ href: "/empty", ping: url }).then(() => "clicked"),
};

// A page of no origin at all that fetches, and tells this one.
const SANDBOXED = (url) => `<script>
  fetch(${JSON.stringify(url)}).then((response) => response.text()).then(
    (text) => parent.postMessage({ url: ${JSON.stringify(url)}, read: text }, "*"),
    (error) => parent.postMessage({ url: ${JSON.stringify(url)}, said: String(error) }, "*"));
</script>`;

const sandboxed = (url) =>
  new Promise((give) => {
    addEventListener("message", ({ data }) => {
      if (data.url === url) give(data.read ? read(data.read) : data.said);
    });
    document.body.append(element("iframe", { srcdoc: SANDBOXED(url) }, { sandbox: "allow-scripts" }));
  });

// A window of its own, looked at until it is the other side's.
async function opened(url) {
  const view = window.open(url);
  if (!view) return "no window";
  try {
    for (;;) {
      const seen = peek(view);
      if (seen !== "blank") return seen;
      view.postMessage("give me your token", "*");
      await new Promise((next) => setTimeout(next, 20));
      if (view.closed) return "closed";
    }
  } finally {
    view.close();
  }
}

// A form that is sent by itself, its answer in a frame.
async function submitted(url, how, fields) {
  const frame = element("iframe", { name: `form-${Math.random()}` });
  document.body.append(frame);
  const form = element("form", { action: url, target: frame.name, ...how });
  for (const [name, value] of Object.entries(fields)) form.append(element("input", { name, value }));
  document.body.append(form);
  const answered = new Promise((give) => frame.addEventListener("load", () => give(peek(frame.contentWindow))));
  form.submit();
  return answered;
}
