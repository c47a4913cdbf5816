// What several pages do in the browser. A page says what it wants by attributes; it has no script of its own.
//
//   data-live="URL"      listens to server-sent events from URL; each event's name is the id of an element, its data the HTML
//                        that the element (data-live-part) has from now on. Where the connection is cut off, #cut-off says
//                        so. The innermost URL of a page holds. The event `go` names a page of somebody who calls.
//   data-go              a page that goes there by itself, as long as nothing is typed in it.
//   data-since="TIME"    counts up since that time (RFC 3339): 0:07, 1:02:07; data-until="TIME" counts down, and on.
//   data-key="k"         a link or button that the key k presses, a field that it goes to, a recording that it plays or halts, where nobody is typing; `?` lists them all.
//   data-own-address     an input whose path becomes a whole address of this console.
//
// Forms and links go by htmx (hx-boost). A form that finds its session over opens #sign-in-again and is sent again after it.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const all = (selector, within = document) => within.querySelectorAll(selector);

  // Faults of forms, told by the header HX-Trigger, and servers that can't be reached.
  function tell(title, detail) {
    const told = $("told");
    if (!told) return;
    const line = document.createElement("div");
    const text = document.createElement("span");
    const strong = document.createElement("strong");
    strong.textContent = title;
    text.append(strong, detail ? " " + detail : "");
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = told.dataset.close;
    close.addEventListener("click", () => line.remove());
    line.append(text, close);
    told.replaceChildren(line);
  }
  const zh = () => document.documentElement.lang.startsWith("zh");
  document.addEventListener("fault", (event) => tell(event.detail.title, event.detail.detail));
  // The version that a record has now, for every form of that record.
  document.addEventListener("seen", (event) => {
    const of = (form) => form?.elements.ticket?.value, sent = of(event.target.closest?.("form"));
    for (const e of all("input[name=seen]")) if (of(e.form) === sent) e.value = event.detail.version;
  });

  // What is typed in the other forms of a page stays when one of them is sent and the page comes anew.
  const fieldsOf = (form) => [...form.elements].filter((e) => e.name && !["hidden", "file", "password", "submit", "button"].includes(e.type));
  function isChanged(e) {
    if (e.type === "checkbox" || e.type === "radio") return e.checked !== e.defaultChecked;
    if (e.tagName !== "SELECT") return e.value !== e.defaultValue;
    const chosen = [...e.options].findIndex((option) => option.defaultSelected);
    return e.selectedIndex !== Math.max(chosen, 0);
  }
  const formKey = (form) => [form.getAttribute("action"), ...["to", "ticket"].map((name) => form.querySelector(`input[type=hidden][name=${name}]`)?.value)].join(" ");
  const fieldKey = (e) => [e.name, e.type === "radio" || e.type === "checkbox" ? e.value : ""].join(" ");
  let typed = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { requestConfig, shouldSwap, xhr } = event.detail;
    typed = null;
    if (!shouldSwap || xhr.status >= 400 || requestConfig.verb === "get") return;
    typed = { path: location.pathname, fields: new Map() };
    for (const form of all("main form[action]")) {
      if (form === requestConfig.elt) continue;
      for (const e of fieldsOf(form)) if (isChanged(e)) typed.fields.set(`${formKey(form)} ${fieldKey(e)}`, e.matches("[type=checkbox], [type=radio]") ? e.checked : e.value);
    }
  });
  document.addEventListener("htmx:afterSettle", () => {
    const before = typed;
    typed = null;
    if (!before || before.path !== location.pathname || before.fields.size === 0) return;
    for (const form of all("main form[action]")) {
      for (const e of fieldsOf(form)) {
        const value = before.fields.get(`${formKey(form)} ${fieldKey(e)}`);
        if (value === undefined) continue;
        typeof value === "boolean" ? (e.checked = value) : (e.value = value);
        const folded = e.closest("details");
        if (folded) folded.open = true;
      }
    }
  });
  document.addEventListener("htmx:sendError", () => zh()
    ? tell("连不上前台服务。", "您输入的内容还在，请稍后再试。")
    : tell("The desk can't be reached.", "What you typed is still there: try again in a moment."));
  document.addEventListener("htmx:timeout", () => zh() ? tell("等得太久。", "请再试一次。") : tell("It took too long.", "Try again."));
  // What was told is of before; parts that look again by themselves change nothing of it.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.requestConfig.verb === "get") return;
    for (const e of all(".said")) e.remove();
    $("told")?.replaceChildren();
  });

  // What stands between the desk and the browser, or a desk that is away, answers with no page of ours: the one that is
  // there stays, with what is typed in it.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    const isOurs = xhr.getResponseHeader("Content-Security-Policy") && (xhr.getResponseHeader("Content-Type") ?? "").startsWith("text/html");
    if (xhr.status < 400 || xhr.status === 401 || isOurs || xhr.getResponseHeader("HX-Trigger")) return;
    event.detail.shouldSwap = false;
    zh() ? tell("暂时不可用。", "您输入的内容还在，请稍后再试。") : tell("Away for a moment.", "What you typed is still there: try again.");
  });

  // A session that is over in the midst of a form: sign in, then send it again.
  let waiting = null;
  let awaited = null;
  function askToSignIn() {
    const dialog = $("sign-in-again");
    if (dialog && !dialog.open) dialog.showModal();
  }
  function carry(token) { document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRF-Token": token })); }
  // Once more, by the same button.
  function again({ elt, button }) {
    if (!elt.isConnected) return;
    elt.tagName === "FORM" ? elt.requestSubmit(button?.isConnected ? button : undefined) : elt.click();
  }
  document.addEventListener("htmx:responseError", (event) => {
    const { xhr, requestConfig } = event.detail;
    const asked = { elt: requestConfig.elt, button: requestConfig.triggeringEvent?.submitter };
    if (xhr.status === 401) {
      // A part that looks again by itself is not what somebody waits for.
      if (!waiting || requestConfig.verb !== "get") waiting = asked;
      askToSignIn();
      return;
    }
    // They have signed in again in another window meanwhile.
    const token = xhr.getResponseHeader("X-CSRF-Token"), mine = xhr.getResponseHeader("X-CSRF-Of") === document.body.dataset.user;
    if (!token || !mine || document.body.getAttribute("hx-headers").includes(token)) return;
    carry(token);
    $("told")?.replaceChildren();
    again(asked);
  });
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-sign-in-again]")) return;
    event.preventDefault();
    const fields = new URLSearchParams(new FormData(form));
    if (awaited) fields.set("form", awaited);
    const wrong = form.querySelector(".wrong");
    const answer = await fetch(awaited ? "/sign-in/code" : "/sign-in", { method: "POST", body: fields, headers: { "X-In-Place": "1" } }).catch(() => null);
    if (!answer) { wrong.textContent = zh() ? "连不上前台服务。" : "The desk can't be reached."; return; }
    const text = await answer.text();
    if (answer.status === 202) {
      awaited = text;
      form.querySelector("[data-code]").hidden = false;
      form.elements.code.focus();
      return;
    }
    if (!answer.ok) { wrong.textContent = text; awaited = null; form.querySelector("[data-code]").hidden = true; form.elements.code.value = ""; return; }
    awaited = null;
    wrong.textContent = "";
    form.reset();
    carry(text);
    $("sign-in-again").close();
    const asked = waiting;
    waiting = null;
    if (asked) again(asked);
    restart();
  });

  // Times that count.
  function span(ms) {
    const s = Math.max(0, Math.floor(ms / 1000)), two = (n) => String(n).padStart(2, "0");
    const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
    return h >= 100 ? Math.floor(h / 24) + (zh() ? " 天" : " d") : h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
  }
  function count() {
    for (const e of all("[data-since]")) set(e, span(Date.now() - Date.parse(e.dataset.since)));
    for (const e of all("[data-until]")) {
      const left = Date.parse(e.dataset.until) - Date.now();
      set(e, (left < 0 ? "+" : "") + span(Math.abs(left)));
      e.classList.toggle("over", left < 0);
    }
  }
  const set = (e, text) => { if (e.textContent !== text) e.textContent = text; };
  setInterval(count, 500);

  // Live parts.
  let source = null, url = null;
  function listen() {
    // The innermost one holds.
    const wanted = [...all("[data-live]")].at(-1)?.dataset.live ?? null;
    if (wanted === url && source && source.readyState !== EventSource.CLOSED) return;
    source?.close();
    source = null;
    url = wanted;
    cutOff(false);
    if (!url) return;
    source = new EventSource(url);
    source.onopen = () => { if (!$("cut-off")?.hidden) back(); cutOff(false); };
    source.onerror = () => {
      cutOff(true);
      // A server that says no ends it for good, as one does that is over; a page that is looked at tries on.
      if (source?.readyState === EventSource.CLOSED) setTimeout(goOn, 3000);
    };
    for (const e of all("[data-live-part]")) {
      source.addEventListener(e.id, (event) => {
        const part = $(e.id);
        if (!part) return;
        Idiomorph.morph(part, event.data, { morphStyle: "innerHTML", ignoreActiveValue: true });
        htmx.process(part);
        count();
        if (e.id === "pop") ring();
      });
    }
    source.addEventListener("go", (event) => {
      // Whoever calls is shown before anybody says hello, but nothing that is being typed is lost for it.
      const open = document.querySelector("dialog[open]"), path = event.data;
      if (!path.startsWith("/pop/") || gone().includes(path)) return;
      if (!document.querySelector("[data-go]") || open || isTyped()) return;
      went(path);
      location.assign(path);
    });
  }
  // Whose pages this window has been at: whoever leaves one is not taken back there.
  const gone = () => (sessionStorage.getItem("gone") ?? "").split(" ");
  const went = (path) => { if (!gone().includes(path)) sessionStorage.setItem("gone", [...gone().slice(-30), path].join(" ")); };
  // Where the session is over, somebody has to sign in; else it tries again.
  async function goOn() {
    const answer = await fetch("/account", { method: "HEAD", headers: { "HX-Request": "true" } }).catch(() => null);
    if (answer?.status !== 401) { restart(); return; }
    cutOff(false);
    askToSignIn();
  }
  function restart() { source?.close(); source = null; listen(); }
  function isTyped() {
    return [...all("main form")].some((form) => fieldsOf(form).some(isChanged)) || document.activeElement?.matches("main select");
  }
  function back() {
    const e = $("back");
    if (!e) return;
    e.textContent = `${e.dataset.text} ${new Date().toLocaleTimeString()}`;
    e.hidden = false;
    setTimeout(() => { e.hidden = true; }, 8000);
  }
  // A browser keeps six connections to a server: tabs that nobody looks at give theirs back after a while.
  let away = null;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(away);
    // Whoever waits for callers is told of them wherever they look.
    if (document.hidden && $("pop") && document.body.dataset.live) return;
    if (document.hidden) away = setTimeout(() => { source?.close(); source = null; url = null; }, 60000);
    else if (!source) listen();
  });
  // A caller is seen in the window's title too.
  function ring() {
    const title = document.title.replace(/^☎ /, "");
    document.title = $("pop")?.firstElementChild ? `☎ ${title}` : title;
  }
  function cutOff(is) { const e = $("cut-off"); if (e) e.hidden = !is; }

  // Keys.
  const typing = (e) => e.closest?.("input, textarea, select, [contenteditable], dialog[open]");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.key === "Enter" && event.target.form) {
      // As Enter in a field does: by the form's first button.
      event.preventDefault();
      const button = event.target.form.querySelector("button:not([type=button])");
      if (!button?.disabled) event.target.form.requestSubmit(button);
      return;
    }
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (event.key === "Escape" && event.target.matches?.("input, textarea, select")) { event.target.blur(); return; }
    if (typing(event.target)) return;
    if (event.key === "?") { event.preventDefault(); help(); return; }
    const wanted = [...all("[data-key]")].find((e) => e.dataset.key === event.key && !e.disabled && e.checkVisibility());
    if (!wanted) return;
    event.preventDefault();
    if (wanted.matches("audio")) wanted.paused ? wanted.play() : wanted.pause();
    else wanted.matches("input, textarea, select") ? wanted.focus() : wanted.click();
  });
  function help() {
    const dialog = $("keys");
    if (!dialog || dialog.open) return;
    const rows = [...all("[data-key]")].filter((e) => e.checkVisibility()).flatMap((e) => {
      const key = document.createElement("dt"), what = document.createElement("dd"), kbd = document.createElement("kbd");
      kbd.textContent = e.dataset.key;
      key.append(kbd);
      what.textContent = e.dataset.keyName ?? e.getAttribute("aria-label") ?? e.closest("label")?.firstChild?.textContent ?? e.textContent;
      return [key, what];
    });
    dialog.querySelector("dl").replaceChildren(...rows);
    dialog.showModal();
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-help]")) help();
    if (event.target.closest?.("dialog [data-cancel]")) event.target.closest("dialog").close();
    const menu = document.querySelector(".me[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });

  // Whatever came new.
  function begin() {
    const path = location.pathname;
    let best = null;
    for (const a of all(".areas a")) {
      const own = a.getAttribute("href");
      a.removeAttribute("aria-current");
      if ((path === own || path.startsWith(own + "/")) && own.length > (best?.getAttribute("href").length ?? 0)) best = a;
    }
    best?.setAttribute("aria-current", "page");
    // Tabs that are pages of their own.
    for (const a of all(".tabs[data-by-path] a")) a.getAttribute("href") === path ? a.setAttribute("aria-current", "page") : a.removeAttribute("aria-current");
    for (const e of all("[data-own-address]")) {
      if (e.value.startsWith("/")) e.value = location.origin + e.value;
    }
    // A table that is wider than the screen is moved by keys too.
    for (const e of all(".wide, .stages")) {
      if (e.scrollWidth <= e.clientWidth) continue;
      e.tabIndex = 0;
      e.setAttribute("role", "region");
      e.setAttribute("aria-label", e.querySelector("caption")?.textContent ?? document.querySelector("h1")?.textContent ?? "");
    }
    if (path.startsWith("/pop/")) went(path);
    count();
    listen();
    ring();
  }
  document.addEventListener("DOMContentLoaded", begin);
  document.addEventListener("htmx:afterSettle", begin);
  document.addEventListener("htmx:historyRestore", begin);
  addEventListener("pageshow", (event) => { if (event.persisted) restart(); });
})();
