// Every page that links lead to, by role, language and screen: it opens, has a title and one heading, is whole for people who
// see little or hear little (axe), fits the screen, and throws nothing. What a role may not see is not linked, and is refused.

import { Person, ROLES, Wrong, equal, holds, run, test } from "./desk.mjs";

/// How it is walked: each language on each screen, and each role.
const WALKS = [
  { role: "administrator", lang: "zh", screen: "desk" },
  { role: "administrator", lang: "en", screen: "phone" },
  { role: "supervisor", lang: "en", screen: "desk" },
  { role: "receptionist", lang: "zh", screen: "phone" },
  { role: "engineer", lang: "zh", screen: "desk" },
];
/// Pages of the same form (`/setup/people/*`, `/calls?since`) that are looked at; of tickets there are several kinds.
const ofAForm = (like) => (like === "/tickets/*" ? 2 : 1);
const PAGES_MAX = 150;

/// Pages of their own beside the records that have pages below the same path.
const OWN = ["new", "import", "text"];

/// What a page's address is like: the same for every ticket, call, account and prompt.
function form(address) {
  const url = new URL(address, "http://desk");
  const path = url.pathname.split("/").map((part, at) => (/\d/.test(part) || (at > 2 && !OWN.includes(part)) ? "*" : part)).join("/");
  const keys = [...url.searchParams.keys()].sort();
  return path + (keys.length > 0 ? "?" + keys.join("&") : "");
}

/// Walks from the first page; gives the forms of the pages that were opened.
async function walk(person) {
  const waiting = [person.path()];
  const met = new Map();
  let pages = 0;
  while (waiting.length > 0) {
    const address = waiting.shift();
    const like = form(address);
    const opened = met.get(like) ?? 0;
    if (opened >= ofAForm(like)) continue;
    met.set(like, opened + 1);
    pages += 1;
    holds(pages <= PAGES_MAX, `there are more than ${PAGES_MAX} pages: ${[...met.keys()].join(" ")}`);
    const first = await person.context.request.get(address, { maxRedirects: 5 });
    if (!(first.headers()["content-type"] ?? "").startsWith("text/html")) {
      if (first.status() !== 200) person.fault(`${address}: ${first.status()} ${(await first.text()).slice(0, 200)}`);
      continue;
    }
    const answer = await person.page.goto(address, { waitUntil: "load" });
    if (answer.status() !== 200) {
      person.fault(`${address}: ${answer.status()}`);
      continue;
    }
    await look(person, address);
    const links = await person.page.$$eval("a", (links) => links.filter((a) => a.hasAttribute("href")).map((a) => new URL(a.getAttribute("href"), document.baseURI).href));
    const own = links.map((link) => new URL(link)).filter((url) => url.origin === new URL(person.page.url()).origin && !url.pathname.startsWith("/language/"));
    waiting.push(...new Set(own.map((url) => url.pathname + url.search)));
  }
  console.log(`  ${person.role}: ${pages} pages: ${[...met.keys()].sort().join(" ")}`);
  return new Set(met.keys());
}

/// Names that are the same in every language: of standards, codecs and programs, and what the test itself
/// wrote.
const NAMES = [
  "TOTP", "JSON", "HTTP", "HTTPS", "TOML", "DTMF", "WebRTC", "Webhook", "Call", "PCMA", "PCMU", "Opus", "English", "frontdesk",
  "SRTP", "DTLS", "FLAC", "FreeOTP", "Google", "Authenticator", "Ctrl", "SIGHUP", "Wireshark", ...ROLES, "Anna", "Smith", "admin",
];

/// Pages that show the English texts of the line beside the Chinese ones, and the names of its prompts.
const BILINGUAL = ["/setup/answers", "/setup/prompts"];

/// Runs of Latin letters in the text of a Chinese page, outside what is code, a key, a choice, or what people wrote. What has
/// a digit, a dot or a dash in it is an address, a file or a key.
function foreignIn(names) {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const { parentElement: of, data } = walker.currentNode;
    if (!of || of.closest("code, kbd, pre, script, style, noscript, textarea, datalist, svg, .timeline .node, .timeline .key, table.nodes, .sip-messages, [lang]")?.matches(":not(html)")) continue;
    const words = data.split(/[\s，。：；、（）“”「」·/()|,;+]+/u).filter((word) => /^[A-Za-z]{4,}$/.test(word) && !names.includes(word));
    if (words.length > 0 && !data.includes("Mozilla/")) found.push(data.trim().replaceAll(/\s+/g, " ").slice(0, 80));
  }
  return found;
}

async function look(person, address) {
  const { page } = person;
  // Sheets for a printer are made for paper, and have no frame.
  if (!(await page.$("header.bar"))) return;
  const { lang, title, headings } = await page.evaluate(() => ({
    lang: document.documentElement.lang, title: document.title, headings: document.querySelectorAll("h1").length,
  }));
  if (lang !== { zh: "zh-CN", en: "en" }[person.lang]) person.fault(`${address}: in ${lang}`);
  if (!title.trim() || headings !== 1) person.fault(`${address}: titled "${title}", with ${headings} headings of the first order`);
  // What the console itself says, not what people wrote: it stands in the language of the page.
  if (person.lang === "en") {
    const foreign = await page.$$eval("h1, h2, th[scope=col], label, legend, button, summary, .tabs a, nav a, dt", (all) => all
      .filter((e) => !e.closest("[lang]:not(html)"))
      .map((e) => [...e.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data.trim()).join(" ").trim())
      .filter((text) => /\p{Script=Han}/u.test(text) && text !== "中文"));
    if (foreign.length > 0) person.foreign.push(`${address}: ${[...new Set(foreign)].slice(0, 6).join(" | ")}`);
  } else if (!BILINGUAL.includes(address.split("?")[0])) {
    const foreign = await page.evaluate(foreignIn, NAMES);
    if (foreign.length > 0) person.foreign.push(`${address}: ${[...new Set(foreign)].slice(0, 6).join(" | ")}`);
  }
  await person.check(address.split("?")[0].replaceAll(/\d{3,}/g, "N") + (address.includes("?") ? " " + address.split("?")[1] : "") || "home");
}

const seen = {};
for (const { role, lang, screen } of WALKS) {
  test(`the ${role} walks everywhere (${lang}, ${screen})`, async () => {
    const person = await Person.arrive({ lang, screen, role });
    person.role = role;
    person.foreign = [];
    seen[role] = await walk(person);
    for (const line of person.foreign) person.fault(`${lang === "en" ? "Chinese on an English page" : "English on a Chinese page"}: ${line}`);
  });
}

test("what a role may not see is not linked, and is refused in plain words", async () => {
  for (const role of ROLES) {
    const person = await Person.arrive({ lang: "en", screen: "phone", role });
    const mine = new Set([...(seen[role] ?? [])].map((like) => like.split("?")[0]));
    const others = [...(seen.administrator ?? [])].map((like) => like.split("?")[0]).filter((path) => !path.includes("*") && !path.startsWith("/api") && !mine.has(path));
    for (const path of new Set(others)) {
      const answer = await person.context.request.get(path, { maxRedirects: 0 });
      // A page that is not linked for a role may still be open to it, as a part of an area of its own.
      if (![200, 303, 403].includes(answer.status())) throw new Wrong(`${role} at ${path}: ${answer.status()}`);
      if (answer.status() === 200) console.log(`  ${role} may see ${path}, and no link leads there`);
    }
    const refused = others.find((path) => path === "/setup/users");
    if (refused) {
      await person.go(refused, 403);
      await person.sees("h1");
      await person.check(`refused ${role}`);
    }
    equal(refused === undefined, role === "administrator", `${role}: accounts are for administrators`);
    await person.leave();
  }
});

await run();
