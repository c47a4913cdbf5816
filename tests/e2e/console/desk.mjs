// People at the console, each in a browser of their own (Debian's Chromium), and what no page of it may do: break its own
// content security policy, throw in the browser, be wider than the screen, or shut somebody out (axe-core's serious faults).
//
// A script says `test("what holds", async () => {...})` for each story and ends with `await run()`: its exit code is 0 where
// all hold; else it tells of every one that doesn't, with a picture of the page as it was then.
// The environment says where the console is (CONSOLE), where the packages are (PACKAGES), where pictures go (SHOTS), and
// may name the only tests to run (ONLY, a part of their names).

import { createHmac } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const packages = createRequire(process.env.PACKAGES + "/");
const { chromium } = packages("playwright-core");
const axe = readFileSync(packages.resolve("axe-core/axe.min.js"), "utf8");

export const base = process.env.CONSOLE;
const shots = process.env.SHOTS;
/// Milliseconds for a page, an element or an answer: the machine may be busy with other tests.
const PATIENCE_MS = 40_000;
const ROLES = ["engineer", "receptionist", "supervisor", "administrator"];
/// The sizes that pages are made for, in CSS pixels.
export const SCREENS = { phone: { width: 360, height: 740 }, desk: { width: 1920, height: 1080 } };

mkdirSync(shots, { recursive: true });
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
});

/// The password of the account of a role, which has the role's name.
export const passwordOf = (role) => `correct horse ${role} battery`;

/// Somebody at a screen. `fault`s of their pages are gathered until `leave`, which fails for them.
export class Person {
  static all = [];

  /// `lang`: zh, en. `screen`: one of SCREENS. `role`: signed in with the account of that role.
  static async arrive({ lang = "zh", screen = "desk", role = null } = {}) {
    const person = new Person();
    person.lang = lang;
    person.screen = screen;
    person.faults = [];
    person.meant = [];
    person.context = await browser.newContext({
      // Certificates of the test's own authority.
      baseURL: base, ignoreHTTPSErrors: base.startsWith("https:"), viewport: SCREENS[screen], locale: lang === "zh" ? "zh-CN" : "en-US", isMobile: screen === "phone", hasTouch: screen === "phone",
    });
    person.context.setDefaultTimeout(PATIENCE_MS);
    person.page = await person.context.newPage();
    person.watch(person.page);
    Person.all.push(person);
    if (role) await person.signIn(role, passwordOf(role));
    return person;
  }

  watch(page) {
    page.on("pageerror", (error) => this.fault(`${page.url()}: thrown in the page: ${error.message}`));
    page.on("console", (line) => {
      if (["error", "warning"].includes(line.type())) this.fault(`${page.url()}: on the browser's console: ${line.text()}`);
    });
    // Nothing but what a test answers with `answering`: an alert of a page would be somebody's script.
    page.on("dialog", async (dialog) => {
      const answer = this.answers?.shift();
      if (!answer) this.fault(`${page.url()}: a window opened: ${dialog.message()}`);
      await (answer === "yes" ? dialog.accept() : dialog.dismiss()).catch(() => {});
    });
  }

  /// The next question of the page (`hx-confirm`) is answered: "yes", "no".
  answering(answer) { (this.answers ??= []).push(answer); }

  fault(text) {
    if (!this.meant.some((pattern) => pattern.test(text))) this.faults.push(text);
  }

  /// Something is told on the browser's console that a test does on purpose.
  meaning(pattern) { this.meant.push(pattern); }

  /// Answers with these statuses are meant: the browser tells of them, and so does htmx.
  refused(...statuses) {
    for (const status of statuses) this.meaning(new RegExp(`responded with a status of ${status}|Response Status Error Code ${status}`));
  }

  async go(path, status = 200) {
    if (status >= 400) this.refused(status);
    const answer = await this.page.goto(path, { waitUntil: "load" });
    equal(answer.status(), status, `status of ${path}`);
  }

  async signIn(name, password) {
    if (!this.path().startsWith("/sign-in")) await this.go("/sign-in");
    await this.page.fill("main [name=name]", name);
    await this.page.fill("main [name=password]", password);
    await this.send("main form");
  }

  /// Sends a form of a page without scripts, by its main button.
  async send(form) {
    const wait = this.page.waitForNavigation({ waitUntil: "load" });
    await this.page.click(`${form} button.main`);
    await wait;
  }

  path() {
    const url = this.page.url();
    return url.startsWith(base) ? url.slice(base.length) : url;
  }

  text(selector = "body") { return this.page.innerText(selector); }

  async sees(selector, text) {
    const found = this.page.locator(selector).filter(text === undefined ? {} : { hasText: text }).first();
    await found.waitFor({ state: "visible" }).catch(() => { throw new Wrong(`no ${selector} ${text ?? ""} at ${this.path()}`); });
    return found;
  }

  /// Waits until something holds in the page.
  async until(what, look, given) {
    await this.page.waitForFunction(look, given).catch(() => { throw new Wrong(`not so: ${what}, at ${this.path()}`); });
  }

  /// What holds for every page: see the head. Keeps a picture under `name`.
  async check(name) {
    const { page } = this;
    await page.evaluate(axe);
    const found = await page.evaluate(async () => (await globalThis.axe.run()).violations);
    for (const { impact, id, help, nodes } of found.filter(({ impact }) => ["serious", "critical"].includes(impact))) {
      const where = nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${node.html.slice(0, 160)} (${node.failureSummary.replaceAll(/\s+/g, " ")})`);
      this.fault(`${this.path()} [${this.lang}, ${this.screen}]: ${impact}: ${id}, ${help}: ${where.join("; ")}`);
    }
    const { width } = SCREENS[this.screen];
    const wider = await page.evaluate((width) => document.documentElement.scrollWidth - width, width);
    if (wider > 0) {
      const which = await page.evaluate((width) => [...document.querySelectorAll("body *")]
        .filter((e) => Math.max(e.getBoundingClientRect().right, e.getBoundingClientRect().left + e.scrollWidth) > width + 1 && !e.closest(".wide"))
        .slice(-3).map((e) => e.outerHTML.slice(0, 120)), width);
      this.fault(`${this.path()} [${this.lang}, ${this.screen}]: ${wider} px wider than the screen: ${which.join("; ")}`);
    }
    await this.shot(name);
  }

  async shot(name) {
    const path = `${shots}/${name.replaceAll(/[^\p{L}\p{N}]+/gu, "_").slice(0, 80)}-${this.lang}-${this.screen}.png`;
    await this.page.screenshot({ path, fullPage: true, animations: "disabled" }).catch(() => {});
    return path;
  }

  async leave() {
    Person.all.splice(Person.all.indexOf(this), 1);
    await this.context.close();
    if (this.faults.length > 0) throw new Wrong([...new Set(this.faults)].join("\n  "));
  }
}

/// The six digits of an authenticator with this secret in base32 (RFC 6238: SHA-1, 30 s).
export function totp(words, at_ms = Date.now()) {
  const bits = [...words.replaceAll(/[\s=-]/g, "").toUpperCase()].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const secret = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at_ms / 30_000)));
  const mac = createHmac("sha1", secret).update(step).digest();
  const from = mac[19] & 15;
  return String((mac.readUInt32BE(from) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

export class Wrong extends Error {}

export function equal(found, wanted, what) {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Wrong(`${what}: ${JSON.stringify(found)}, and ${JSON.stringify(wanted)} is wanted`);
}

export function holds(is, what) {
  if (!is) throw new Wrong(what);
}

/// Asks whoever runs this script to do something outside of the browser, in words that both know; gives the answer.
export async function ask(wish) {
  process.stdout.write(`ask ${wish}\n`);
  const { value, done } = await answers.next();
  if (done) throw new Wrong(`nobody did this: ${wish}`);
  return value;
}
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/// Without what playwright tells of each try.
const plain = (error) => (error.stack ?? String(error)).split("\n").filter((line) => !/^(\x1b\[2m|Call log:)/.test(line)).join("\n");

const tests = [];
export function test(name, story) { tests.push({ name, story }); }

export async function run() {
  let failed = 0;
  for (const { name, story } of tests) {
    if (!name.includes(process.env.ONLY ?? "")) continue;
    const began = Date.now();
    const faults = [];
    try {
      await story();
    } catch (error) {
      faults.push(error instanceof Wrong ? error.message : plain(error));
      for (const person of Person.all) faults.push(`at ${person.path()}: ${await person.shot(`failed ${name}`)}`);
    }
    for (const person of [...Person.all]) await person.leave().catch((error) => faults.push(error.message));
    failed += faults.length > 0 ? 1 : 0;
    console.log(`${faults.length > 0 ? "FAILED" : "ok"} ${name} (${Date.now() - began} ms)${faults.map((fault) => "\n  " + fault).join("")}`);
  }
  await browser.close();
  answers.return?.();
  process.exit(failed > 0 ? 1 : 0);
}

export { ROLES, sleep };
