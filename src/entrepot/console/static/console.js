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

// A world that goes on: its clock arrives as events, figures and charts are fetched anew while it moves.
function watchWorld(region) {
  const source = new EventSource(region.dataset.world);
  let shown = null;
  let busy = false;
  const fetched = async () => {
    const response = await fetch(location.href, { headers: { Accept: "text/html" } });
    return response.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
  };
  async function refresh(clock) {
    if (busy || clock === shown) return;
    busy = true;
    shown = clock;
    try {
      const page = await fetched();
      const fresh = page ? [...page.querySelectorAll("#run [data-fresh]")] : [];
      // The first facts bring the charts: then the whole region is new.
      if (fresh.length && !region.querySelector("[data-fresh]")) region.replaceChildren(...page.querySelector("#run").childNodes);
      for (const part of fresh) {
        const old = document.getElementById(part.id);
        if (!old || old === part || old.contains(document.activeElement)) continue;
        const details = old.querySelector("details");
        if (details?.open) part.querySelector("details").open = true;
        old.replaceWith(part);
      }
    } catch { /* the next event tries again */ } finally {
      setTimeout(() => { busy = false; }, 900);
    }
  }
  source.addEventListener("progress", (event) => {
    const run = JSON.parse(event.data);
    for (const field of region.querySelectorAll("[data-field]")) {
      const value = run[field.dataset.field];
      if (value === undefined || value === null) continue;
      const text = typeof value === "number" ? number.format(value) : value;
      if (field.textContent !== text) field.textContent = text;
    }
    const bar = region.querySelector("[data-progress]");
    if (bar) bar.value = run.share;
    const clock = region.querySelector("[data-clock]");
    if (clock && run.clock) clock.textContent = run.clock.slice(0, 16).replace("T", " ");
    const badge = document.querySelector("[data-live-badge] .badge");
    if (badge && run.status === "running" && badge.textContent === "Waiting") {
      badge.textContent = "Running";
      badge.classList.add("busy");
    }
    refresh(run.clock ?? run.message);
  });
  source.addEventListener("end", async () => {
    source.close();
    const page = await fetched().catch(() => null);
    document.querySelector("[data-live-stop]")?.remove();
    for (const selector of ["#run", "[data-live-badge]"]) {
      const fresh = page?.querySelector(selector);
      if (fresh) document.querySelector(selector)?.replaceWith(fresh);
    }
  });
}
document.querySelectorAll("[data-world]").forEach(watchWorld);

// The editor of a rule: checked while it is typed, tried without leaving the page, and kept from being lost.
function watchEditor(form) {
  const text = form.querySelector("#document");
  const example = form.querySelector("#example");
  const gutter = form.querySelector("[data-gutter]");
  const verdict = form.querySelector("[data-verdict]");
  const title = form.querySelector("[data-findings-title]");
  const findings = form.querySelector("[data-findings]");
  const tried = form.querySelector("[data-tried]");
  const place = `draft:${location.pathname}`;
  const begun = text.defaultValue;
  let dirty = "dirty" in form.dataset;
  let asked = 0;
  let timer = 0;

  const kept = {
    read: () => { try { return sessionStorage.getItem(place); } catch { return null; } },
    write: (value) => { try { sessionStorage.setItem(place, value); } catch { /* no room, or not allowed: nothing is kept */ } },
    drop: () => { try { sessionStorage.removeItem(place); } catch { /* nothing was kept */ } },
  };
  function number() {
    const wrong = new Set([...findings.querySelectorAll("[data-line]")].map((link) => link.dataset.line));
    const lines = text.value.split("\n").length;
    text.rows = Math.max(lines + 1, 12);
    gutter.replaceChildren(...Array.from({ length: lines }, (_, index) => {
      const line = document.createElement("span");
      line.textContent = index + 1;
      if (wrong.has(String(index + 1))) line.className = "wrong";
      return line;
    }));
  }
  function show(answer, wish) {
    const part = (name) => answer.querySelector(`[data-part="${name}"]`);
    if (!part("findings")) return false;
    findings.replaceChildren(...part("findings").childNodes);
    if (verdict.textContent !== part("verdict").textContent) verdict.textContent = part("verdict").textContent;
    verdict.className = part("verdict").className;
    const count = Number(findings.querySelector("[data-found]").dataset.found);
    title.textContent = count ? "Problems" : "In words";
    if (count) text.setAttribute("aria-invalid", "true");
    else text.removeAttribute("aria-invalid");
    if (wish !== "check") {
      tried.replaceChildren(...part("tried").childNodes);
      // The whole answer would be read aloud for minutes; its first sentence says what came of it.
      const first = tried.querySelector("li, p");
      form.querySelector("[data-tried-said]").textContent = wish === "try" && first ? `Tried: ${first.textContent}` : "";
    }
    if (wish === "example" && part("example")) example.value = part("example").value;
    number();
    return true;
  }
  async function ask(wish) {
    clearTimeout(timer);
    const mine = ++asked;
    const body = new URLSearchParams(new FormData(form));
    body.set("do", wish);
    body.set("part", "yes");
    findings.classList.add("waiting-check");
    try {
      const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
      if (mine !== asked) return;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (mine !== asked) return;
      if (!response.ok || response.redirected || !show(page, wish)) {
        verdict.className = "badge warn";
        verdict.textContent = response.redirected || response.status === 401 || response.status === 403
          ? "Not checked: sign in again in another tab. What you typed stays here."
          : "Not checked: the server gave no answer to this.";
      }
    } catch {
      if (mine !== asked) return;
      verdict.className = "badge warn";
      verdict.textContent = "Not checked: the server cannot be reached. What you typed stays here.";
    } finally {
      if (mine === asked) findings.classList.remove("waiting-check");
    }
  }
  text.addEventListener("input", () => {
    dirty = text.value !== begun || "dirty" in form.dataset;
    if (dirty) kept.write(text.value);
    else kept.drop();
    number();
    clearTimeout(timer);
    timer = setTimeout(() => ask("check"), 350);
  });
  example.addEventListener("input", () => { dirty = true; });
  // A new line begins where the one before it did, or a step further in below a key.
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.isComposing) return;
    const before = text.value.slice(text.value.lastIndexOf("\n", text.selectionStart - 1) + 1, text.selectionStart);
    const indent = before.match(/^ */)[0] + (/:\s*$/.test(before) ? "  " : "");
    if (!indent) return;
    event.preventDefault();
    document.execCommand("insertText", false, `\n${indent}`); // the only way that undo knows of
  });
  form.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    if (event.key === "s") {
      event.preventDefault();
      form.requestSubmit(form.querySelector("[name=do][value=save]"));
    } else if (event.key === "Enter") {
      event.preventDefault();
      ask("try");
    }
  });
  form.addEventListener("click", (event) => {
    const link = event.target.closest("[data-line]");
    if (!link) return;
    event.preventDefault();
    const lines = text.value.split("\n");
    const line = Math.min(Number(link.dataset.line), lines.length);
    const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    text.focus({ preventScroll: true });
    text.setSelectionRange(start, start + lines[line - 1].length);
    gutter.children[line - 1]?.scrollIntoView({ block: "center" });
  });
  form.addEventListener("submit", (event) => {
    const wish = event.submitter?.value;
    if (wish === "check" || wish === "try" || wish === "example") {
      event.preventDefault();
      ask(wish);
      return;
    }
    dirty = false; // what is kept is dropped by the page that a saved draft leads to
  });
  addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });

  const last = kept.read();
  const offer = form.querySelector("[data-restore]");
  if (last !== null && last !== text.value && !("dirty" in form.dataset)) {
    offer.hidden = false;
    offer.querySelector("[data-restore-yes]").addEventListener("click", () => {
      offer.hidden = true;
      text.value = last;
      text.dispatchEvent(new Event("input"));
      text.focus();
    });
    offer.querySelector("[data-restore-no]").addEventListener("click", () => {
      offer.hidden = true;
      kept.drop();
    });
  }
  form.querySelector("[data-scripted]").hidden = false;
  number();
}
document.querySelectorAll("[data-editor]").forEach(watchEditor);
// A draft that is saved needs no copy in the browser.
for (const saved of document.querySelectorAll("[data-saved]")) {
  for (const place of saved.dataset.saved.split(" ")) {
    try { sessionStorage.removeItem(`draft:${place}`); } catch { /* nothing was kept */ }
  }
}

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

// A scanner is faster than a page: while one scan is on its way the field takes the next, so that none is lost.
function watchScanner(main) {
  const scans = [];
  let busy = false;
  const field = () => main.querySelector("[data-scanner] [name=barcode]");
  const say = (words) => {
    const said = document.createElement("p");
    said.className = "heard bad";
    said.setAttribute("role", "alert");
    said.textContent = words;
    main.querySelector("[data-scanner] .heard")?.remove();
    main.querySelector("[data-scanner]").prepend(said);
  };
  async function send() {
    if (busy) return;
    busy = true;
    try {
      while (scans.length && field()) {
        const body = new URLSearchParams(new FormData(field().form));
        body.set("barcode", scans[0]);
        const response = await fetch(field().form.action, { method: "POST", body, headers: { Accept: "text/html" } });
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        if (!page.querySelector("[data-scanner]")) throw new Error("it is no packing station");
        scans.shift();
        const typed = field().value;
        main.replaceChildren(...page.querySelector("main").childNodes);
        const next = main.querySelector(".scanner input[type=text]");
        if (next) {
          next.value = typed;
          next.focus();
        }
      }
      // The parcel is packed, so what was scanned since is the next one.
      const parcel = main.querySelector("[data-scanner] [name=parcel]");
      if (scans.length && parcel) {
        parcel.value = scans.shift();
        parcel.form.requestSubmit();
      }
    } catch {
      say(`Not taken: ${scans.splice(0).join(", ")}. The server gave no answer, or you are signed out. Load the page again, then scan again.`);
    } finally {
      busy = false;
    }
  }
  main.addEventListener("submit", (event) => {
    if (event.target !== field()?.form) return;
    event.preventDefault();
    const barcode = field().value.trim();
    field().value = "";
    if (barcode) scans.push(barcode);
    send();
  });
}
if (document.querySelector("[data-scanner]")) watchScanner(document.querySelector("main"));
