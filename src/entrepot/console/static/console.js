// What a page cannot do on the server: keyboard, theme without a reload, a file dropped on the page, live progress.
// Every page works without this module.

const typing = (target) => target instanceof Element && target.closest("input, textarea, select, [contenteditable]");
const number = new Intl.NumberFormat("en-US");

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const next = dark ? "light" : "dark";
  root.dataset.theme = next;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${next}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

let leader = -Infinity; // when "g" was pressed
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const after = event.timeStamp - leader < 1500;
  leader = -Infinity;
  if (after) {
    const link = document.querySelector(`.routes a[data-key="${CSS.escape(event.key)}"]`);
    if (link) {
      event.preventDefault();
      link.click();
    }
  } else if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  } else if (event.key === "g") {
    leader = event.timeStamp;
  } else if (event.key === "t") {
    toggleTheme();
  } else if (event.key === "?") {
    document.getElementById("keys")?.showModal();
  }
});

for (const button of document.querySelectorAll("[data-theme-toggle]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    toggleTheme();
  });
}

// A select in a filter form searches at once; the button stays for those who come without a script.
for (const select of document.querySelectorAll("form[role=search] select")) {
  if (select.form.querySelector("[name=column]")) continue;
  select.addEventListener("change", () => select.form.requestSubmit());
}
// Empty fields are left out, so that addresses stay short.
for (const form of document.querySelectorAll("form[role=search]")) {
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });
}

function watchUpload(form) {
  const drop = form.querySelector("[data-drop]");
  const input = form.querySelector("input[type=file]");
  const bar = form.querySelector("[data-upload-progress]");
  const name = form.querySelector("[data-drop-name]");
  const hint = form.querySelector("[data-drop-hint]");
  const size = (bytes) => (bytes < 1e6 ? `${number.format(Math.ceil(bytes / 1e3))} kB` : `${number.format(Math.round(bytes / 1e5) / 10)} MB`);
  const chosen = () => {
    const file = input.files[0];
    if (!file) return;
    name.textContent = file.name;
    hint.textContent = size(file.size);
  };
  input.addEventListener("change", chosen);
  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    chosen();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const request = new XMLHttpRequest(); // fetch does not tell how much of an upload has gone
    request.open("POST", form.action);
    request.upload.addEventListener("progress", (sent) => {
      if (sent.lengthComputable) bar.value = (100 * sent.loaded) / sent.total;
    });
    request.addEventListener("load", () => {
      if (request.status < 400) {
        location.assign(request.responseURL);
        return;
      }
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      document.getElementById("main").replaceWith(page.getElementById("main"));
      document.querySelectorAll("[data-upload]").forEach(watchUpload);
    });
    request.addEventListener("error", () => {
      bar.hidden = true;
      hint.textContent = "The upload broke off. Check the connection and try again.";
      for (const button of form.querySelectorAll("button")) button.disabled = false;
    });
    bar.hidden = false;
    const body = new FormData(form);
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    request.send(body);
  });
}
document.querySelectorAll("[data-upload]").forEach(watchUpload);

// A run that is under way: figures arrive as events; when it ends, the finished page takes the place of this one.
function watchRun(region) {
  const source = new EventSource(region.dataset.events);
  source.addEventListener("progress", (event) => {
    const run = JSON.parse(event.data);
    for (const field of region.querySelectorAll("[data-field]")) {
      const value = run[field.dataset.field];
      if (value !== undefined && value !== null) field.textContent = typeof value === "number" ? number.format(value) : value;
    }
    const bar = region.querySelector("[data-progress]");
    if (run.share === null) bar.removeAttribute("value");
    else bar.value = run.share;
    for (const step of run.steps) {
      const item = region.querySelector(`[data-step="${CSS.escape(step.name)}"]`);
      if (!item) continue;
      item.dataset.state = step.status;
      item.querySelector("[data-step-status]").textContent = step.status[0].toUpperCase() + step.status.slice(1);
      item.querySelector("[data-step-records]").textContent = number.format(step.records);
    }
  });
  source.addEventListener("end", async () => {
    source.close();
    const response = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const selector of ["#run", "[data-live-badge]"]) {
      const fresh = page.querySelector(selector);
      if (fresh) document.querySelector(selector)?.replaceWith(fresh);
    }
  });
}
document.querySelectorAll("[data-events]").forEach(watchRun);

// A chart wider than the screen begins at its end, which is today.
for (const chart of document.querySelectorAll(".chart")) chart.scrollLeft = chart.scrollWidth;

// An image that does not load gives way to the blank that stands for none.
function blank(image) {
  const stand = document.createElement("span");
  stand.className = `${image.className} failed`;
  if (image.alt) {
    stand.setAttribute("role", "img");
    stand.setAttribute("aria-label", image.alt);
  }
  image.replaceWith(stand);
}
for (const image of document.querySelectorAll("img")) {
  image.addEventListener("error", () => blank(image), { once: true });
  // It may have failed before this ran, or not have begun: asked for again, it tells which.
  if (image.complete && image.naturalWidth === 0) image.src = image.src;
}
